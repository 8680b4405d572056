// ProfileState: everything that program threads write and the recorder thread reads.
//
// One anonymous mapping, made by StartRecording (preload/recorder_thread) with MADV_WIPEONFORK: in
// a forked child every byte is zero, which is the valid, inactive state, whatever another thread
// was doing at the moment of the fork and whichever call made the child. `State()` is null until
// there is one, and for ever where the mapping cannot be had. Once set it is never unset or
// unmapped, so a pointer that a thread holds stays good; its content may become all zero under a
// thread's hands (a signal handler that forks), with which every path copes: interval 0 and
// max_depth 0 included.
#pragma once

#include <atomic>
#include <cstdint>

#include "preload/sampling/live_table.h"
#include "preload/sampling/mailbox.h"
#include "preload/sampling/mapping_table.h"
#include "preload/sampling/sampled_region.h"
#include "preload/sampling/stack_table.h"
#include "preload/sampling/thread_table.h"

namespace wrackline::preload {

// Counted by whoever loses something; fields as in message Losses of wrackline.proto.
struct LossCounters {
  std::atomic<std::uint64_t> live_table_full, stack_table_full, stacks_truncated, unwind_failed,
      reentrant, submitted_refused, freed_twice, java_stacks, rocksdb_missed;
  std::atomic<std::uint64_t> java_stack_failed[11];
};

struct ProfileState {
  std::atomic<std::uint32_t>
      active;               // 1 from StartRecording to the clean exit; 0 in a forked child
  std::uint32_t max_depth;  // frames kept per stack
  std::uint32_t place;      // 1: sampled objects are placed in the region where they fit
  std::uint64_t interval;   // mean bytes between samples
  std::uint64_t epoch_monotonic_ns;
  // As the timeline has them (timeline.h): 1 while it steps fast, and how often memory has moved.
  std::atomic<std::uint32_t> memory_short, memory_moves;
  LossCounters losses;
  StackTable stacks;
  LiveTable live;  // samples that the allocator holds
  SampledRegion region;
  Mailbox mailbox;
  MappingTable mappings;  // anonymous mappings, all of them
  ThreadTable threads;    // those that made a sample or a mapping
};

namespace internal {
extern __attribute__((visibility("hidden"))) std::atomic<ProfileState*>
    g_state;  // set once, before `active`
}

// The state, or nullptr when this process never began recording. After a fork the child sees it all
// zero.
inline ProfileState* State() { return internal::g_state.load(std::memory_order_acquire); }
inline bool Active() {
  ProfileState* state = State();
  return state != nullptr && state->active.load(std::memory_order_acquire) != 0;
}

}  // namespace wrackline::preload
