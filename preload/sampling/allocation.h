// What the hooks do around the real allocator: sample an allocation that succeeded, account the
// free of a sample.
//
//   void* p = real_malloc(size);
//   AfterAllocation(p, size, __builtin_return_address(0));
//
//   BeforeFree(p);  // before: afterwards another thread may have the address already
//   real_free(p);
//
// Any thread, at any moment, also in a signal handler, before the library's constructor and in a
// forked child. No allocation, no lock of the program's. errno is kept.
#pragma once

#include <cstddef>
#include <cstdint>

#include "preload/sampling/profile_state.h"
#include "preload/sampling/sampler.h"

namespace wrackline::preload {

namespace internal {
extern constinit thread_local ThreadState t_thread;

// The slow paths. `caller`: return address of the hook.
void CrossedSamplePoint(ThreadState* thread, void* pointer, std::size_t size, const void* caller);
void ForgetSample(ProfileState* state, std::uint64_t address);
}  // namespace internal

// `pointer` was given out for a request of `size` bytes, or is null.
inline void AfterAllocation(void* pointer, std::size_t size, const void* caller) {
  if (pointer == nullptr) return;
  ThreadState& thread = internal::t_thread;
  // An allocation that succeeded is below 2^63 bytes, and the counter is never negative here: this
  // cannot overflow.
  thread.bytes_until_sample -= static_cast<std::int64_t>(size);
  if (thread.bytes_until_sample < 0) [[unlikely]] {
    internal::CrossedSamplePoint(&thread, pointer, size, caller);
  }
}

inline void BeforeFree(void* pointer) {
  ProfileState* state = State();
  const auto address = reinterpret_cast<std::uint64_t>(pointer);
  if (state != nullptr && state->live.MayContain(address)) [[unlikely]] {
    internal::ForgetSample(state, address);
  }
}

// realloc: the sample of the old block is taken away first; after the real call it is either freed
// or, when the call failed, put back.
bool TakeSample(void* pointer, LiveObject* taken);
void CountTakenAsFreed(const LiveObject& taken);
void PutBack(const LiveObject& taken);

// For the thread that begins the recording, right after: what it allocates from here on is sampled.
// (Every other thread notices within 64 KiB.)
void SampleThisThreadFromNow();

// This thread's allocations are no business of the profile: for the threads that wrackline itself
// makes.
void IgnoreThisThread();

}  // namespace wrackline::preload
