// StackTable: distinct stacks, interned once, with their counters.
//
// Insert-only, lock-free. A stack is identified by a 64-bit hash of its frames: with 32,768 stacks
// the chance that any two share one is below 3e-11, so frames are not compared. Entry 0 is the
// stack "unknown": samples land there when the table or the frame store is full, or the unwinder
// gave nothing; its frames are empty.
//
// A stack's entry is among the first kNear ones, unless its window there is full: so few stacks touch little
// memory.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace wrackline::preload {

struct StackSnapshot {
  std::uint64_t allocated_samples, freed_samples;
  std::uint64_t allocated_bytes, freed_bytes;  // weighted
};

class StackTable {
 public:
  static constexpr std::uint32_t kSlots = 1u << 15;
  static constexpr std::uint32_t kNear = 1u << 11;
  static constexpr std::uint32_t kWindow = 64;
  static constexpr std::uint32_t kMaxDepth = 128;
  static constexpr std::uint32_t kFrameStore =
      1u << 20;  // frames of all stacks together: 8 MiB when full
  static constexpr std::uint32_t kUnknown = 0;

  // The id of this stack; kUnknown when there is no room (`*full` is then set). `truncated`: the
  // depth limit cut it.
  std::uint32_t Intern(const std::uint64_t* frames, std::uint32_t depth, bool truncated,
                       bool* full);

  void CountAllocation(std::uint32_t id, std::uint64_t weight);
  void CountFree(std::uint32_t id, std::uint64_t weight);

  // --- recorder thread ---
  // Frames of `id`, in the table's own memory, never changing. False: not (yet) published.
  bool Frames(std::uint32_t id, const std::uint64_t** frames, std::uint32_t* depth,
              bool* truncated) const;
  StackSnapshot Counters(std::uint32_t id) const;
  // Ids from here on were never used. It grows once; what is interned there is marked as changed.
  std::uint32_t Extent() const {
    return far_.load(std::memory_order_acquire) != 0 ? kSlots : kNear;
  }
  // Calls visit(id) for each stack new or counted since it was last taken; visit returns false to
  // leave it for later.
  template <typename Visit>
  void TakeDirty(Visit visit);

 private:
  struct alignas(64) Entry {
    std::atomic<std::uint64_t> hash;  // 0: free
    std::atomic<std::uint64_t>
        frames_depth;  // published last: offset in store << 32 | truncated << 31 | depth, plus 1
    std::atomic<std::uint64_t> allocated_samples, freed_samples, allocated_bytes, freed_bytes;
  };
  // Looks through the window that `hash` has in entries [first, first + count). False: it is full, and without this stack.
  bool InternIn(std::uint32_t first, std::uint32_t count, std::uint64_t hash,
                const std::uint64_t* frames, std::uint32_t depth, bool truncated, bool* full,
                std::uint32_t* id);
  // Writes the frames of an entry that this thread has claimed; its id, or kUnknown when the store
  // is full.
  std::uint32_t Publish(std::uint32_t id, const std::uint64_t* frames, std::uint32_t depth,
                        bool truncated, bool* full);
  void MarkDirty(std::uint32_t id);

  Entry entries_[kSlots];
  std::uint64_t store_[kFrameStore];
  std::atomic<std::uint32_t> store_used_;
  std::atomic<std::uint64_t> dirty_[kSlots / 64];
  std::atomic<std::uint32_t> far_;  // 1: some stack may be beyond the first kNear entries
};

template <typename Visit>
void StackTable::TakeDirty(Visit visit) {
  for (std::uint32_t word = 0; word < kSlots / 64; ++word) {
    if (dirty_[word].load(std::memory_order_relaxed) == 0) continue;
    std::uint64_t bits = dirty_[word].exchange(0, std::memory_order_acq_rel);
    while (bits != 0) {
      const std::uint32_t id = word * 64 + static_cast<std::uint32_t>(__builtin_ctzll(bits));
      bits &= bits - 1;
      if (!visit(id)) dirty_[word].fetch_or(1ull << (id % 64), std::memory_order_release);
    }
  }
}

}  // namespace wrackline::preload
