#include "analyzer/evidence/smaps_layout.h"

#include <algorithm>
#include <string_view>
#include <vector>

namespace wrackline::evidence {
namespace {

constexpr std::uint64_t kArenaHeap = std::uint64_t{64} << 20;
constexpr std::uint64_t kMostGuard = std::uint64_t{32} << 10;
constexpr std::uint64_t kLeastStack = std::uint64_t{16} << 10;
constexpr std::uint64_t kMostStack = std::uint64_t{64} << 20;
constexpr std::uint64_t kCompressedHeapEnd = std::uint64_t{32} << 30;
constexpr std::uint64_t kMetaspaceNode = std::uint64_t{64} << 20;
constexpr std::uint64_t kRootChunk = std::uint64_t{4} << 20;  // metaspace nodes are aligned to it

bool Contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

std::uint64_t Length(const SmapsMapping& mapping) { return mapping.end - mapping.start; }
bool Inaccessible(const SmapsMapping& mapping) {
  return mapping.Anonymous() && !mapping.readable && !mapping.writable && !mapping.executable;
}
bool Writable(const SmapsMapping& mapping) {
  return mapping.Anonymous() && mapping.writable && !mapping.executable;
}
bool IsArchive(const SmapsMapping& mapping) { return Contains(mapping.name, ".jsa"); }

// Mappings without a gap between them, all of them anonymous, or of the class archive.
struct Run {
  std::size_t first = 0, last = 0;  // `last` included
  std::uint64_t length = 0;
  Bytes writable, anonymous;
};

class Layout {
 public:
  Layout(const Smaps& smaps, const LayoutSizes& sizes)
      : all_(smaps.mappings), sizes_(sizes), taken_(all_.size()) {}

  SmapsLayout Make() {
    for (const SmapsMapping& mapping : all_) {
      if (Contains(mapping.name, "/libjvm.so")) result_.java = true;
    }
    TakeNamed();
    TakeRanges();
    TakeArenas();
    if (result_.java) {
      if (!result_.heap) TakeHeap();
      TakeArchive();
    }
    // Before metaspace, whose runs they would lengthen where they lie next to it.
    TakeStacks();
    if (result_.java && !result_.metaspace) TakeMetaspace();
    for (std::size_t i = 0; i < all_.size(); ++i) {
      if (!taken_[i]) result_.unnamed += all_[i].anonymous;
    }
    NameAllocator();
    return std::move(result_);
  }

 private:
  void Take(std::size_t i, std::optional<Bytes>* part) {
    if (taken_[i]) return;
    taken_[i] = true;
    *part = part->value_or(Bytes{}) + all_[i].anonymous;
  }

  void TakeNamed() {
    for (std::size_t i = 0; i < all_.size(); ++i) {
      const SmapsMapping& mapping = all_[i];
      if (mapping.name == "[heap]") Take(i, &result_.brk_resident);
      if (mapping.name == "[stack]") {
        Take(i, &result_.thread_stacks);
        ++result_.stacks;
      }
      if (result_.java && mapping.Anonymous() && mapping.writable && mapping.executable)
        Take(i, &result_.code_cache);
      // Each of ZGC's views of the heap shows the same pages: their proportional sizes add up to them once.
      if (mapping.shared && Contains(mapping.name, "java_heap"))
        result_.heap_shared = result_.heap_shared.value_or(Bytes{}) + mapping.proportional;
    }
  }

  // What the VM names by address needs no guess.
  void TakeRanges() {
    for (const LayoutRange& range : sizes_.ranges) {
      std::optional<Bytes>* const part = PartOf(range.kind);
      auto first = std::lower_bound(all_.begin(), all_.end(), range.begin,
                                    [](const SmapsMapping& mapping, std::uint64_t address) {
                                      return mapping.start < address;
                                    });
      for (; first != all_.end() && first->start < range.end; ++first) {
        if (first->end > range.end || first->shared) continue;
        Take(static_cast<std::size_t>(first - all_.begin()),
             IsArchive(*first) ? &result_.class_archive : part);
      }
      if (range.kind == LayoutRange::Kind::kStack) ++result_.stacks;
    }
  }

  std::optional<Bytes>* PartOf(LayoutRange::Kind kind) {
    switch (kind) {
      case LayoutRange::Kind::kHeap:
        return &result_.heap;
      case LayoutRange::Kind::kMetaspace:
        return &result_.metaspace;
      case LayoutRange::Kind::kClassSpace:
        return &result_.class_space;
      case LayoutRange::Kind::kCode:
        return &result_.code_cache;
      case LayoutRange::Kind::kStack:
        return &result_.thread_stacks;
      case LayoutRange::Kind::kOther:
        break;
    }
    return &result_.other;
  }

  void TakeArenas() {
    for (std::size_t i = 0; i < all_.size(); ++i) {
      const SmapsMapping& mapping = all_[i];
      if (taken_[i] || !Writable(mapping) || mapping.start % kArenaHeap != 0 ||
          Length(mapping) > kArenaHeap || mapping.Size() == sizes_.metaspace ||
          mapping.Size() == sizes_.class_space)
        continue;
      const bool full = Length(mapping) == kArenaHeap;
      if (!full &&
          (i + 1 == all_.size() || !Inaccessible(all_[i + 1]) || all_[i + 1].start != mapping.end ||
           all_[i + 1].end != mapping.start + kArenaHeap))
        continue;
      // A full one has no tail to be known by: between two heaps, or after one, it is one.
      if (full && !result_.arena_heaps) continue;
      taken_[i] = true;
      if (!full) taken_[i + 1] = true;
      ++result_.arena_heaps;
      result_.arena_mapped += mapping.Size();
      result_.arena_resident += mapping.resident;
    }
  }

  // The runs of mappings that nothing has taken, within [begin, end).
  std::vector<Run> Runs(std::uint64_t begin, std::uint64_t end, bool archive) const {
    std::vector<Run> runs;
    for (std::size_t i = 0; i < all_.size(); ++i) {
      const SmapsMapping& mapping = all_[i];
      const bool fits = !taken_[i] && mapping.start >= begin && mapping.end <= end &&
                        !mapping.executable &&
                        (mapping.Anonymous() || (archive && !mapping.shared && IsArchive(mapping)));
      if (!fits) continue;
      if (runs.empty() || runs.back().last + 1 != i || all_[i - 1].end != mapping.start)
        runs.push_back({i, i, 0, {}, {}});
      Run& run = runs.back();
      run.last = i;
      run.length += Length(mapping);
      if (mapping.writable) run.writable += mapping.Size();
      run.anonymous += mapping.anonymous;
    }
    return runs;
  }

  void TakeRun(const Run& run, std::optional<Bytes>* part) {
    for (std::size_t i = run.first; i <= run.last; ++i) {
      // What was written to the archive's pages is the archive's, also where objects of it lie in the heap.
      Take(i, IsArchive(all_[i]) ? &result_.class_archive : part);
    }
  }

  void TakeHeap() {
    std::vector<Run> runs = Runs(0, kCompressedHeapEnd, true);
    if (sizes_.heap) {
      const auto exact = [&](const Run& run) {
        return run.length == static_cast<std::uint64_t>(sizes_.heap->count);
      };
      auto found = std::find_if(runs.begin(), runs.end(), exact);
      if (found == runs.end()) {
        // Larger than 32 GiB, or without compressed pointers.
        runs = Runs(kCompressedHeapEnd, ~std::uint64_t{0}, true);
        found = std::find_if(runs.begin(), runs.end(), exact);
      }
      if (found != runs.end()) return TakeRun(*found, &result_.heap);
      runs = Runs(0, kCompressedHeapEnd, true);
    }
    const auto largest = std::max_element(
        runs.begin(), runs.end(), [](const Run& a, const Run& b) { return a.length < b.length; });
    // A heap has 2 MiB at least; less is the data of a program at a fixed address.
    if (largest != runs.end() && largest->length >= (std::uint64_t{2} << 20))
      TakeRun(*largest, &result_.heap);
  }

  // The archive's own mappings; the class space is the anonymous run behind them.
  void TakeArchive() {
    std::uint64_t end = 0;
    for (std::size_t i = 0; i < all_.size(); ++i) {
      if (!IsArchive(all_[i]) || all_[i].shared || all_[i].end <= kCompressedHeapEnd) continue;
      Take(i, &result_.class_archive);
      end = all_[i].end;
    }
    if (end == 0 || result_.class_space) return;
    // Reserved together: the gap up to the class space is inaccessible, and the run contains it.
    for (const Run& run : Runs(end, ~std::uint64_t{0}, false)) {
      if (all_[run.first].start != end) continue;
      TakeRun(run, &result_.class_space);
      return;
    }
  }

  void TakeMetaspace() {
    for (const Run& run : Runs(kCompressedHeapEnd, ~std::uint64_t{0}, false))
      for (const Run& node : Nodes(run)) TakeRun(node, &result_.metaspace);
    if (result_.class_space || !sizes_.class_space) return;
    // Without an archive the class space lies alone; its committed size tells it.
    for (const Run& run : Runs(kCompressedHeapEnd, ~std::uint64_t{0}, false)) {
      if (run.writable != *sizes_.class_space) continue;
      TakeRun(run, &result_.class_space);
      return;
    }
  }

  // The nodes in a run: whole 64 MiB from an aligned address, of several mappings, as a granule that was never committed
  // is inaccessible. Where the committed size is known, one run of that size is it.
  std::vector<Run> Nodes(const Run& run) const {
    const std::uint64_t start = all_[run.first].start;
    const bool whole = run.length % kMetaspaceNode == 0 && start % kRootChunk == 0;
    const bool known = sizes_.metaspace && run.writable == *sizes_.metaspace;
    // A run of one mapping could be anybody's.
    if (known || (whole && run.last > run.first + 1)) return {run};
    return {};
  }

  void TakeStacks() {
    for (std::size_t i = 0; i + 1 < all_.size(); ++i) {
      const SmapsMapping& guard = all_[i];
      const SmapsMapping& stack = all_[i + 1];
      if (taken_[i] || taken_[i + 1] || !Inaccessible(guard) || !Writable(stack) ||
          guard.end != stack.start || Length(guard) > kMostGuard || Length(stack) < kLeastStack ||
          Length(stack) > kMostStack)
        continue;
      taken_[i] = true;
      Take(i + 1, &result_.thread_stacks);
      ++result_.stacks;
    }
  }

  void NameAllocator() {
    for (const SmapsMapping& mapping : all_) {
      for (const char* name : {"jemalloc", "tcmalloc", "mimalloc"}) {
        if (Contains(mapping.name, std::string("/lib") + name)) result_.allocator = name;
      }
    }
    if (result_.allocator.empty() && result_.arena_heaps > 0) result_.allocator = "glibc";
  }

  const std::vector<SmapsMapping>& all_;
  const LayoutSizes& sizes_;
  std::vector<bool> taken_;
  SmapsLayout result_;
};

}  // namespace

SmapsLayout LayOut(const Smaps& smaps, const LayoutSizes& sizes) {
  return Layout(smaps, sizes).Make();
}

}  // namespace wrackline::evidence
