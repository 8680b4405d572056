#include "tests/unit/preload/programs/entries_storm.h"

#include <sys/mman.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <thread>

namespace wrackline::storm {
namespace {

constexpr std::size_t kPage = 4096;

unsigned char PatternAt(std::uint64_t tag, std::size_t i) {
  return static_cast<unsigned char>((tag >> (i % 7 * 8)) + i * 3);
}
// All of a small block, the ends and a byte of each cache line of a large one.
std::size_t StepAt(std::size_t i, std::size_t size) {
  return size <= 2048 || i < 64 || i + 128 > size ? 1 : 61;
}

__attribute__((no_sanitize("thread"))) void Fill(void* block, std::size_t from, std::size_t size,
                                                 std::uint64_t tag) {
  auto* bytes = static_cast<volatile unsigned char*>(block);
  for (std::size_t i = from; i < size; i += StepAt(i, size)) bytes[i] = PatternAt(tag, i);
}
// The first `size` bytes of a block that was filled as one of `filled`.
__attribute__((no_sanitize("thread"))) bool IsFilled(const void* block, std::size_t size,
                                                     std::size_t filled, std::uint64_t tag) {
  const auto* bytes = static_cast<const volatile unsigned char*>(block);
  for (std::size_t i = 0; i < size; i += StepAt(i, filled)) {
    if (bytes[i] != PatternAt(tag, i)) return false;
  }
  return true;
}
__attribute__((no_sanitize("thread"))) bool IsZero(const void* block, std::size_t size) {
  const auto* bytes = static_cast<const volatile unsigned char*>(block);
  for (std::size_t i = 0; i < size; i += StepAt(i, size)) {
    if (bytes[i] != 0) return false;
  }
  return true;
}
__attribute__((no_sanitize("thread"))) bool IsText(const void* block, std::size_t length) {
  const auto* bytes = static_cast<const volatile char*>(block);
  for (std::size_t i = 0; i < length; i += StepAt(i, length)) {
    if (bytes[i] != 'x') return false;
  }
  return bytes[length] == '\0';
}

}  // namespace

class EntriesThread {
 public:
  using Range = EntriesStorm::Range;
  EntriesThread(EntriesStorm* storm, std::uint32_t id)
      : storm_(*storm),
        entries_(storm->entries_),
        random_(id + 1),
        made_(entries_.makers.size()),
        resized_(entries_.resizers.size()),
        dropped_(entries_.droppers.size()),
        measured_(entries_.measurers.size()) {}

  // One thread of it; the next one goes on with what it holds.
  void Run(std::chrono::steady_clock::time_point end) {
    const std::uint64_t steps = 200 + random_() % 6000;
    for (std::uint64_t i = 0; i < steps; ++i) {
      if (i % 100 == 0 && IsDone(end)) return;
      Step();
    }
  }
  // Also on a busy machine each function is called.
  bool IsDone(std::chrono::steady_clock::time_point end) const {
    constexpr std::uint64_t kLeast = 2000;
    return result.wrong != 0 ||
           (std::chrono::steady_clock::now() >= end && result.operations >= kLeast);
  }
  void DropAll() {
    for (const Block& block : held_) Drop(block);
    held_.clear();
  }
  void Drop(const Block& block) {
    if (!IsFilled(block.at, block.size, block.size, block.tag)) Wrong("content at a free");
    for (;;) {
      const std::size_t which = random_() % entries_.droppers.size();
      const Dropper& dropper = entries_.droppers[which];
      if (dropper.heap != block.heap || !Accepts(dropper.blocks, block)) continue;
      ++dropped_[which];
      return dropper.drop(dropper.function, block);
    }
  }
  void UnmapAll() {
    for (const Range& range : ranges_) Unmap(range.start, range.end - range.start);
    ranges_.clear();
  }
  void AddCalls(std::map<std::string, std::uint64_t>* calls) const {
    const auto add = [&](const auto& rows, const std::vector<std::uint64_t>& counts) {
      for (std::size_t i = 0; i < rows.size(); ++i) (*calls)[rows[i].name] += counts[i];
    };
    add(entries_.makers, made_);
    add(entries_.resizers, resized_);
    add(entries_.droppers, dropped_);
    add(entries_.measurers, measured_);
    (*calls)["xallocx"] += xallocx_;
    (*calls)["mi_expand"] += mi_expand_;
    (*calls)["mmap"] += mmap_;
    (*calls)["munmap"] += munmap_;
    (*calls)["mremap"] += mremap_;
  }

  EntriesResult result;
  std::vector<Range> ranges_;

 private:
  void Wrong(const char* what, const char* where = "") {
    if (result.wrong++ == 0) std::fprintf(stderr, "storm: %s %s\n", what, where);
  }

  std::size_t SomeSize() {
    const std::uint64_t draw = random_();
    if (draw % 4096 == 0) return random_() % (4 << 20);
    if (draw % 256 == 0) return random_() % (256 << 10);
    if (draw % 16 == 0) return random_() % (40 << 10);
    return random_() % 600;
  }

  void Step() {
    ++result.operations;
    const std::uint64_t draw = random_() % 64;
    if (held_.size() > 150 || (draw < 20 && !held_.empty())) {
      Swap();
      Drop(held_.back());
      held_.pop_back();
    } else if (draw < 28 && !held_.empty()) {
      HandOver();
    } else if (draw < 36 && !held_.empty()) {
      Swap();
      Resize(&held_.back());
    } else if (draw < 38) {
      Odd();
    } else if (draw == 38 && random_() % 4 == 0) {
      // Seldom: a thread that is stopped inside of munmap loses its place in a bounded list once 500
      // others have come and gone (docs/sampling.md).
      StepOfMappings();
    } else {
      Allocate();
    }
  }
  void Swap() { std::swap(held_[random_() % held_.size()], held_.back()); }
  // To another thread; what lay in the box is ours now.
  void HandOver() {
    Swap();
    EntriesStorm::Box& box = storm_.boxes_[random_() % EntriesStorm::kBoxes];
    {
      const std::lock_guard<std::mutex> lock(box.mutex);
      std::swap(box.block, held_.back());
    }
    ++result.handed_over;
    if (held_.back().at == nullptr) held_.pop_back();
  }

  void Count(std::size_t size) {
    if (size == 0) return;  // no point falls into it
    ++result.allocations;
    result.bytes += size;
  }
  void Allocate() {
    const std::size_t which = random_() % entries_.makers.size();
    const Maker& maker = entries_.makers[which];
    Block block;
    block.heap = maker.heap;
    block.size = SomeSize();
    if ((maker.traits & Maker::kSmall) != 0) block.size %= 1025;
    if ((maker.traits & Maker::kNotEmpty) != 0) block.size += 1;
    if ((maker.traits & Maker::kAligned) != 0) {
      block.alignment = std::size_t{16} << random_() % 9;
      if ((maker.traits & Maker::kWhole) != 0) {
        block.size = (block.size + block.alignment - 1) / block.alignment * block.alignment;
      }
    }
    block.at = maker.make(maker.function, block.size, block.alignment);
    ++made_[which];
    if (block.at == nullptr) {
      if (block.size != 0) Wrong("no memory from", maker.name);
      return;
    }
    const std::size_t alignment = DueAlignment(maker, block);
    if (reinterpret_cast<std::uintptr_t>(block.at) % alignment != 0) Wrong("alignment", maker.name);
    if ((maker.traits & Maker::kZeroed) != 0 && !IsZero(block.at, block.size)) {
      Wrong("not zero", maker.name);
    }
    if ((maker.traits & Maker::kText) != 0 && !IsText(block.at, block.size - 1)) {
      Wrong("text", maker.name);
    }
    block.sized = (maker.traits & Maker::kSized) != 0;
    Count(block.size);
    WriteAll(&block, random_());
    held_.push_back(block);
  }
  std::size_t DueAlignment(const Maker& maker, const Block& block) const {
    if (block.size == 0) return 1;  // jemalloc's memalign gives no alignment to no bytes
    if ((maker.traits & Maker::kPages) != 0) return kPage;
    if (block.alignment == 0) return block.size >= 16 ? 16 : 1;
    // mimalloc 2.0.9 takes small blocks of a power of two for aligned to their size, which they are not.
    const bool mimalloc = entries_.mimalloc_behind || block.heap == Heap::kMimalloc;
    const bool power = (block.size & (block.size - 1)) == 0;
    return mimalloc && power && block.size <= 1024 ? 1 : block.alignment;
  }
  // All that the allocator says is usable is written; neighbours keep what is theirs.
  void WriteAll(Block* block, std::uint64_t tag) {
    block->tag = tag;
    const std::size_t count = entries_.measurers.size();
    const std::size_t first = random_() % count;
    for (std::size_t i = 0; i < count; ++i) {
      const std::size_t which = (first + i) % count;
      const Measurer& measurer = entries_.measurers[which];
      if (measurer.heap != block->heap) continue;
      ++measured_[which];
      const std::size_t usable = measurer.measure(measurer.function, block->at);
      if (usable < block->size) Wrong("usable size", measurer.name);
      Fill(block->at, block->size, usable, 0xee);
      break;
    }
    Fill(block->at, 0, block->size, tag);
  }
  void Resize(Block* block) {
    if (!IsFilled(block->at, block->size, block->size, block->tag)) Wrong("content");
    if (block->heap == Heap::kJemalloc && random_() % 2 == 0) return ResizeInPlace(block);
    if (block->heap == Heap::kMimalloc && entries_.mi_expand != nullptr && random_() % 8 == 0) {
      // Where it is or not at all.
      ++mi_expand_;
      void* same = entries_.mi_expand(block->at, block->size);
      if (same != nullptr && same != block->at) Wrong("mi_expand moved it");
      return;
    }
    const std::size_t count = entries_.resizers.size();
    const std::size_t first = random_() % count;
    for (std::size_t i = 0; i < count; ++i) {
      const std::size_t which = (first + i) % count;
      const Resizer& resizer = entries_.resizers[which];
      if (resizer.heap != block->heap) continue;
      const std::size_t size = SomeSize() + 1;
      ++resized_[which];
      void* moved = resizer.resize(resizer.function, *block, size);
      if (moved == nullptr) return Wrong("no memory to grow from", resizer.name);
      if (resizer.counted) Count(size);
      if (!IsFilled(moved, std::min(size, block->size), block->size, block->tag)) {
        Wrong("content after", resizer.name);
      }
      block->at = moved;
      block->size = size;
      // An allocator that left it where it was may have another class for that size.
      block->sized = block->heap == Heap::kJemalloc;
      if (!block->sized) block->alignment = 0;
      return WriteAll(block, block->tag);
    }
  }
  void ResizeInPlace(Block* block) {
    if (entries_.xallocx == nullptr) return;
    ++xallocx_;
    const std::size_t size = entries_.xallocx(block->at, SomeSize() + 1, random_() % 100,
                                              LogAlignment(block->alignment));
    if (!IsFilled(block->at, std::min(size, block->size), block->size, block->tag)) {
      Wrong("content after xallocx");
    }
    block->size = size;
    block->sized = false;  // jemalloc 5.3.0 may grow a block and return its old size
    WriteAll(block, block->tag);
  }

  // What programs also do: free null, resize to nothing, ask for what cannot be had.
  void Odd() {
    const std::size_t which = random_() % entries_.droppers.size();
    const Dropper& dropper = entries_.droppers[which];
    Block nothing;
    nothing.alignment = 16;
    if (dropper.heap != Heap::kJemalloc) {  // whose functions do not take null
      ++dropped_[which];
      dropper.drop(dropper.function, nothing);
    }
    if (random_() % 64 == 0) BeRefused();
    const std::size_t size = 1 + random_() % 5000;
    void* block = nullptr;
    for (std::size_t i = 0; i < entries_.makers.size(); ++i) {
      const Maker& maker = entries_.makers[i];
      if (std::string_view(maker.name) == "malloc") {
        ++made_[i];
        block = maker.make(maker.function, size, 0);
        break;
      }
    }
    if (block == nullptr) return Wrong("no memory");
    Count(size);
    Block made;
    made.at = block;
    made.size = size;
    made.sized = true;
    WriteAll(&made, random_());
    for (std::size_t i = 0; i < entries_.resizers.size(); ++i) {
      const Resizer& resizer = entries_.resizers[i];
      if (std::string_view(resizer.name) == "realloc") {
        ++resized_[i];
        void* rest = resizer.resize(resizer.function, made, 0);  // some give a block of no bytes
        made.at = rest;
        made.size = 0;
        made.sized = false;
        if (rest != nullptr) Drop(made);
        return;
      }
    }
  }
  // Of the makers that may say no. (Seldom: a sanitizer's allocator says a line of each.)
  void BeRefused() {
    const std::size_t which = random_() % entries_.makers.size();
    const Maker& maker = entries_.makers[which];
    const std::string_view name = maker.name;
    if (name != "malloc" && name != "calloc" && name != "realloc" && name != "reallocarray" &&
        name != "memalign" && name != "posix_memalign") {
      return;
    }
    ++made_[which];
    if (maker.make(maker.function, (SIZE_MAX / 2 + 1) & ~std::size_t{3}, 16) != nullptr) {
      Wrong("half of all addresses from", maker.name);
    }
    for (Block& block : held_) {
      if (block.heap != Heap::kMalloc) continue;
      for (std::size_t i = 0; i < entries_.resizers.size(); ++i) {
        const Resizer& resizer = entries_.resizers[i];
        if (resizer.heap != Heap::kMalloc) continue;
        ++resized_[i];
        if (resizer.resize(resizer.function, block, SIZE_MAX / 2) != nullptr) {
          return Wrong("half of all addresses from", resizer.name);
        }
        if (!IsFilled(block.at, block.size, block.size, block.tag)) {
          Wrong("content after a refusal of", resizer.name);
        }
      }
      return;
    }
  }

  // --- mappings
  int Unmap(std::uintptr_t at, std::size_t length) {
    ++munmap_;
    return storm_.mapper_.unmap(reinterpret_cast<void*>(at), length);
  }
  void StepOfMappings() {
    const std::uint64_t draw = random_() % 16;
    if (draw < 6 || ranges_.empty()) {
      if (ranges_.size() < 24) MapOne();
      return;
    }
    std::swap(ranges_[random_() % ranges_.size()], ranges_.back());
    Range& range = ranges_.back();
    const std::size_t pages = (range.end - range.start) / kPage;
    const std::size_t first = random_() % pages;
    const std::size_t count = 1 + random_() % (pages - first);
    const std::uintptr_t start = range.start + first * kPage;
    const std::uintptr_t end = start + count * kPage;
    if (draw < 8 || ranges_.size() > 20) {
      if (Unmap(range.start, range.end - range.start) != 0) Wrong("munmap");
      ranges_.pop_back();
    } else if (draw < 11) {  // a part of it
      if (Unmap(start, end - start) != 0) return Wrong("munmap of a part");
      const Range behind = {end, range.end};
      range.end = start;
      if (range.start == range.end) ranges_.pop_back();
      if (behind.start != behind.end) ranges_.push_back(behind);
    } else if (draw < 12) {  // another one in its place
      ++mmap_;
      void* at = storm_.mapper_.map(reinterpret_cast<void*>(start), end - start, PROT_READ,
                                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED);
      if (at != reinterpret_cast<void*>(start)) Wrong("mmap at its place");
    } else if (draw < 15) {
      Remap(&range);
    } else {  // what the kernel refuses
      if (Unmap(range.start + 1, kPage) == 0) Wrong("munmap beside a page");
      ++mremap_;
      const std::size_t length = range.end - range.start;
      if (storm_.mapper_.remap(reinterpret_cast<void*>(range.start), length, std::size_t{1} << 60,
                               MREMAP_MAYMOVE, nullptr) != MAP_FAILED) {
        Wrong("mremap to more than there is");
      }
    }
  }
  void MapOne() {
    const std::size_t length = (1 + random_() % 16) * kPage;
    const int protection = random_() % 4 == 0 ? PROT_NONE : PROT_READ | PROT_WRITE;
    const int flags =
        MAP_ANONYMOUS | (random_() % 8 == 0 ? MAP_SHARED : MAP_PRIVATE | MAP_NORESERVE);
    ++mmap_;
    void* at = storm_.mapper_.map(nullptr, length - random_() % 100, protection, flags);
    if (at == MAP_FAILED) return Wrong("mmap");
    const auto start = reinterpret_cast<std::uintptr_t>(at);
    ranges_.push_back({start, start + length});
  }
  void Remap(Range* range) {
    const std::size_t length = (1 + random_() % 24) * kPage;
    ++mremap_;
    void* at = storm_.mapper_.remap(reinterpret_cast<void*>(range->start),
                                    range->end - range->start, length, MREMAP_MAYMOVE, nullptr);
    // Refused where it has become several mappings.
    if (at == MAP_FAILED) return;
    range->start = reinterpret_cast<std::uintptr_t>(at);
    range->end = range->start + length;
  }

  EntriesStorm& storm_;
  const Entries& entries_;
  std::mt19937_64 random_;
  std::vector<Block> held_;
  std::vector<std::uint64_t> made_, resized_, dropped_, measured_;
  std::uint64_t xallocx_ = 0, mi_expand_ = 0, mmap_ = 0, munmap_ = 0, mremap_ = 0;
};

void EntriesResult::Add(const EntriesResult& other) {
  operations += other.operations;
  allocations += other.allocations;
  bytes += other.bytes;
  handed_over += other.handed_over;
  threads += other.threads;
  wrong += other.wrong;
}

EntriesStorm::EntriesStorm(Entries entries, const Mapper& mapper)
    : entries_(std::move(entries)), mapper_(mapper) {}
EntriesStorm::~EntriesStorm() = default;

void EntriesStorm::Run(std::uint32_t count, std::chrono::milliseconds duration) {
  const auto end = std::chrono::steady_clock::now() + duration;
  for (std::uint32_t i = 0; i < count; ++i) {
    threads_.push_back(std::make_unique<EntriesThread>(this, i));
  }
  std::vector<std::thread> keepers;
  for (auto& one : threads_) {
    keepers.emplace_back([&one, end] {
      while (!one->IsDone(end)) {
        std::thread([&one, end] { one->Run(end); }).join();
        ++one->result.threads;
      }
    });
  }
  for (auto& keeper : keepers) keeper.join();
  for (auto& one : threads_) one->DropAll();
  for (Box& box : boxes_) {
    if (box.block.at != nullptr) threads_[0]->Drop(box.block);
    box.block = Block();
  }
  for (auto& one : threads_) {
    result_.Add(one->result);
  }
}

std::vector<EntriesStorm::Range> Joined(std::vector<EntriesStorm::Range> ranges) {
  std::sort(ranges.begin(), ranges.end(),
            [](const auto& a, const auto& b) { return a.start < b.start; });
  std::vector<EntriesStorm::Range> joined;
  for (const auto& range : ranges) {
    if (!joined.empty() && joined.back().end == range.start) {
      joined.back().end = range.end;
    } else {
      joined.push_back(range);
    }
  }
  return joined;
}

std::vector<EntriesStorm::Range> EntriesStorm::mapped() const {
  std::vector<Range> ranges;
  for (const auto& one : threads_) {
    ranges.insert(ranges.end(), one->ranges_.begin(), one->ranges_.end());
  }
  return Joined(std::move(ranges));
}

std::map<std::string, std::uint64_t> EntriesStorm::Calls() const {
  std::map<std::string, std::uint64_t> calls;
  for (const auto& one : threads_) one->AddCalls(&calls);
  return calls;
}

void EntriesStorm::UnmapAll() {
  for (auto& one : threads_) one->UnmapAll();
}

}  // namespace wrackline::storm
