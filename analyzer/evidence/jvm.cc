#include "analyzer/evidence/jvm.h"

#include <algorithm>

#include "analyzer/evidence/convert.h"

namespace wrackline::evidence {
namespace {

#define COPY(target, message, field)                                 \
  do {                                                               \
    if ((message).has_##field()) (target).field = (message).field(); \
  } while (false)

JvmFigures FiguresOf(const proto::Record& record) {
  const proto::JvmSample& sample = record.jvm_sample();
  JvmFigures figures;
  figures.time = ToTime(record.time_ns());
  WRACKLINE_COPY_BYTES(figures, sample, heap_used);
  WRACKLINE_COPY_BYTES(figures, sample, heap_committed);
  WRACKLINE_COPY_BYTES(figures, sample, heap_max);
  WRACKLINE_COPY_BYTES(figures, sample, heap_used_after_collection);
  WRACKLINE_COPY_BYTES(figures, sample, non_heap_used);
  WRACKLINE_COPY_BYTES(figures, sample, non_heap_committed);
  WRACKLINE_COPY_BYTES(figures, sample, metaspace_used);
  WRACKLINE_COPY_BYTES(figures, sample, metaspace_committed);
  WRACKLINE_COPY_BYTES(figures, sample, class_space_used);
  WRACKLINE_COPY_BYTES(figures, sample, class_space_committed);
  WRACKLINE_COPY_BYTES(figures, sample, direct_used);
  WRACKLINE_COPY_BYTES(figures, sample, direct_capacity);
  WRACKLINE_COPY_BYTES(figures, sample, direct_max);
  WRACKLINE_COPY_BYTES(figures, sample, mapped_used);
  WRACKLINE_COPY_BYTES(figures, sample, native_reserved);
  WRACKLINE_COPY_BYTES(figures, sample, native_committed);
  COPY(figures, sample, threads);
  COPY(figures, sample, classes_loaded);
  COPY(figures, sample, classes_unloaded);
  COPY(figures, sample, direct_buffers);
  COPY(figures, sample, mapped_buffers);
  COPY(figures, sample, collections);
  COPY(figures, sample, collection_ms);
  for (const proto::JvmPool& from : sample.pools()) {
    JvmPool& pool = figures.pools.emplace_back();
    pool.name = from.name();
    pool.heap = from.heap();
    pool.used = ToBytes(from.used());
    WRACKLINE_COPY_BYTES(pool, from, committed);
    WRACKLINE_COPY_BYTES(pool, from, max);
  }
  for (const proto::JvmNativeMemory& from : sample.native_memory()) {
    JvmNativeMemory& category = figures.native_memory.emplace_back();
    category.category = from.category();
    category.reserved = ToBytes(from.reserved());
    category.committed = ToBytes(from.committed());
    WRACKLINE_COPY_BYTES(category, from, malloc);
  }
  return figures;
}

std::optional<Bytes>* FieldOf(proto::JvmResident::Kind kind, JvmResident* resident) {
  switch (kind) {
    case proto::JvmResident::HEAP:
      return &resident->heap;
    case proto::JvmResident::METASPACE:
      return &resident->metaspace;
    case proto::JvmResident::CLASS_SPACE:
      return &resident->class_space;
    case proto::JvmResident::CODE_CACHE:
      return &resident->code_cache;
    case proto::JvmResident::THREAD_STACKS:
      return &resident->thread_stacks;
    case proto::JvmResident::CLASS_ARCHIVE:
      return &resident->class_archive;
    case proto::JvmResident::OTHER:
      return &resident->other;
    default:
      return nullptr;
  }
}

void AddResident(const proto::Record& record, Jvm* jvm) {
  if (record.jvm_sample().resident().empty()) return;
  JvmResident& resident = jvm->resident.emplace_back();
  resident.time = ToTime(record.time_ns());
  for (const proto::JvmResident& from : record.jvm_sample().resident()) {
    std::optional<Bytes>* field = FieldOf(from.kind(), &resident);
    if (field == nullptr) continue;
    *field = field->value_or(Bytes{}) + ToBytes(from.anonymous());
    if (from.shared() > 0) {
      resident.heap_shared = resident.heap_shared.value_or(Bytes{}) + ToBytes(from.shared());
    }
  }
}

}  // namespace

const JvmResident* Jvm::ResidentAt(Time time) const {
  const auto apart = [time](const JvmResident& reading) {
    return reading.time > time ? reading.time - time : time - reading.time;
  };
  const auto nearest =
      std::min_element(resident.begin(), resident.end(),
                       [&](const auto& a, const auto& b) { return apart(a) < apart(b); });
  return nearest == resident.end() ? nullptr : &*nearest;
}

std::optional<Jvm> JvmFromRecording(const recorder::Recording& recording) {
  if (!recording.jvm_facts && recording.jvm_samples.empty()) return std::nullopt;
  Jvm jvm;
  jvm.origin = "the VM, from inside";
  if (recording.jvm_facts) {
    const proto::JvmFacts& facts = *recording.jvm_facts;
    jvm.vm_name = facts.vm_name();
    jvm.vm_version = facts.vm_version();
    jvm.java_version = facts.java_version();
    jvm.collector = facts.collector();
    jvm.native_memory_tracking = facts.native_memory_tracking();
    jvm.attached_by = facts.attached_by();
    jvm.trouble = facts.trouble();
    WRACKLINE_COPY_BYTES(jvm, facts, max_heap);
    WRACKLINE_COPY_BYTES(jvm, facts, max_direct_memory);
    WRACKLINE_COPY_BYTES(jvm, facts, max_metaspace);
    WRACKLINE_COPY_BYTES(jvm, facts, reserved_code_cache);
    WRACKLINE_COPY_BYTES(jvm, facts, compressed_class_space);
  }
  for (const proto::Record& record : recording.jvm_samples) {
    jvm.figures.push_back(FiguresOf(record));
    AddResident(record, &jvm);
  }
  const auto by_time = [](const auto& a, const auto& b) { return a.time < b.time; };
  std::stable_sort(jvm.figures.begin(), jvm.figures.end(), by_time);
  std::stable_sort(jvm.resident.begin(), jvm.resident.end(), by_time);
  return jvm;
}

}  // namespace wrackline::evidence
