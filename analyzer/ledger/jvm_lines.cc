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

const Bytes* CommittedOf(const evidence::JvmFigures& figures, std::string_view category) {
  for (const evidence::JvmNativeMemory& one : figures.native_memory) {
    if (one.category == category) return &one.committed;
  }
  return nullptr;
}

void NoteUnread(Ledger* ledger) {
  ledger->notes.push_back(
      "The VM's resident memory was not read: heap, metaspace, code and stacks are in "
      "unexplained.");
}

// Where nobody read what is resident: what the VM committed, which is at most resident. malloc's part of it is in these lines only
// while no allocation was sampled, for samples are of the same memory.
void AddCommitted(const evidence::Evidence& evidence, const evidence::TimelinePoint& point,
                  Ledger* ledger) {
  const std::optional<evidence::JvmFigures> figures = evidence.jvm->Latest();
  if (!figures) return NoteUnread(ledger);
  const auto add = [ledger](const char* id, const char* label, std::optional<Bytes> amount,
                            std::optional<Bytes> budget, const char* source) {
    if (amount && amount->count > 0)
      ledger->lines.push_back({id, label, Holder::kJvm, *amount, std::nullopt, budget, source,
                               Confidence::kUpperBound});
  };
  const bool sampled = !evidence.sites.empty();
  const std::size_t before = ledger->lines.size();
  if (figures->native_memory.empty()) {
    add("jvm.heap", "Java heap (committed)", figures->heap_committed, evidence.jvm->max_heap,
        "the VM's committed heap");
    add("jvm.metaspace", "Metaspace (committed)", figures->metaspace_committed,
        evidence.jvm->max_metaspace, "the VM's committed metaspace");
    if (figures->non_heap_committed && figures->metaspace_committed)
      add("jvm.code_cache", "JVM code cache (committed)",
          std::max(Bytes{}, *figures->non_heap_committed - *figures->metaspace_committed),
          evidence.jvm->reserved_code_cache, "the VM's committed non-heap less metaspace");
  } else {
    const char* const tracking = kTrackedCommitted;
    const auto sum = [&](std::initializer_list<std::string_view> categories) {
      std::optional<Bytes> total;
      for (const std::string_view category : categories) {
        if (const Bytes* committed = CommittedOf(*figures, category))
          total = total.value_or(Bytes{}) + *committed;
      }
      return total;
    };
    add("jvm.heap", "Java heap (committed)", sum({"Java Heap"}), evidence.jvm->max_heap, tracking);
    add("jvm.metaspace", "Metaspace (committed)", sum({"Metaspace", "Class"}),
        evidence.jvm->max_metaspace, tracking);
    add("jvm.code_cache", "JVM code cache (committed)", sum({"Code"}),
        evidence.jvm->reserved_code_cache, tracking);
    add("jvm.thread_stacks", "thread stacks (committed)", sum({"Thread"}), std::nullopt, tracking);
    // The class archive's pages are a file's; "Other" has a line of its own.
    Bytes rest;
    for (const evidence::JvmNativeMemory& one : figures->native_memory) {
      constexpr std::string_view kNamed[] = {"Java Heap", "Metaspace",          "Class", "Code",
                                             "Thread",    "Shared class space", "Other"};
      if (std::find(std::begin(kNamed), std::end(kNamed), one.category) == std::end(kNamed))
        rest += sampled ? one.committed - one.malloc.value_or(Bytes{}) : one.committed;
    }
    add("jvm.other", "GC and other of the JVM (committed)", rest, std::nullopt, tracking);
  }
  if (ledger->lines.size() == before) return NoteUnread(ledger);
  const evidence::Duration apart =
      point.time > figures->time ? point.time - figures->time : figures->time - point.time;
  std::string when;
  if (apart > kSameMoment && apart < std::chrono::hours(24))
    when = ", " + std::to_string(std::chrono::duration_cast<std::chrono::seconds>(apart).count()) +
           " s " + (point.time > figures->time ? "before" : "after") + " that";
  ledger->notes.push_back(
      "What is resident of the VM's memory was not read: its lines are what it committed" + when +
      ", of which less may be resident.");
}

// Samples know whose the direct buffers are. Where there are none, the VM's own sum is left; Unsafe's memory ("Other") is direct
// buffers, mostly.
void AddDirect(const evidence::Jvm& jvm, Ledger* ledger) {
  const std::optional<evidence::JvmFigures> figures = jvm.Latest();
  if (!figures) return;
  const Bytes* other = CommittedOf(*figures, "Other");
  const std::optional<Bytes> amount = figures->direct_used ? figures->direct_used
                                      : other != nullptr   ? std::optional(*other)
                                                           : std::nullopt;
  if (!amount || amount->count <= 0) return;
  ledger->lines.push_back(
      {"jvm.direct", "direct buffers, network too", Holder::kJvm, *amount, std::nullopt,
       jvm.max_direct_memory,
       figures->direct_used ? "the VM's buffer pool" : "Native Memory Tracking, Other",
       Confidence::kUpperBound});
}

}  // namespace

Bytes AddJvmLines(const evidence::Evidence& evidence, const evidence::TimelinePoint& point,
                  Ledger* ledger) {
  if (!evidence.jvm) return {};
  if (evidence.sites.empty() && ledger->moment == When::kEnd) AddDirect(*evidence.jvm, ledger);
  const evidence::Jvm& jvm = *evidence.jvm;
  const evidence::JvmResident* resident = jvm.ResidentAt(point.time);
  if (resident == nullptr) {
    AddCommitted(evidence, point, ledger);
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
