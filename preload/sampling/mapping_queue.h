// MappingQueue: a bounded queue of what threads did to their address space, in the order in which
// they said so. Many threads put, one at a time takes.
//
// Lock-free, no allocation, usable in a signal handler; all zero is the valid, empty queue (a
// forked child finds it so). Bounded after Vyukov's MPMC queue, with turns that begin at zero:
// entry p of the stream lies in place p % kCapacity, which may be written in its turn 2 * lap and
// read in its turn 2 * lap + 1.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace wrackline::preload {

template <typename Item, std::uint32_t kCapacity>
class MappingQueue {
 public:
  // The item's ticket, counting from 1 in the order of the queue; 0: no room.
  std::uint64_t Put(const Item& item) {
    std::uint64_t at = tail_.load(std::memory_order_relaxed);
    for (;;) {
      Place& place = places_[at % kCapacity];
      const std::uint64_t turn = place.turn.load(std::memory_order_acquire);
      const std::uint64_t mine = at / kCapacity * 2;
      if (turn == mine) {
        if (!tail_.compare_exchange_weak(at, at + 1, std::memory_order_acq_rel)) continue;
        place.item = item;
        place.turn.store(mine + 1, std::memory_order_release);
        return at + 1;
      }
      if (turn < mine) return 0;  // not read yet since the last lap
      at = tail_.load(std::memory_order_relaxed);
    }
  }

  // By one thread at a time, which the caller sees to. False: empty, or the next one is still being
  // written.
  bool Take(Item* item, std::uint64_t* ticket) {
    const std::uint64_t at = head_;
    Place& place = places_[at % kCapacity];
    const std::uint64_t readable = at / kCapacity * 2 + 1;
    if (place.turn.load(std::memory_order_acquire) != readable) return false;
    *item = place.item;
    *ticket = at + 1;
    head_ = at + 1;
    place.turn.store(readable + 1, std::memory_order_release);
    return true;
  }

 private:
  struct Place {
    std::atomic<std::uint64_t> turn;
    Item item;
  };
  std::atomic<std::uint64_t> tail_;
  std::uint64_t head_;
  Place places_[kCapacity];
};

}  // namespace wrackline::preload
