// TrailFollower: one walk along a WalkTrail.
#pragma once

#include <cstddef>
#include <cstdint>

#include "rocksdb_probe/jni/library.h"

namespace wrackline::rocksdb_jni {

// Nothing is read through what is remembered: an address that has become another's or nobody's is
// asked for in vain.
class TrailFollower {
 public:
  explicit TrailFollower(WalkTrail* trail);  // nullptr: does nothing
  // What was seen is the next walk's trail.
  ~TrailFollower();
  TrailFollower(const TrailFollower&) = delete;
  TrailFollower& operator=(const TrailFollower&) = delete;

  // An entry whose key is at `key`, in the entry itself.
  void Step(const char* key) {
    ++entries_;
    if (trail_ == nullptr) return;
    const auto address = reinterpret_cast<std::uintptr_t>(key);
    const auto mark = static_cast<std::uint32_t>(address >> kShift);
    if (seen_ < trail_->room_) trail_->next_[seen_++] = mark;
    if (at_ >= trail_->last_size_) return;
    Find(mark);
    if (at_ + kAhead >= trail_->last_size_) return;
    // Caches lie in one region of the heap mostly: the upper bits are this entry's.
    const std::uintptr_t ahead =
        (address & ~kLowerBits) | std::uintptr_t{trail_->last_[at_ + kAhead]} << kShift;
    // An entry of an LRU cache is 66 bytes and then its key.
    __builtin_prefetch(reinterpret_cast<const void*>(ahead));
    __builtin_prefetch(reinterpret_cast<const void*>(ahead - 64));
  }

 private:
  // Entries come and go between two walks: a few are looked at to find the place again.
  void Find(std::uint32_t mark) {
    for (std::size_t i = at_; i < at_ + kMissing && i < trail_->last_size_; ++i) {
      if (trail_->last_[i] != mark) continue;
      at_ = i + 1;
      return;
    }
  }

  static constexpr std::size_t kFewest = 4096;  // below, there is little to be won
  static constexpr std::size_t kMost = std::size_t{2} << 20;
  static constexpr unsigned kShift = 4;
  static constexpr std::uintptr_t kLowerBits = (std::uintptr_t{1} << (32 + kShift)) - 1;
  static constexpr std::size_t kAhead = 12;    // 8 to 24 are alike, 32 is worse
  static constexpr std::size_t kMissing = 16;  // evicted ones in a row

  WalkTrail* const counted_;
  WalkTrail* trail_ = nullptr;  // once there is room
  std::size_t entries_ = 0;
  std::size_t at_ = 0;    // in the last walk's
  std::size_t seen_ = 0;  // in this one's
};

}  // namespace wrackline::rocksdb_jni
