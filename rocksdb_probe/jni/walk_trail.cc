#include "rocksdb_probe/jni/walk_trail.h"

#include <sys/mman.h>

#include "rocksdb_probe/jni/pages.h"

namespace wrackline::rocksdb_jni {

TrailFollower::TrailFollower(WalkTrail* trail) {
  if (trail == nullptr) return;
  // Whole, and touched as far as there are entries.
  constexpr std::size_t kBytes = kCapacity * sizeof(std::uint32_t);
  if (trail->last_ == nullptr) {
    auto* pages = static_cast<std::uint32_t*>(MapPages(2 * kBytes));
    if (pages == nullptr) return;
    trail->last_ = pages;
    trail->next_ = pages + kCapacity;
    trail->last_size_ = 0;
  }
  trail_ = trail;
}

TrailFollower::~TrailFollower() {
  if (trail_ == nullptr) return;
  std::uint32_t* walked = trail_->next_;
  trail_->next_ = trail_->last_;
  trail_->last_ = walked;
  trail_->last_size_ = seen_;
}

void WalkTrail::Forget() {
  if (last_ == nullptr) return;
  std::uint32_t* pages = last_ < next_ ? last_ : next_;
  const std::size_t half = static_cast<std::size_t>(last_ < next_ ? next_ - last_ : last_ - next_);
  munmap(pages, 2 * half * sizeof *pages);
  last_ = next_ = nullptr;
  last_size_ = 0;
}

}  // namespace wrackline::rocksdb_jni
