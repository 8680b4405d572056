// LiveTable: the sampled objects that are alive now.
//
// Written by program threads on the sampled path and on the free of a sampled object; read by the
// recorder thread, which takes what changed since its last tick from a bitmap. Lock-free: a thread
// stopped or killed anywhere inside never blocks another, and a signal handler that frees is
// served. Absolute state, so that a slot that changes twice between two ticks costs one record.
//
// Memory: one array of keys, one of payloads, one bitmap, inside ProfileState
// (anonymous memory, wiped in a forked child). All zero is the valid, empty table.
//
// A key lives in a window of kWindow slots that starts at its hash: among the first kNear slots, or, where
// no slot of that window was free, among the others. So a table that holds little touches little memory, though its
// samples come and go: one array of hashes had every page of its 5 MiB touched by a program with few of them
// alive. No free slot in either window: Insert says false and the sample is dropped and counted. There are
// no tombstones.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace wrackline::preload {

struct LiveObject {
  std::uint64_t address;
  std::uint64_t size;    // requested bytes
  std::uint64_t weight;  // bytes it stands for
  std::uint32_t stack_id;
  std::uint32_t thread_id;  // kernel thread id
  std::uint32_t time_ms;    // since Process.epoch_monotonic_ns
};

namespace internal {
// One for all tables, at a place that the code knows: a load fewer for each free. Not wiped in a
// forked child, where they only make a free look into an empty table. The coarse one is what every
// free reads: a line of it for each 4 MiB of a heap, which stay in a cache where the other's lines,
// one for each 256 KiB, are gone when the next free comes.
extern __attribute__((visibility("hidden"))) std::uint8_t g_coarse_live_filter[1u << 16];
extern __attribute__((visibility("hidden"))) std::uint8_t g_live_filter[1u << 20];

inline bool IsSet(std::uint8_t& count) {
  // Relaxed is enough: whoever frees an address got it, directly or through others, from the thread
  // that inserted it.
#if defined(__x86_64__) && !defined(__SANITIZE_THREAD__) && !defined(__SANITIZE_ADDRESS__)
  // The load and the test in one, which the compiler does not do with an atomic.
  bool set;
  asm volatile("cmpb $0, %1" : "=@ccne"(set) : "m"(count));
  return set;
#else
  return std::atomic_ref(count).load(std::memory_order_relaxed) != 0;
#endif
}
}  // namespace internal

class LiveTable {
 public:
  static constexpr std::uint32_t kSlots = 1u << 17;
  static constexpr std::uint32_t kNear = 1u << 12;
  static constexpr std::uint32_t kWindow = 64;
  static constexpr std::uint32_t kCoarseFilterBytes = 1u << 16;
  static constexpr std::uint32_t kFilterBytes = 1u << 20;  // most of its pages are never touched

  // True when `address` may be a live sample; false is certain. What every free pays.
  static bool MayContain(std::uint64_t address) {
    if (!internal::IsSet(internal::g_coarse_live_filter[CoarseFilterOf(address)])) [[likely]] {
      return false;
    }
    // The page is computed anew: keeping it would cost the usual case an instruction.
    asm("" : "+r"(address));
    return internal::IsSet(internal::g_live_filter[FilterOf(address)]);
  }

  // From here on MayContain is true of `address` and all of its page, whatever the table holds.
  static void AlwaysLookAt(std::uint64_t address) {
    for (std::uint8_t* filter : {&internal::g_coarse_live_filter[CoarseFilterOf(address)],
                                 &internal::g_live_filter[FilterOf(address)]}) {
      std::atomic_ref(*filter).store(UINT8_MAX, std::memory_order_relaxed);
    }
  }

  bool Insert(const LiveObject& object);
  // Removes and returns it. The caller owns `address` (it is about to free it), so no two threads
  // remove the same one.
  bool Remove(std::uint64_t address, LiveObject* removed);

  // --- recorder thread ---
  enum class SlotState { kEmpty, kOccupied, kChanging };
  // A consistent copy of one slot; kChanging: a program thread is in the middle of it, look again
  // later.
  SlotState Read(std::uint32_t slot, LiveObject* out) const;
  // Calls visit(slot) for each slot changed since it was last taken; visit returns false to leave
  // it for the next time.
  template <typename Visit>
  void TakeDirty(Visit visit);
  std::uint32_t size() const { return size_.load(std::memory_order_relaxed); }
  // Slots beyond were never used. It grows once; what comes into one of those is marked as changed.
  std::uint32_t Extent() const {
    return far_.load(std::memory_order_acquire) != 0 ? kSlots : kNear;
  }

 private:
  struct Payload {
    std::atomic<std::uint32_t> version;  // odd while it is being written
    std::atomic<std::uint32_t> stack_id;
    std::atomic<std::uint32_t> thread_id;
    std::atomic<std::uint32_t> time_ms;
    std::atomic<std::uint64_t> size;
    std::atomic<std::uint64_t> weight;
  };
  // Allocations are at equal strides often: a multiplication by 2^64 / golden ratio spreads them
  // (Knuth, TAOCP 6.4); its top bits are the good ones.
  static std::uint64_t HashOf(std::uint64_t address) { return address * 0x9E3779B97F4A7C15ull; }
  // Slots [first, first + count), of which `at` is where a key's window begins.
  struct Part {
    std::uint32_t first, count, at;
    std::uint32_t Slot(std::uint32_t i) const { return first + (at - first + i) % count; }
  };
  static Part NearPart(std::uint64_t hash) {
    return {0, kNear, static_cast<std::uint32_t>(hash >> 52)};
  }
  static Part FarPart(std::uint64_t hash) {
    constexpr std::uint32_t kCount = kSlots - kNear;
    return {kNear, kCount, kNear + static_cast<std::uint32_t>(hash >> 44) % kCount};
  }
  // The page it starts on, modulo 4 GiB: one byte for all samples of a page, in two instructions. A
  // free of another object that starts on such a page looks through one window for nothing; what is
  // in the table is mostly large, and shares its first page with few.
  static std::uint32_t FilterOf(std::uint64_t address) {
    return static_cast<std::uint32_t>(address) >> 12;
  }
  static std::uint32_t CoarseFilterOf(std::uint64_t address) {
    return static_cast<std::uint32_t>(address) >> 16;
  }
  static_assert(kNear == 1u << (64 - 52) && kFilterBytes == 1u << (32 - 12));
  bool InsertIn(Part part, const LiveObject& object);
  // The slot in that window that holds `address`; kSlots: none does.
  std::uint32_t FindIn(Part part, std::uint64_t address) const;
  void MarkDirty(std::uint32_t slot);

  std::atomic<std::uint64_t> keys_[kSlots];
  Payload payloads_[kSlots];
  std::atomic<std::uint64_t> dirty_[kSlots / 64];
  std::atomic<std::uint32_t> size_;
  std::atomic<std::uint32_t> far_;  // 1: some key was once beyond the first kNear slots
};

template <typename Visit>
void LiveTable::TakeDirty(Visit visit) {
  // Ten times a second: the words of a table that holds little are 512 bytes, all of them 16 KiB.
  const std::uint32_t words = Extent() / 64;
  for (std::uint32_t word = 0; word < words; ++word) {
    if (dirty_[word].load(std::memory_order_relaxed) == 0) continue;
    std::uint64_t bits = dirty_[word].exchange(0, std::memory_order_acq_rel);
    while (bits != 0) {
      const std::uint32_t slot = word * 64 + static_cast<std::uint32_t>(__builtin_ctzll(bits));
      bits &= bits - 1;
      if (!visit(slot)) dirty_[word].fetch_or(1ull << (slot % 64), std::memory_order_release);
    }
  }
}

}  // namespace wrackline::preload
