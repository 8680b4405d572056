// A ProfileState for a test: active from its construction to its end.
#pragma once

#include <sys/mman.h>

#include <cstdint>

#include "preload/sampling/profile_state.h"
#include "preload/unwind/native_unwinder.h"

namespace wrackline::preload {

class TestState {
 public:
  explicit TestState(std::uint64_t interval, std::uint32_t max_depth = 64) {
    static const bool prepared = (PrepareUnwinder(), true);
    (void)prepared;
    void* pages = mmap(nullptr, sizeof(ProfileState), PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    madvise(pages, sizeof(ProfileState), MADV_WIPEONFORK);
    state_ = static_cast<ProfileState*>(pages);
    state_->interval = interval;
    state_->max_depth = max_depth;
    internal::g_state = state_;
    state_->active.store(1, std::memory_order_release);
  }
  TestState(const TestState&) = delete;
  TestState& operator=(const TestState&) = delete;
  ~TestState() {
    state_->active.store(0, std::memory_order_release);
    internal::g_state = nullptr;
    munmap(static_cast<void*>(state_), sizeof(ProfileState));
  }
  ProfileState* operator->() { return state_; }

  StackSnapshot Total() const {
    StackSnapshot total = {};
    for (std::uint32_t id = 0; id < StackTable::kSlots; ++id) {
      const StackSnapshot one = state_->stacks.Counters(id);
      total.allocated_samples += one.allocated_samples;
      total.freed_samples += one.freed_samples;
      total.allocated_bytes += one.allocated_bytes;
      total.freed_bytes += one.freed_bytes;
    }
    return total;
  }

 private:
  ProfileState* state_;
};

}  // namespace wrackline::preload
