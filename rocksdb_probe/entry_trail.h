// EntryTrail: where the last walk over a cache found its entries, so that the next one does not wait
// for memory at each of them.
//
// A walk is slow because every entry is a piece of memory of its own, far from the one before, that no
// processor cache holds: RocksDB's list leads to it only when it is needed. But a cache is walked in the
// order of its hash table, and most entries are where they were. So each walk writes down where the
// keys were, and the next one asks for them some entries ahead.
//
// An address on the trail may be of an entry that was freed since. It is never read: asking the processor to
// fetch a line is no access, and does nothing where no memory is.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace wrackline::probe {

// One cache's, one thread at a time. A new one knows nothing.
class EntryTrail {
 public:
  // Of 8 bytes, in two lists: 8 MiB. What lies beyond is walked without help.
  static constexpr std::size_t kMostEntries = std::size_t{1} << 19;

  // Before a walk over `expected` entries or so. All memory is taken here: the walk holds locks of the
  // cache, and nothing may throw through it.
  void Begin(std::size_t expected) {
    last_.swap(now_);
    now_.clear();
    now_.reserve(expected < kMostEntries ? std::min(kMostEntries, expected + expected / 8 + 64)
                                         : kMostEntries);
    here_ = 0;
    at_ = 0;
    missed_ = 0;
    for (std::size_t i = 0; i < std::min(kAhead, last_.size()); ++i) Fetch(last_[i]);
  }

  // The walk has come to the entry whose key is at `key`.
  void Reached(const char* key) {
    const auto address = reinterpret_cast<std::uintptr_t>(key);
    if (address == here_) return;  // a HyperClockCache shows a copy of each key
    here_ = address;
    if (now_.size() < now_.capacity()) now_.push_back(address);
    if (at_ < last_.size() && last_[at_] == address) {
      GoTo(at_ + 1);
      missed_ = 0;
    } else if (missed_ < kLost) {
      Search(address);
    }
  }

  // How much of the last walk's trail this one has followed.
  std::size_t followed() const { return at_; }

 private:
  // A walk's entry takes a tenth of the time that its memory takes to come; processors have room for ten to
  // sixteen lines on their way.
  static constexpr std::size_t kAhead = 16;
  // After this many entries that were not near where they should be, the table is another one.
  static constexpr std::size_t kLost = 1024;
  static constexpr std::size_t kNear = 8;
  static constexpr std::size_t kFar = 256;

  // All lines of an entry: its key follows some 70 bytes of what the cache notes down about it, and in front
  // of that is the size of the piece of memory, which the cache asks malloc for.
  static void Fetch(std::uintptr_t address) {
    __builtin_prefetch(reinterpret_cast<const void*>(address));
    __builtin_prefetch(reinterpret_cast<const void*>(address - 64));
    __builtin_prefetch(reinterpret_cast<const void*>(address - 80));
  }

  void GoTo(std::size_t next) {
    const std::size_t end = std::min(next + kAhead, last_.size());
    for (std::size_t i = at_ + kAhead; i < end; ++i) Fetch(last_[i]);
    at_ = next;
  }

  // Entries before this one are gone, or it is new. The more that were not found, the further one is looked for.
  void Search(std::uintptr_t address) {
    ++missed_;
    const std::size_t end = std::min({at_ + kFar, at_ + kNear * (missed_ + 1), last_.size()});
    for (std::size_t i = at_; i < end; ++i) {
      if (last_[i] != address) continue;
      GoTo(i + 1);
      missed_ = 0;
      return;
    }
  }

  std::vector<std::uintptr_t> last_;
  std::vector<std::uintptr_t> now_;
  std::uintptr_t here_ = 0;
  std::size_t at_ = 0;      // in last_: what should come next
  std::size_t missed_ = 0;  // entries since one was found on it
};

}  // namespace wrackline::probe
