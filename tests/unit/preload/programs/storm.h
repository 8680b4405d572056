// A storm on an allocator: threads that allocate, resize, hand over and free blocks through every
// entry point at random, and look at every byte of what they hold. `Entries` says which functions
// these are: the hooks' templates in storm_test.cc, the C library's names in storm.cc, which runs
// under the preload.
#pragma once

#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <random>
#include <thread>
#include <vector>

namespace wrackline::storm {

struct Result {
  std::uint64_t allocations = 0;  // calls that gave a block; each resize is one
  std::uint64_t bytes = 0;        // requested by them
  std::uint64_t wrong = 0;
};

// At the start of every block of at least this size.
struct Header {
  std::uint64_t size, tag;
};

inline unsigned char PatternAt(std::uint64_t tag, std::size_t i) {
  return static_cast<unsigned char>((tag >> (i % 7 * 8)) + i);
}
// A byte of each cache line of a large block, all of a small one.
inline std::size_t StepFor(std::size_t size) { return size <= 2048 ? 1 : 61; }

inline void Fill(void* block, std::size_t size, std::uint64_t tag) {
  const Header header = {size, tag};
  std::memcpy(block, &header, sizeof header);
  auto* bytes = static_cast<unsigned char*>(block);
  for (std::size_t i = sizeof header; i < size; i += StepFor(size)) bytes[i] = PatternAt(tag, i);
}
// Whether the first `size` bytes are those of a block of `filled` bytes.
inline bool IsFilled(const void* block, std::size_t size, std::size_t filled, std::uint64_t tag) {
  const auto* bytes = static_cast<const unsigned char*>(block);
  for (std::size_t i = sizeof(Header); i < size; i += StepFor(filled)) {
    if (bytes[i] != PatternAt(tag, i)) return false;
  }
  return true;
}

template <typename Entries>
class Thread {
 public:
  static constexpr std::size_t kBoxes = 64;
  using Boxes = std::atomic<void*>[kBoxes];

  Thread(std::uint32_t id, Boxes* boxes) : boxes_(*boxes), random_(id + 1) {}

  void Run(std::chrono::steady_clock::time_point end) {
    while (std::chrono::steady_clock::now() < end && result.wrong == 0) {
      for (int i = 0; i < 200; ++i) Step();
    }
    for (void* block : held_) Drop(block);
  }
  static void Drop(void* block, Result* result) {
    const Header header = HeaderOf(block);
    if (!IsFilled(block, header.size, header.size, header.tag)) Wrong(result, "content at free");
    Entries::Free(block);
  }

  Result result;

 private:
  static Header HeaderOf(const void* block) {
    Header header;
    std::memcpy(&header, block, sizeof header);
    return header;
  }
  static void Wrong(Result* result, const char* what) {
    if (result->wrong++ == 0) std::fprintf(stderr, "storm: %s\n", what);
  }
  void Drop(void* block) { Drop(block, &result); }

  std::size_t SomeSize() {
    const std::uint64_t draw = random_();
    if (draw % 4096 == 0) return sizeof(Header) + random_() % (4 << 20);
    if (draw % 256 == 0) return sizeof(Header) + random_() % (256 << 10);
    if (draw % 16 == 0) return sizeof(Header) + random_() % (40 << 10);
    return sizeof(Header) + random_() % 600;
  }

  void Step() {
    const std::uint64_t draw = random_() % 16;
    if (held_.size() > 200 || (draw < 5 && !held_.empty())) {
      Swap();
      Drop(held_.back());
      held_.pop_back();
    } else if (draw < 7 && !held_.empty()) {
      // To another thread; what lay in the box is ours now.
      Swap();
      void* block = boxes_[random_() % kBoxes].exchange(held_.back(), std::memory_order_acq_rel);
      held_.pop_back();
      if (block != nullptr) held_.push_back(block);
    } else if (draw < 9 && !held_.empty()) {
      Swap();
      Resize(&held_.back());
    } else if (draw == 9) {
      Odd();
    } else {
      Allocate();
    }
  }
  void Swap() { std::swap(held_[random_() % held_.size()], held_.back()); }

  void Count(std::size_t size) {
    ++result.allocations;
    result.bytes += size;
  }
  void Allocate() {
    const std::size_t size = SomeSize();
    std::size_t alignment = 16;
    void* block = nullptr;
    switch (random_() % 8) {
      case 0:
        block = Entries::Calloc(1, size);
        if (block != nullptr && !IsZero(block, size)) Wrong(&result, "calloc is not zero");
        break;
      case 1:
        alignment = std::size_t{16} << random_() % 9;
        if (Entries::PosixMemalign(&block, alignment, size) != 0) block = nullptr;
        break;
      case 2:
        alignment = std::size_t{16} << random_() % 9;
        block = Entries::AlignedAlloc(alignment, (size + alignment - 1) / alignment * alignment);
        if (block != nullptr) {
          Keep(block, (size + alignment - 1) / alignment * alignment, alignment);
          return;
        }
        break;
      case 3:
        block = Entries::Realloc(nullptr, size);
        break;
      default:
        block = Entries::Malloc(size);
    }
    if (block == nullptr) return Wrong(&result, "no memory");
    Keep(block, size, alignment);
  }
  static bool IsZero(const void* block, std::size_t size) {
    const auto* bytes = static_cast<const unsigned char*>(block);
    for (std::size_t i = 0; i < size; i += StepFor(size)) {
      if (bytes[i] != 0) return false;
    }
    return true;
  }
  void Keep(void* block, std::size_t size, std::size_t alignment) {
    Count(size);
    if (reinterpret_cast<std::uintptr_t>(block) % alignment != 0) Wrong(&result, "alignment");
    WriteAll(block, size, random_());
    held_.push_back(block);
  }
  // All that the allocator says is usable is written; neighbours keep what is theirs.
  void WriteAll(void* block, std::size_t size, std::uint64_t tag) {
    const std::size_t usable = Entries::UsableSize(block);
    if (usable < size) Wrong(&result, "usable size");
    std::memset(static_cast<char*>(block) + size, 0xee, usable - size);
    Fill(block, size, tag);
  }
  void Resize(void** held) {
    const Header header = HeaderOf(*held);
    const std::size_t size = SomeSize();
    if (!IsFilled(*held, header.size, header.size, header.tag)) Wrong(&result, "content");
    void* block =
        random_() % 2 == 0 ? Entries::Realloc(*held, size) : Entries::Reallocarray(*held, 1, size);
    if (block == nullptr) return Wrong(&result, "no memory to grow");
    Count(size);
    const Header after = HeaderOf(block);
    if (after.size != header.size || after.tag != header.tag ||
        !IsFilled(block, size < header.size ? size : header.size, header.size, header.tag)) {
      Wrong(&result, "content after a resize");
    }
    WriteAll(block, size, header.tag);
    *held = block;
  }
  // Sizes that cannot be had, and overflows. (Seldom: a sanitizer's allocator says a line of each.)
  void BeRefused() {
    volatile std::size_t most = SIZE_MAX / 2;
    if (Entries::Malloc(most) != nullptr) Wrong(&result, "half of all addresses");
    if (Entries::Calloc(most, 4) != nullptr) Wrong(&result, "an overflow");
    if (Entries::Reallocarray(nullptr, most, 4) != nullptr) Wrong(&result, "an overflow");
    void* out = nullptr;
    if (Entries::PosixMemalign(&out, 24, 100) != EINVAL) Wrong(&result, "a bad alignment");
    if (!held_.empty()) {
      // A resize that fails leaves the block as it was.
      if (Entries::Realloc(held_.back(), most) != nullptr) Wrong(&result, "half of all addresses");
      const Header header = HeaderOf(held_.back());
      if (!IsFilled(held_.back(), header.size, header.size, header.tag)) Wrong(&result, "content");
    }
  }
  // What programs also do: null, and blocks of a few bytes.
  void Odd() {
    Entries::Free(nullptr);
    if (random_() % 256 == 0) BeRefused();
    void* small[8];
    for (void*& block : small) {
      const std::size_t size = 1 + random_() % 15;
      block = Entries::Malloc(size);
      if (block == nullptr) return Wrong(&result, "no memory");
      Count(size);
      std::memset(block, 0x11, size);
    }
    for (void* block : small) Entries::Free(block);
  }

  Boxes& boxes_;
  std::mt19937_64 random_;
  std::vector<void*> held_;
};

// All threads for so long; at the end every block is freed.
template <typename Entries>
Result Run(std::uint32_t count, std::chrono::milliseconds duration) {
  typename Thread<Entries>::Boxes boxes = {};
  std::vector<Thread<Entries>> storm;
  storm.reserve(count);
  for (std::uint32_t i = 0; i < count; ++i) storm.emplace_back(i, &boxes);
  const auto end = std::chrono::steady_clock::now() + duration;
  std::vector<std::thread> threads;
  for (auto& one : storm) threads.emplace_back([&one, end] { one.Run(end); });
  for (auto& thread : threads) thread.join();
  Result sum;
  for (const auto& one : storm) {
    sum.allocations += one.result.allocations;
    sum.bytes += one.result.bytes;
    sum.wrong += one.result.wrong;
  }
  for (auto& box : boxes) {
    if (void* left = box.load()) Thread<Entries>::Drop(left, &sum);
  }
  return sum;
}

}  // namespace wrackline::storm
