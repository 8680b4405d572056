// MappingTable: the mappings that the process has now, of anonymous memory and of files, and the
// stacks of its threads, each with the stack that made it. Exact, not sampled: every byte of address
// space that went through the hooks.
//
//   table.Map({start, length, stack_id, thread_id, time_ms, flags});  // after the real mmap
//
//   const std::uint64_t ticket = table.Unmap(start, length);          // before the real munmap: an
//   if (real_munmap(...) != 0) table.UnmapFailed(ticket);             // instant after it another
//                                                                     // thread may have the range
//
//   const std::uint64_t ticket = table.Unmap(old, old_length);        // before the real mremap
//   ... table.Remapped(ticket, {new_start, new_length, ...}, ...) or table.UnmapFailed(ticket)
//
// Guarantees
//  - No program thread waits, also not for one that is stopped inside: a call puts an event into a
//    queue, in the order of which the events take effect, and then applies what is in the queue
//    unless somebody else is at it. Whoever is applying applies the others' as well; what is left
//    over is applied by the next call, or by the recorder thread's tick.
//  - Any thread, any moment, a signal handler in the middle of one of these calls included. No
//    allocation, no system call.
//  - All zero is the valid, empty, disabled table; its content may become all zero under a thread's
//    hands (a fork), with which every path copes.
//  - What finds no room is counted. Files leave a quarter of the room to memory and threads: a program
//    that maps a file for each of its segments takes none of theirs.
//
// Neighbours that the same stack made with the same flags are one range, as they are one in
// /proc/self/maps: so the number of ranges is bounded as that of the kernel's own is, and a count of
// ranges is not one of calls. A live thread's stack (kThread) is always one of its own, and what is
// mapped over a part of it stays a part of it: a VM makes guard pages so.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "preload/sampling/mapping_queue.h"

namespace wrackline::preload {

struct MappedRange {
  enum Flags : std::uint32_t {
    kReserved = 1,   // mapped with PROT_NONE
    kShared = 2,     // MAP_SHARED
    kAllocator = 4,  // mapped by the allocator's own code
    kStack = 8,      // MAP_STACK: the stack of a thread or a coroutine
    kFile = 16,      // of a file
    kThread = 32,    // the stack of a live thread; stack_id: who started it, thread_id: itself
  };
  std::uint64_t start;
  std::uint64_t length;  // bytes, whole pages
  std::uint32_t stack_id;
  std::uint32_t thread_id;  // of the newest part
  std::uint32_t time_ms;    // of the newest part, since Process.epoch_monotonic_ns
  std::uint32_t flags;

  std::uint64_t end() const { return start + length; }
};

class MappingTable {
 public:
  static constexpr std::uint32_t kSlots = 1u
                                          << 15;  // a process may have 65,530 mappings of all kinds
  static constexpr std::uint32_t kSlotsForFiles = kSlots / 4 * 3;
  static constexpr std::uint32_t kQueue = 8192;
  // Pieces of ranges whose munmap or mremap has begun.
  static constexpr std::uint32_t kParked = 1024;

  struct Losses {
    std::atomic<std::uint64_t> missed;     // events that found the queue full
    std::atomic<std::uint64_t> full;       // ranges that found no slot
    std::atomic<std::uint64_t> unsettled;  // failed munmaps, mremaps, whose ranges were forgotten
  };

  void Enable() { enabled_.store(1, std::memory_order_release); }
  bool enabled() const { return enabled_.load(std::memory_order_acquire) != 0; }

  // Puts the range in, in place of all that was there.
  void Map(const MappedRange& range);
  // Takes [start, start + length) out, wherever parts of it are; what is beside it stays. The
  // ticket is for the two calls below, one of which may follow; 0: it was lost.
  std::uint64_t Unmap(std::uint64_t start, std::uint64_t length);
  // Puts back what Unmap took out.
  void UnmapFailed(std::uint64_t ticket);
  // What Unmap took out is now at `to`, which replaces what was there; the last part of it ends where
  // `to` ends. Where it grew, `to` says by whom, and it is theirs. `keep`: it is also still where it
  // was (MREMAP_DONTUNMAP).
  void Remapped(std::uint64_t ticket, const MappedRange& to, bool grew, bool keep);
  // A second view of the pages at `from` (mremap of a shared mapping with an old size of 0). Of
  // what is not in the table nothing comes into it.
  void Duplicated(std::uint64_t from, const MappedRange& to);

  // Something that should have come into the table could not.
  void CountMissed() { losses_.missed.fetch_add(1, std::memory_order_relaxed); }

  // --- recorder thread ---
  // Applies what is in the queue. False: somebody else is at it.
  bool Settle() { return Apply(kQueue); }
  enum class SlotState { kEmpty, kOccupied, kChanging };
  SlotState Read(std::uint32_t slot, MappedRange* out) const;
  // Calls visit(slot) for each slot changed since it was last taken; visit returns false to leave
  // it for the next time.
  template <typename Visit>
  void TakeDirty(Visit visit);
  // TakeDirty brings the slot again.
  void MarkChanged(std::uint32_t slot) {
    dirty_[slot / 64 % (kSlots / 64)].fetch_or(1ull << (slot % 64), std::memory_order_release);
  }
  std::uint32_t size() const { return size_.load(std::memory_order_relaxed); }
  // Slots from here on were never used. What comes into one of those later is marked as changed.
  std::uint32_t Extent() const {
    const std::uint32_t used = used_.load(std::memory_order_acquire);
    return used < kSlots ? used : kSlots;
  }
  const Losses& losses() const { return losses_; }

 private:
  enum class Kind : std::uint32_t { kMap, kUnmap, kUnmapFailed, kRemapped, kDuplicated };
  struct Event {
    MappedRange range;
    std::uint64_t other;  // a ticket; of kDuplicated, the address
    Kind kind;
    bool grew, keep;
  };
  struct Slot {
    std::atomic<std::uint32_t> version;  // odd while it is being written
    std::atomic<std::uint32_t> stack_id, thread_id, time_ms, flags;
    std::atomic<std::uint64_t> start, length;  // 0: empty
  };
  struct Parked {
    std::uint64_t ticket;
    bool whole;  // the range that Unmap was called with; the pieces found in it follow
    MappedRange range;
  };

  std::uint64_t Put(const Event& event);
  bool Apply(std::uint32_t most);

  // The rest by whoever is applying alone.
  void Take(const Event& event, std::uint64_t ticket);
  MappedRange At(std::uint32_t index) const;
  std::uint32_t FirstEndingBeyond(std::uint64_t address) const;
  bool IsPartOfThread(const MappedRange& range) const;
  void RemoveRange(std::uint64_t start, std::uint64_t end, std::uint64_t ticket);
  void InsertRange(MappedRange range);
  void InsertAt(std::uint32_t index, const MappedRange& range);
  void DropFrom(std::uint32_t index, std::uint32_t count);
  void Write(std::uint32_t slot, const MappedRange& range);
  void Park(std::uint64_t ticket, bool whole, const MappedRange& range);
  bool FindParked(std::uint64_t ticket, std::uint64_t* first) const;
  void PutBack(std::uint64_t ticket);
  void MovePieces(const Event& event);

  std::atomic<std::uint32_t> enabled_;
  std::atomic<std::uint32_t> applying_;
  std::atomic<std::uint32_t> size_;
  Losses losses_;
  MappingQueue<Event, kQueue> queue_;

  Slot slots_[kSlots];
  std::atomic<std::uint64_t> dirty_[kSlots / 64];
  std::uint16_t order_[kSlots];  // the occupied slots by address; size_ of them
  std::uint16_t free_[kSlots];   // slots that were used and are empty
  std::uint32_t free_count_;
  std::atomic<std::uint32_t> used_;  // written by whoever is applying
  std::uint64_t parked_count_;       // all that were ever parked
  Parked parked_[kParked];
};

template <typename Visit>
void MappingTable::TakeDirty(Visit visit) {
  const std::uint32_t words = (Extent() + 63) / 64;
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
