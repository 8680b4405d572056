#include "analyzer/evidence/proc_source.h"

#include <algorithm>
#include <utility>

#include "analyzer/evidence/convert.h"
#include "analyzer/evidence/proc_text.h"
#include "analyzer/evidence/smaps_layout.h"
#include "analyzer/evidence/snapshot.h"
#include "lib/container/process.h"

namespace wrackline::evidence {
namespace {

const Error& RecordingIsNearer() {
  static const Error error{"the recording has the process's memory at every tick", ""};
  return error;
}

std::string Counted(std::size_t count, const char* one) {
  return std::to_string(count) + " " + one + (count == 1 ? "" : "s");
}

// Of the VM's Native Memory Tracking: the category's memory that is mapped, not malloc's.
const JvmNativeMemory* Category(const Evidence& evidence, std::string_view name) {
  if (!evidence.jvm) return nullptr;
  for (auto figures = evidence.jvm->figures.rbegin(); figures != evidence.jvm->figures.rend();
       ++figures) {
    for (const JvmNativeMemory& memory : figures->native_memory) {
      if (memory.category == name) return &memory;
    }
  }
  return nullptr;
}

std::optional<Bytes> Mapped(const Evidence& evidence, std::string_view name) {
  const JvmNativeMemory* const memory = Category(evidence, name);
  if (memory == nullptr) return std::nullopt;
  return memory->committed - memory->malloc.value_or(Bytes{});
}

// What Native Memory Tracking, in detail, and jcmd's heap information name by address.
std::vector<LayoutRange> RangesOf(const Jvm& jvm) {
  using Kind = LayoutRange::Kind;
  constexpr std::pair<std::string_view, Kind> kKinds[] = {
      {"Java Heap", Kind::kHeap}, {"Metaspace", Kind::kMetaspace}, {"Class", Kind::kClassSpace},
      {"Code", Kind::kCode},      {"Thread Stack", Kind::kStack},  {"GC", Kind::kOther},
      {"Compiler", Kind::kOther}, {"Safepoint", Kind::kOther},     {"Internal", Kind::kOther}};
  std::vector<LayoutRange> ranges;
  for (const VmRange& range : jvm.ranges) {
    for (const auto& [category, kind] : kKinds) {
      if (category == range.category) ranges.push_back({range.begin, range.end, kind});
    }
  }
  return ranges;
}

LayoutSizes SizesOf(const Evidence& evidence) {
  LayoutSizes sizes;
  if (evidence.jvm) sizes.ranges = RangesOf(*evidence.jvm);
  if (const JvmNativeMemory* heap = Category(evidence, "Java Heap")) {
    sizes.heap = heap->reserved;
  } else if (evidence.jvm && evidence.jvm->max_heap) {
    sizes.heap = evidence.jvm->max_heap;
  } else if (evidence.flink) {
    sizes.heap = evidence.flink->max_heap;
  }
  sizes.metaspace = Mapped(evidence, "Metaspace");
  sizes.class_space = Mapped(evidence, "Class");
  return sizes;
}

void Fill(std::optional<Bytes>* field, const std::optional<Bytes>& amount) {
  if (!*field) *field = amount;
}

void AddAllocator(const SmapsLayout& layout, Time time, Evidence* evidence) {
  if (evidence->process.allocator.empty()) evidence->process.allocator = layout.allocator;
  if (layout.allocator != "glibc") return;
  if (!evidence->allocator) {
    evidence->allocator.emplace();
    evidence->allocator->time = time;
  }
  AllocatorFigures& figures = *evidence->allocator;
  figures.heaps = layout.arena_heaps;
  figures.heaps_mapped = layout.arena_mapped;
  figures.heaps_resident = layout.arena_resident;
  figures.main_heap_resident = layout.brk_resident;
}

void AddJvm(const SmapsLayout& layout, Time time, Evidence* evidence) {
  if (!layout.java) return;
  if (!evidence->jvm) evidence->jvm.emplace();
  JvmResident resident;
  resident.time = time;
  resident.by_shape = true;
  resident.heap = layout.heap;
  resident.metaspace = layout.metaspace;
  resident.class_space = layout.class_space;
  resident.code_cache = layout.code_cache;
  resident.thread_stacks = layout.thread_stacks;
  resident.class_archive = layout.class_archive;
  resident.other = layout.other;
  resident.heap_shared = layout.heap_shared;
  evidence->jvm->resident.push_back(resident);
}

}  // namespace

bool IsProcStatus(const SourceFile& file) {
  const std::string_view head = file.Head().substr(0, 8192);
  return head.substr(0, 6) == "Name:\t" && head.find("\nPid:\t") != std::string_view::npos;
}

Result<std::string> AddProcStatus(const SourceFile& file, Evidence* evidence) {
  const ProcStatus status = ParseProcStatus(file.text);
  const std::uint32_t known = evidence->process.pid;
  if (status.pid && known != 0 && *status.pid != known)
    return Error{"of process " + std::to_string(*status.pid) + ", not of " + std::to_string(known),
                 ""};
  if (!status.resident) return Error{"no memory: it had ended, or is a kernel's thread", ""};
  TimelinePoint* const point = SnapshotPoint(file.modified, evidence);
  if (point == nullptr) return RecordingIsNearer();
  if (status.pid) evidence->process.pid = *status.pid;
  if (evidence->process.executable.empty()) evidence->process.executable = status.name;
  point->threads = status.threads;
  if (!point->resident) {
    point->resident = status.resident;
    if (status.file || status.shmem)
      point->resident_shared = status.file.value_or(Bytes{}) + status.shmem.value_or(Bytes{});
  }
  std::string gave = status.name + " (pid " + std::to_string(status.pid.value_or(0)) +
                     "), resident " + FormatBytes(*status.resident);
  if (status.anon) gave += ", of it anonymous " + FormatBytes(*status.anon);
  if (status.threads) gave += ", " + Counted(*status.threads, "thread");
  return gave;
}

bool IsSmapsRollup(const SourceFile& file) {
  const std::string_view head = file.Head();
  return head.substr(0, 512).find("[rollup]") != std::string_view::npos && BeginsLikeMaps(head);
}

Result<std::string> AddSmapsRollup(const SourceFile& file, Evidence* evidence) {
  const container::SmapsRollup rollup =
      container::ParseSmapsRollup(file.text.data(), file.text.size());
  if (!rollup.rss || !rollup.anonymous)
    return Error{"it has no Rss and Anonymous", "read it as root"};
  TimelinePoint* const point = SnapshotPoint(file.modified, evidence);
  if (point == nullptr) return RecordingIsNearer();
  const Bytes resident = ToBytes(*rollup.rss), anonymous = ToBytes(*rollup.anonymous);
  if (!point->resident) {
    point->resident = resident;
    point->resident_shared = std::max(Bytes{}, resident - anonymous);
  }
  if (rollup.anon_huge_pages) point->huge_pages = ToBytes(*rollup.anon_huge_pages);
  return "resident " + FormatBytes(resident) + ", of it anonymous " + FormatBytes(anonymous);
}

bool IsSmaps(const SourceFile& file) {
  const std::string_view head = file.Head();
  if (!BeginsLikeMaps(head) || IsSmapsRollup(file)) return false;
  const std::size_t end = head.find('\n');
  return end != std::string_view::npos && head.substr(end + 1, 5) == "Size:";
}

Result<std::string> AddSmaps(const SourceFile& file, Evidence* evidence) {
  const Smaps smaps = ParseSmaps(file.text);
  if (!smaps.with_amounts) return Error{"no mapping in it has an amount", "read it as root"};
  TimelinePoint* const point = SnapshotPoint(file.modified, evidence);
  if (point == nullptr) return RecordingIsNearer();
  const Bytes resident = smaps.Resident(), anonymous = smaps.Anonymous();
  Fill(&point->resident, resident);
  Fill(&point->resident_shared, std::max(Bytes{}, resident - anonymous));
  point->huge_pages = smaps.Huge();
  const SmapsLayout layout = LayOut(smaps, SizesOf(*evidence));
  AddAllocator(layout, point->time, evidence);
  AddJvm(layout, point->time, evidence);
  std::string gave =
      Counted(smaps.mappings.size(), "mapping") + ", resident " + FormatBytes(resident);
  const auto part = [&gave](const char* name, const std::optional<Bytes>& amount) {
    if (amount) gave += std::string(", ") + name + " " + FormatBytes(*amount);
  };
  part("Java heap", layout.heap_shared ? layout.heap_shared : layout.heap);
  if (layout.stacks > 0) part("thread stacks", layout.thread_stacks);
  if (layout.arena_heaps > 0)
    gave += ", " + FormatBytes(layout.arena_resident) + " in " +
            Counted(layout.arena_heaps, "heap") + " of glibc's arenas";
  if (smaps.cut) gave += "; more than a million mappings: the others were not read";
  return gave;
}

bool IsMaps(const SourceFile& file) {
  const std::string_view head = file.Head();
  if (!BeginsLikeMaps(head) || IsSmapsRollup(file)) return false;
  const std::size_t end = head.find('\n');
  if (end == std::string_view::npos) return false;
  // Another mapping follows, or nothing: otherwise it is smaps, or a heap profile that ends with its maps.
  return end + 1 == head.size() || BeginsLikeMaps(head.substr(end + 1));
}

Result<std::string> AddMaps(const SourceFile& file, Evidence* evidence) {
  const Smaps smaps = ParseSmaps(file.text);
  if (evidence->recorded) return RecordingIsNearer();
  const SmapsLayout layout = LayOut(smaps, SizesOf(*evidence));
  if (evidence->process.allocator.empty()) evidence->process.allocator = layout.allocator;
  std::string gave = Counted(smaps.mappings.size(), "mapping");
  if (layout.stacks > 0) gave += ", " + Counted(layout.stacks, "thread stack");
  if (layout.arena_heaps > 0)
    gave += ", " + Counted(layout.arena_heaps, "heap") + " of glibc's arenas";
  return gave + "; how much of it is resident only smaps says";
}

}  // namespace wrackline::evidence
