// SampledRegion: where sampled objects of up to 32 KiB live, so that their address alone says that
// they are sampled.
//
// A free of an object that was not sampled, which is nearly every free, must cost next to nothing.
// So a sampled object is not taken from the program's allocator but from a window of 64 GiB of
// address space at a fixed place, of which only the parts in use are ever mapped, and the test is
//
//   if (InRegion(pointer)) ...     // pointer >> 36 == constant: no load
//
// The window is cut by its upper bits into areas of 4 GiB, one for each slot size (powers of two
// from 64 B to 32 KiB); a slot's size, number and bookkeeping follow from its address. Slots are
// naturally aligned to their size, so a request for an alignment gets a slot at least that large.
// A larger object, or one that finds no slot, stays where the allocator puts it, and LiveTable
// knows it.
//
//   void* object = state->region.Take(size, alignment, shard);  // null: none to be had
//   state->region.Publish(object, {...});                        // now it is live
//   ...
//   if (InRegion(pointer) && state->region.Release(pointer, &object)) ...
//
// Slots that were freed are taken again last in, first out, per shard (a thread has a shard, a slot
// goes back to the shard that first took it): the program gets memory that is in its cache. No lock;
// a thread stopped or killed anywhere inside blocks nobody, and threads that end leave nothing
// behind.
//
// Bounds: 65,536 slots of each size. Mappings: each area grows at its end by chunks that double
// from 256 KiB to 16 MiB, so there are at most 18 of one area where the kernel merges none (it
// merges them). ReleaseIdle gives the pages of slots that stay free back to the kernel.
//
// The bookkeeping is in ProfileState, which is wiped in a forked child; the objects are not, they
// are the child's too. A child that frees one leaves it where it is.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "preload/sampling/live_table.h"

namespace wrackline::preload {

namespace internal {
// 0x3b0000000000 to 0x3bffffffffff: above what sanitizers, Go, mimalloc and ZGC choose for
// themselves, below programs, libraries and stacks. ThreadSanitizer allows only addresses near the
// top.
#if defined(__SANITIZE_THREAD__)
inline constexpr std::uint64_t kRegionWindow = 0x7e9;
#else
inline constexpr std::uint64_t kRegionWindow = 0x3b0;
#endif
inline constexpr std::uint32_t kWindowShift = 36;
}  // namespace internal

// Whether `pointer` lies in the window: a sampled object, or a block of the static pool
// (next_allocator.h). Any pointer.
inline bool InRegion(const void* pointer) {
  return (reinterpret_cast<std::uintptr_t>(pointer) >> internal::kWindowShift) ==
         internal::kRegionWindow;
}

// False is certain: one bit of the pointer, for the hooks of free. Where programs, libraries, their
// heaps and mappings lie by default, it is set. The window is below, and with it mimalloc's memory,
// the heap of a program that is linked to a fixed address and what is mapped from the bottom up
// (`ulimit -s unlimited`): their frees look at the whole window number.
inline bool MayBeInRegion(const void* pointer) {
#if defined(__SANITIZE_THREAD__)
  return InRegion(pointer);
#else
  constexpr std::uint32_t kHighBit = 46;
  static_assert((internal::kRegionWindow >> (kHighBit - internal::kWindowShift) & 1) == 0);
  return (reinterpret_cast<std::uintptr_t>(pointer) >> kHighBit & 1) == 0;
#endif
}

class SampledRegion {
 public:
  static constexpr std::uint32_t kClasses = 10;
  static constexpr std::uint32_t kSmallestShift = 6;  // 64 B, a cache line: no false sharing
  static constexpr std::size_t kLargest = std::size_t{1} << (kSmallestShift + kClasses - 1);
  static constexpr std::uint32_t kSlotsPerClass = 1u << 16;
  static constexpr std::uint32_t kSlots = kClasses * kSlotsPerClass;
  static constexpr std::uint32_t kShards = 32;
  static constexpr std::uint32_t kAreaShift = 32;
  // The last area of the window is not for slots; its beginning is the static pool's
  // (next_allocator.h).
  static constexpr std::uint64_t kSpareArea =
      (internal::kRegionWindow << internal::kWindowShift) | (std::uint64_t{15} << kAreaShift);
  static constexpr std::size_t kSpareBytes = 64 << 10;
  static bool IsSpare(const void* pointer) {
    return reinterpret_cast<std::uintptr_t>(pointer) - kSpareArea < kSpareBytes;
  }

  // True when an object of `size` bytes fits a slot with `alignment` (a power of two, or 0).
  static bool Fits(std::size_t size, std::size_t alignment) {
    return size <= kLargest && alignment <= kLargest;
  }

  // A slot that is nobody's else, its content whatever it was. Null: none to be had. Any thread,
  // async-signal-safe; may map memory.
  void* Take(std::size_t size, std::size_t alignment, std::uint32_t shard);
  // A slot from Take that is not wanted after all.
  void GiveBack(void* slot);
  // From here on `object.address`, a slot from Take, is a live sample.
  void Publish(const LiveObject& object);
  // Takes the live sample at `pointer` out and frees its slot: the memory is another's at once.
  // False: not a live sample (freed before, or this is a forked child, or no slot starts there).
  bool Release(const void* pointer, LiveObject* released);

  // The requested size of the live sample at `pointer`; nothing known of it: its slot's size, which
  // is at least that. 0 when no slot starts there.
  std::size_t SizeOf(const void* pointer) const;
  // Whether the slot of `pointer` was ever given out, by this process or the one it was forked
  // from.
  static bool IsSlot(const void* pointer);
  static std::size_t SlotBytes(const void* pointer);

  // --- recorder thread ---
  LiveTable::SlotState Read(std::uint32_t slot, LiveObject* out) const;
  // Calls visit(slot) for each slot changed since it was last taken; visit returns false to leave
  // it for the next time.
  template <typename Visit>
  void TakeDirty(Visit visit);
  // How many objects are alive here, and the bytes requested for them: looks at every used slot.
  struct Usage {
    std::uint32_t objects;
    std::uint64_t bytes;
  };
  Usage Count() const;
  // Address space mapped for slots.
  static std::uint64_t mapped_bytes();
  // Whether any slot was ever used.
  bool UsedAny() const {
    for (const auto& fresh : fresh_) {
      if (fresh.load(std::memory_order_relaxed) != 0) return true;
    }
    return false;
  }
  // Slots of class `slot / kSlotsPerClass` from this one on were never used.
  std::uint32_t UsedSlots(std::uint32_t size_class) const {
    const std::uint32_t fresh = fresh_[size_class].load(std::memory_order_relaxed);
    return fresh < kSlotsPerClass ? fresh : kSlotsPerClass;
  }

  // --- assistant thread ---
  // Gives the pages of the longer unused half of the free slots back to the kernel; to be called
  // now and then. Returns the bytes given back. Not by two threads at once.
  std::size_t ReleaseIdle();

 private:
  // Half a cache line, so that no slot's lies on two.
  struct alignas(32) Meta {
    // 4 times a count of changes, plus kFree, kChanging or kLive.
    std::atomic<std::uint32_t> version;
    std::atomic<std::uint32_t> next;  // of a free slot: the one below it, plus 1
    std::atomic<std::uint32_t> stack_id;
    std::atomic<std::uint32_t> thread_id;
    std::atomic<std::uint32_t> time_ms;
    std::atomic<std::uint16_t> size;
    std::atomic<std::uint8_t> shard;
    std::atomic<std::uint8_t> idle;  // its pages were given back
    std::atomic<std::uint64_t> weight;
  };
  static_assert(sizeof(Meta) == 32 && kLargest <= UINT16_MAX);
  // The free slots of one shard and size: the first one plus 1, below a count of changes that makes
  // a stale compare-exchange fail.
  struct alignas(64) Shard {
    std::atomic<std::uint64_t> heads[kClasses];
  };

  bool Pop(std::uint32_t size_class, std::uint32_t shard, std::uint32_t* index);
  void Push(std::uint32_t size_class, std::uint32_t index);
  bool TakeFresh(std::uint32_t size_class, std::uint32_t* index);
  bool Grow(std::uint32_t size_class, std::uint32_t index);
  void MarkDirty(std::uint32_t slot);
  std::size_t ReleaseIdleOf(std::uint32_t size_class);
  void DressUp(std::uint32_t size_class);

  Meta metas_[kSlots];
  Shard shards_[kShards];
  std::atomic<std::uint32_t> fresh_[kClasses];    // slots used so far, and failed tries beyond
  std::atomic<std::uint32_t> growing_[kClasses];  // 1 while a thread maps more
  std::atomic<std::uint64_t> dirty_[kSlots / 64];
  // The assistant thread's.
  std::uint8_t free_on_page_[kSlotsPerClass];
  std::uint64_t dressed_[kClasses];  // bytes of the area that have their name
};

template <typename Visit>
void SampledRegion::TakeDirty(Visit visit) {
  for (std::uint32_t size_class = 0; size_class < kClasses; ++size_class) {
    const std::uint32_t first = size_class * (kSlotsPerClass / 64);
    const std::uint32_t words = (UsedSlots(size_class) + 63) / 64;
    for (std::uint32_t word = first; word < first + words; ++word) {
      if (dirty_[word].load(std::memory_order_relaxed) == 0) continue;
      std::uint64_t bits = dirty_[word].exchange(0, std::memory_order_acq_rel);
      while (bits != 0) {
        const std::uint32_t slot = word * 64 + static_cast<std::uint32_t>(__builtin_ctzll(bits));
        bits &= bits - 1;
        if (!visit(slot)) dirty_[word].fetch_or(1ull << (slot % 64), std::memory_order_release);
      }
    }
  }
}

}  // namespace wrackline::preload
