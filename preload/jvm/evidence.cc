#include "preload/jvm/evidence.h"

#include <dlfcn.h>
#include <pb_encode.h>
#include <wrackline_nanopb/wrackline.pb.h>

#include <algorithm>
#include <cstring>

#include "lib/container/process.h"
#include "preload/clock.h"
#include "preload/jvm/buffers.h"
#include "preload/jvm/facts.h"
#include "preload/jvm/management.h"
#include "preload/jvm/native_memory.h"
#include "preload/jvm/perf_memory.h"
#include "preload/jvm/resident.h"
#include "preload/jvm/vm_flags.h"
#include "preload/jvm/vm_ranges.h"
#include "preload/pages.h"
#include "preload/sampling/profile_state.h"
#include "preload/text.h"
#include "preload/timeline.h"
#include "wrackline/shim.h"

namespace wrackline::preload {
namespace {

// A little less than whole seconds, after which the caller comes again.
constexpr std::uint64_t kShortPeriodNs = 900 * kMillisecond;
constexpr std::uint64_t kPeriodNs = 9'900 * kMillisecond;
constexpr std::uint64_t kResidentPeriodNs = 59'900 * kMillisecond;
// VM.metaspace vslist stops the program's threads for a moment: when there is more metaspace to look for, and else not this soon.
constexpr std::uint64_t kNodesPeriodNs = 600 * kSecond;
// Keys in the recorder; those of others are unlikely to be "wrackjf" and "wrackjs".
constexpr std::uint64_t kFactsKey = 0x77'72'61'63'6b'6a'66'00;
constexpr std::uint64_t kSampleKey = 0x77'72'61'63'6b'6a'73'00;
// A line of 1,000 characters for each 64 MiB of metaspace, and 50 KiB for 3 GiB of class space.
constexpr std::size_t kTextBytes = 256 << 10;
constexpr std::size_t kPerfBytes = 64 << 10;
constexpr int kMostNodes = 128;

struct Evidence {
  bool open;
  bool native_memory;  // tracked
  bool g1;
  Management management;
  VmFlags flags;
  Buffers buffers;
  PerfMemory perf;
  JvmResidentMemory resident;
  AddressRange libjvm;            // its code
  std::uint64_t known_metaspace;  // reserved, when the nodes were read
  std::uint64_t nodes_ns;
  MetaspaceNode nodes[kMostNodes];
  int node_count;
  std::uint64_t first_ns, last_ns, last_resident_ns;  // samples
  std::uint32_t resident_moves;                       // of memory, when the last one was taken
  DutyLimiter duty;
  DutyLimiter resident_duty;
  char text[kTextBytes];
  alignas(8) unsigned char perf_bytes[kPerfBytes];
  wrackline_proto_Record record;
  unsigned char encoded[Mailbox::kMaxRecord];
};

// Of the JVM thread.
Evidence* g_evidence = nullptr;

template <typename Field, typename Value>
void Set(bool* has, Field* field, const std::optional<Value>& value) {
  *has = value.has_value();
  if (value) *field = static_cast<Field>(*value);
}

// --- where things are ---

struct Found {
  const void* in_libjvm;
  AddressRange libjvm, perf;
};

void LookAtMapping(void* context, const container::Mapping& mapping) {
  auto* found = static_cast<Found*>(context);
  const auto address = reinterpret_cast<std::uint64_t>(found->in_libjvm);
  if (address >= mapping.start && address < mapping.end) {
    found->libjvm = {mapping.start, mapping.end};
  }
  if (std::strstr(mapping.name, "/hsperfdata_") != nullptr && found->perf.end == 0) {
    found->perf = {mapping.start, mapping.end};
  }
}

Evidence* Open(const JvmContext& jvm) {
  if (g_evidence != nullptr) return g_evidence->open ? g_evidence : nullptr;
  g_evidence = MapArray<Evidence>(1);
  if (g_evidence == nullptr) return nullptr;
  Evidence& evidence = *g_evidence;
  evidence.duty = DutyLimiter(100);
  evidence.resident_duty = DutyLimiter(400);
  evidence.management.Open(jvm);
  evidence.flags.Open();
  const char* tracking = evidence.flags.Text("NativeMemoryTracking");
  // Not known: then the command's answer tells.
  evidence.native_memory = tracking == nullptr || std::strcmp(tracking, "off") != 0;
  evidence.g1 = evidence.flags.IsSet("UseG1GC");

  Found found{};
  if (void* library = dlopen("libjvm.so", RTLD_NOLOAD | RTLD_NOW); library != nullptr) {
    found.in_libjvm = dlsym(library, "JNI_GetCreatedJavaVMs");
    dlclose(library);
  }
  container::ReadMaps("", "self", LookAtMapping, &found);
  evidence.libjvm = found.libjvm;
  evidence.perf.Open(found.perf.start, found.perf.end);
  evidence.open = true;
  return &evidence;
}

// --- one source each ---

long Execute(const JvmContext& jvm, Evidence* evidence, const char* command) {
  return evidence->management.Execute(jvm, command, evidence->text, sizeof(evidence->text));
}

wrackline_proto_JvmPool* AddPool(wrackline_proto_JvmSample* sample, const char* name, bool heap,
                                 std::uint64_t used) {
  if (sample->pools_count == std::size(sample->pools)) return nullptr;
  wrackline_proto_JvmPool* pool = &sample->pools[sample->pools_count++];
  CopyText(pool->name, sizeof(pool->name), name);
  pool->heap = heap;
  pool->used = used;
  return pool;
}

HeapInfo ReadHeap(const JvmContext& jvm, Evidence* evidence, wrackline_proto_JvmSample* sample) {
  HeapInfo info;
  long length = Execute(jvm, evidence, "GC.heap_info");
  if (length >= 0) info = ParseHeapInfo(evidence->text, static_cast<std::size_t>(length));
  if (!info.metaspace_used) {
    length = Execute(jvm, evidence, "VM.metaspace basic");
    if (length >= 0) {
      ParseMetaspaceLines(evidence->text, static_cast<std::size_t>(length), &info);
    }
  }
  Set(&sample->has_heap_used, &sample->heap_used, info.used);
  Set(&sample->has_heap_committed, &sample->heap_committed, info.committed);
  if (!info.max) info.max = evidence->flags.Number("MaxHeapSize");
  Set(&sample->has_heap_max, &sample->heap_max, info.max);
  Set(&sample->has_metaspace_used, &sample->metaspace_used, info.metaspace_used);
  Set(&sample->has_metaspace_committed, &sample->metaspace_committed, info.metaspace_committed);
  Set(&sample->has_class_space_used, &sample->class_space_used, info.class_space_used);
  Set(&sample->has_class_space_committed, &sample->class_space_committed,
      info.class_space_committed);
  for (int i = 0; i < info.part_count; ++i) {
    wrackline_proto_JvmPool* pool = AddPool(sample, info.parts[i].name, true, info.parts[i].used);
    if (pool != nullptr) Set(&pool->has_committed, &pool->committed, info.parts[i].committed);
  }
  for (int i = 0; i < info.range_count; ++i) {
    evidence->resident.AddRange(JvmKind::kHeap, info.ranges[i]);
  }
  return info;
}

// Used and committed bytes of all code.
std::uint64_t ReadCode(const JvmContext& jvm, Evidence* evidence, wrackline_proto_JvmSample* sample,
                       std::uint64_t* committed) {
  CodeHeap heaps[8];
  const long length = Execute(jvm, evidence, "Compiler.codecache");
  const int count = length < 0 ? 0
                               : ParseCodeHeaps(evidence->text, static_cast<std::size_t>(length),
                                                heaps, static_cast<int>(std::size(heaps)));
  std::uint64_t used = 0;
  *committed = 0;
  for (int i = 0; i < count; ++i) {
    used += heaps[i].used;
    *committed += heaps[i].committed;
    evidence->resident.AddRange(JvmKind::kCodeCache, heaps[i].range);
    wrackline_proto_JvmPool* pool = AddPool(sample, heaps[i].name, false, heaps[i].used);
    if (pool == nullptr) continue;
    pool->has_committed = pool->has_max = true;
    pool->committed = heaps[i].committed;
    pool->max = heaps[i].range.end - heaps[i].range.start;
  }
  return used;
}

void ReadNodes(const JvmContext& jvm, Evidence* evidence, std::optional<std::uint64_t> reserved,
               std::uint64_t now_ns) {
  const bool more = reserved && *reserved != evidence->known_metaspace;
  if (more || evidence->nodes_ns == 0 || now_ns >= evidence->nodes_ns + kNodesPeriodNs) {
    const long length = Execute(jvm, evidence, "VM.metaspace vslist");
    evidence->node_count =
        length < 0 ? 0
                   : ParseMetaspaceNodes(evidence->text, static_cast<std::size_t>(length),
                                         evidence->nodes, kMostNodes);
    evidence->nodes_ns = now_ns;
    evidence->known_metaspace = reserved.value_or(0);
  }
  for (int i = 0; i < evidence->node_count; ++i) {
    const MetaspaceNode& node = evidence->nodes[i];
    evidence->resident.AddRange(node.class_space ? JvmKind::kClassSpace : JvmKind::kMetaspace,
                                node.range);
  }
}

// Where the nodes are; those that lie side by side are one range.
void PutNodes(const Evidence& evidence, wrackline_proto_JvmSample* sample) {
  for (int i = 0; i < evidence.node_count; ++i) {
    const AddressRange& at = evidence.nodes[i].range;
    if (sample->metaspace_at_count > 0) {
      wrackline_proto_AddressRange& last = sample->metaspace_at[sample->metaspace_at_count - 1];
      if (last.end == at.start || last.start == at.end) {
        last.start = std::min<std::uint64_t>(last.start, at.start);
        last.end = std::max<std::uint64_t>(last.end, at.end);
        continue;
      }
    }
    if (sample->metaspace_at_count == std::size(sample->metaspace_at)) return;
    sample->metaspace_at[sample->metaspace_at_count++] = {at.start, at.end};
  }
}

void ReadNativeMemory(const JvmContext& jvm, Evidence* evidence,
                      wrackline_proto_JvmSample* sample) {
  if (!evidence->native_memory) return;
  const long length = Execute(jvm, evidence, "VM.native_memory summary");
  if (length < 0) return;
  const NativeMemory memory = ParseNativeMemory(evidence->text, static_cast<std::size_t>(length));
  evidence->native_memory = memory.committed.has_value();
  Set(&sample->has_native_reserved, &sample->native_reserved, memory.reserved);
  Set(&sample->has_native_committed, &sample->native_committed, memory.committed);
  const int most = static_cast<int>(std::size(sample->native_memory));
  for (int i = 0; i < memory.count && i < most; ++i) {
    const NativeCategory& from = memory.categories[i];
    wrackline_proto_JvmNativeMemory* to = &sample->native_memory[sample->native_memory_count++];
    CopyText(to->category, sizeof(to->category), from.name);
    to->reserved = from.reserved;
    to->committed = from.committed;
    Set(&to->has_malloc, &to->malloc, from.malloc);
  }
}

void ReadCounts(const JvmContext& jvm, Evidence* evidence, wrackline_proto_JvmSample* sample) {
  const Management& management = evidence->management;
  Set(&sample->has_threads, &sample->threads, management.Number(jvm, Management::kThreadsLive));
  // Archived classes are in both.
  const auto loaded = management.Number(jvm, Management::kClassesLoaded);
  const auto unloaded = management.Number(jvm, Management::kClassesUnloaded);
  Set(&sample->has_classes_unloaded, &sample->classes_unloaded, unloaded);
  if (loaded && unloaded && *loaded >= *unloaded) {
    sample->has_classes_loaded = true;
    sample->classes_loaded = static_cast<std::uint32_t>(*loaded - *unloaded);
  }
  const jvm::PerfData data =
      evidence->perf.Read(evidence->perf_bytes, sizeof(evidence->perf_bytes));
  const Collections collections = CollectionsOf(data, evidence->g1);
  Set(&sample->has_collections, &sample->collections, collections.count);
  Set(&sample->has_collection_ms, &sample->collection_ms, collections.milliseconds);
  Set(&sample->has_heap_used_after_collection, &sample->heap_used_after_collection,
      collections.used_after);
}

void ReadBuffers(const JvmContext& jvm, Evidence* evidence, wrackline_proto_JvmSample* sample) {
  const BufferPools pools = evidence->buffers.Read(jvm);
  Set(&sample->has_direct_buffers, &sample->direct_buffers, pools.direct_count);
  Set(&sample->has_direct_used, &sample->direct_used, pools.direct_used);
  Set(&sample->has_direct_capacity, &sample->direct_capacity, pools.direct_capacity);
  Set(&sample->has_direct_max, &sample->direct_max, pools.direct_max);
  Set(&sample->has_mapped_buffers, &sample->mapped_buffers, pools.mapped_count);
  Set(&sample->has_mapped_used, &sample->mapped_used, pools.mapped_used);
}

void ReadResident(Evidence* evidence, wrackline_proto_JvmSample* sample) {
  constexpr JvmKind kKinds[] = {JvmKind::kHeap,      JvmKind::kMetaspace,    JvmKind::kClassSpace,
                                JvmKind::kCodeCache, JvmKind::kThreadStacks, JvmKind::kArchive,
                                JvmKind::kOther};
  evidence->resident.SetMappedByVm(State(), evidence->libjvm);
  if (!evidence->resident.Read("self")) return;
  for (const JvmKind kind : kKinds) {
    const JvmMemory& from = evidence->resident.Of(kind);
    if (from.mapped == 0) continue;
    wrackline_proto_JvmResident* to = &sample->resident[sample->resident_count++];
    to->kind = static_cast<wrackline_proto_JvmResident_Kind>(kind);
    to->anonymous = from.anonymous;
    to->shared = from.shared;
    to->mapped = from.mapped;
  }
}

// After `period_ns`, or after as long as there are samples where that is less.
bool Due(std::uint64_t now_ns, const Evidence& evidence, std::uint64_t last_ns,
         std::uint64_t period_ns) {
  const std::uint64_t young = std::max(last_ns - evidence.first_ns, kShortPeriodNs);
  return last_ns == 0 || now_ns >= last_ns + std::min(period_ns, young);
}

bool Submit(Evidence* evidence, std::uint64_t key, std::uint32_t kind) {
  evidence->record.time_ns = RealtimeNs();
  pb_ostream_t stream = pb_ostream_from_buffer(evidence->encoded, sizeof(evidence->encoded));
  return pb_encode(&stream, wrackline_proto_Record_fields, &evidence->record) &&
         wrackline_submit(key, kind, evidence->encoded, stream.bytes_written) == 0;
}

}  // namespace

bool FillJvmFacts(const JvmContext& jvm, const AttachmentFacts& attachment,
                  wrackline_proto_JvmFacts* facts) {
  Evidence* evidence = Open(jvm);
  if (evidence == nullptr) return false;
  const jvm::PerfData counters =
      evidence->perf.Read(evidence->perf_bytes, sizeof(evidence->perf_bytes));
  FillFacts(jvm, evidence->flags, counters, attachment, facts);
  return true;
}

bool FillJvmSample(const JvmContext& jvm, bool resident, wrackline_proto_JvmSample* sample) {
  Evidence* evidence = Open(jvm);
  if (evidence == nullptr) return false;
  const std::uint64_t began = MonotonicNs();
  sample->monotonic_ns = began;
  evidence->resident.ClearRanges();
  const HeapInfo heap = ReadHeap(jvm, evidence, sample);
  std::uint64_t code_committed = 0;
  const std::uint64_t code_used = ReadCode(jvm, evidence, sample, &code_committed);
  if (heap.metaspace_used && heap.metaspace_committed && code_committed > 0) {
    sample->has_non_heap_used = sample->has_non_heap_committed = true;
    sample->non_heap_used = *heap.metaspace_used + code_used;
    sample->non_heap_committed = *heap.metaspace_committed + code_committed;
  }
  ReadCounts(jvm, evidence, sample);
  ReadBuffers(jvm, evidence, sample);
  ReadNativeMemory(jvm, evidence, sample);
  if (resident) {
    ReadNodes(jvm, evidence, heap.metaspace_reserved, began);
    PutNodes(*evidence, sample);
    ReadResident(evidence, sample);
  }
  sample->cost_ns = MonotonicNs() - began;
  return true;
}

bool RecordJvmFacts(const JvmContext& jvm, const AttachmentFacts& attachment) {
  Evidence* evidence = Open(jvm);
  if (evidence == nullptr) return false;
  std::memset(&evidence->record, 0, sizeof(evidence->record));
  evidence->record.which_body = wrackline_proto_Record_jvm_facts_tag;
  return FillJvmFacts(jvm, attachment, &evidence->record.body.jvm_facts) &&
         Submit(evidence, kFactsKey, WRACKLINE_SUBMIT_STATE);
}

void RecordJvmSample(const JvmContext& jvm) {
  Evidence* evidence = Open(jvm);
  if (evidence == nullptr) return;
  const std::uint64_t now = MonotonicNs();
  const ProfileState* state = State();
  const bool is_short =
      state != nullptr && state->memory_short.load(std::memory_order_relaxed) != 0;
  if (evidence->first_ns == 0) evidence->first_ns = now;
  if (!Due(now, *evidence, evidence->last_ns, is_short ? kShortPeriodNs : kPeriodNs) ||
      !evidence->duty.Allowed(now)) {
    return;
  }
  const std::uint32_t moves =
      state != nullptr ? state->memory_moves.load(std::memory_order_relaxed) : 0;
  const bool resident =
      evidence->resident_duty.Allowed(now) &&
      (moves != evidence->resident_moves || Due(now, *evidence, evidence->last_resident_ns,
                                                is_short ? kShortPeriodNs : kResidentPeriodNs));
  const std::uint64_t cpu = ThreadCpuNs();
  std::memset(&evidence->record, 0, sizeof(evidence->record));
  evidence->record.which_body = wrackline_proto_Record_jvm_sample_tag;
  if (FillJvmSample(jvm, resident, &evidence->record.body.jvm_sample)) {
    Submit(evidence, kSampleKey, WRACKLINE_SUBMIT_HISTORY);
  }
  const std::uint64_t end = MonotonicNs();
  const std::uint64_t cost = ThreadCpuNs() - cpu;
  evidence->last_ns = now;
  // smaps has a limit of its own, and what it takes is not held against the cheap figures twice.
  if (resident) {
    evidence->resident_duty.Spent(end, cost);
    evidence->last_resident_ns = now;
    evidence->resident_moves = moves;
  } else {
    evidence->duty.Spent(end, cost);
  }
}

}  // namespace wrackline::preload
