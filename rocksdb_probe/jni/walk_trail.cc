#include "rocksdb_probe/jni/walk_trail.h"

#include <sys/mman.h>

#include "rocksdb_probe/jni/pages.h"

namespace wrackline::rocksdb_jni {

TrailFollower::TrailFollower(WalkTrail* trail) : counted_(trail) {
  if (trail == nullptr) return;
  const std::size_t needed = trail->entries_ < kMost ? trail->entries_ : kMost;
  if (needed > trail->room_) {
    trail->Forget();
    if (needed < kFewest) return;
    const std::size_t room =
        needed + needed / 4;  // caches that fill are not given new room at every walk
    auto* pages = static_cast<std::uint32_t*>(MapPages(2 * room * sizeof(std::uint32_t)));
    if (pages == nullptr) return;
    trail->last_ = pages;
    trail->next_ = pages + room;
    trail->room_ = room;
  }
  if (trail->room_ != 0) trail_ = trail;
}

TrailFollower::~TrailFollower() {
  if (counted_ != nullptr) counted_->entries_ = entries_;
  if (trail_ == nullptr) return;
  std::uint32_t* walked = trail_->next_;
  trail_->next_ = trail_->last_;
  trail_->last_ = walked;
  trail_->last_size_ = seen_;
}

void WalkTrail::Forget() {
  if (room_ != 0) munmap(last_ < next_ ? last_ : next_, 2 * room_ * sizeof *last_);
  *this = WalkTrail{};
}

}  // namespace wrackline::rocksdb_jni
