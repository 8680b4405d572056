#include <algorithm>
#include <chrono>

#include "analyzer/ledger/lines.h"

namespace wrackline::ledger {
namespace {

constexpr evidence::Duration kSameMoment = std::chrono::milliseconds(1500);

void Add(Ledger* ledger, const char* id, const char* label, std::optional<Bytes> amount,
         std::optional<Bytes> budget, const char* source) {
  if (amount && amount->count > 0)
    ledger->lines.push_back(
        {id, label, Holder::kJvm, *amount, std::nullopt, budget, source, Confidence::kExact});
}

// What the kernel counts as shared memory beside anonymous memory.
Bytes SharedOf(const evidence::TimelinePoint& point, Basis basis) {
  if (basis == Basis::kResident) return point.resident_shared.value_or(Bytes{});
  return std::min(point.shmem.value_or(Bytes{}), point.file.value_or(Bytes{}));
}

}  // namespace

Bytes AddJvmLines(const evidence::Evidence& evidence, const evidence::TimelinePoint& point,
                  Ledger* ledger) {
  if (!evidence.jvm) return {};
  const evidence::Jvm& jvm = *evidence.jvm;
  const evidence::JvmResident* resident = jvm.ResidentAt(point.time);
  if (resident == nullptr) {
    ledger->notes.push_back(
        "The VM's resident memory was not read: heap, metaspace, code and stacks are in "
        "unexplained.");
    return {};
  }
  // Never more than the kernel says there is: the rest would be taken from what it does not hold.
  const Bytes shared =
      std::min(resident->heap_shared.value_or(Bytes{}), SharedOf(point, ledger->basis));
  const Bytes heap = resident->heap.value_or(Bytes{}) + shared;
  const char* const by_address = "smaps, by the addresses that the VM names";
  Add(ledger, "jvm.heap", "Java heap", heap, jvm.max_heap, by_address);
  std::optional<Bytes> metaspace = resident->metaspace;
  if (resident->class_space) metaspace = metaspace.value_or(Bytes{}) + *resident->class_space;
  Add(ledger, "jvm.metaspace", "Metaspace (with class space)", metaspace, jvm.max_metaspace,
      by_address);
  Add(ledger, "jvm.code_cache", "JVM code cache", resident->code_cache, jvm.reserved_code_cache,
      by_address);
  Add(ledger, "jvm.thread_stacks", "thread stacks", resident->thread_stacks, std::nullopt,
      "smaps, by the threads' stack pointers");
  Add(ledger, "jvm.class_archive", "JVM class archive (CDS)", resident->class_archive, std::nullopt,
      "smaps: what was written to the archive's pages");
  Add(ledger, "jvm.other", "GC and other JVM mappings", resident->other, std::nullopt,
      "smaps, mappings made by libjvm");
  const evidence::Duration apart =
      point.time > resident->time ? point.time - resident->time : resident->time - point.time;
  if (apart > kSameMoment) {
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(apart);
    ledger->notes.push_back("The VM's resident memory was read " + std::to_string(seconds.count()) +
                            " s " + (point.time > resident->time ? "before" : "after") + " that.");
  }
  return shared;
}

}  // namespace wrackline::ledger
