// What the hooks do around the real allocator: count the bytes that a thread requests, sample the
// allocation in which the countdown ends, account the free of a sample.
//
//   if (CountDown(size)) [[likely]] return real_malloc(size);        // nothing else happens
//   if (!BeginSample(size)) return real_malloc(size);
//   if (void* slot = PlaceSample(request)) return slot;              // a sampled object
//   void* p = real_malloc(size);                                     // one that finds no slot
//   if (p != nullptr) RecordUnmoved(p, request);
//
//   if (InRegion(p)) [[unlikely]] { ReleasePlaced(p); return; }
//   BeforeFree(p);     // before: afterwards another thread may have the address already
//   real_free(p);
//
// A sampled object is placed in a slot (sampled_region.h) where it fits one, otherwise the
// allocator serves it and the live table knows its address ("unmoved").
//
// Any thread, at any moment, also in a signal handler, before the library's constructor and in a
// forked child. No allocation, no lock of the program's. errno is kept.
#pragma once

#include <cstddef>
#include <cstdint>

#include "preload/sampling/profile_state.h"
#include "preload/sampling/sampler.h"
#include "preload/unwind/native_unwinder.h"

namespace wrackline::preload {

// What the program asked for. `caller`: where the hook was called, which is where the sampled stack
// begins.
struct Request {
  std::size_t size;
  Caller caller;
  std::size_t alignment = 0;  // 0: the allocator's own
  bool zeroed = false;
};

namespace internal {
extern constinit thread_local ThreadState t_thread;
void ForgetSample(ProfileState* state, std::uint64_t address);
}  // namespace internal

// Counts `size` bytes. False: the next sample point lies within them, and nothing was counted yet;
// BeginSample says what to do. The bytes of a request that then fails are counted all the same:
// points are drawn on the bytes that are requested, and which of them lie in an object does not
// depend on those before it.
inline bool CountDown(std::size_t size) {
  ThreadState& thread = internal::t_thread;
#if defined(__x86_64__) && !defined(__SANITIZE_THREAD__) && !defined(__SANITIZE_ADDRESS__)
  // The subtraction is done in memory, and taken back where it has borrowed: two instructions fewer
  // than a load, a test and a store, which is what the compiler makes of the other form. A signal
  // handler that allocates in between counts on what is left modulo 2^64, and the sum is right again
  // once both have been here; one that leaves by siglongjmp between the two instructions has its
  // thread sample no more.
  bool borrowed;
  asm("sub %2, %1" : "=@ccc"(borrowed), "+m"(thread.bytes_until_sample) : "r"(size) :);
  if (borrowed) [[unlikely]] {
    thread.bytes_until_sample += size;
    return false;
  }
  return true;
#else
  std::uint64_t left;
  // One subtraction, whose borrow is the test.
  if (__builtin_sub_overflow(thread.bytes_until_sample, size, &left)) [[unlikely]] {
    return false;
  }
  thread.bytes_until_sample = left;
  return true;
#endif
}

// True: this allocation of `size` bytes is to be sampled. Either way the thread's next point is
// drawn.
bool BeginSample(std::size_t size);

// Whether it may be given a slot of the region.
bool MayPlace(const Request& request);
// The sampled object itself, recorded, or null: it must come from the allocator.
void* PlaceSample(const Request& request);

// Records the sampled object that the allocator gave out at `pointer`.
void RecordUnmoved(void* pointer, const Request& request);

// While the allocator serves a sampled request, hooks that it calls on the way must not sample it
// again: their bytes are counted on a countdown that is put aside. (Should the allocator throw, what
// is left of it is counted down first: at most twice the request and 64 KiB go unsampled.)
std::uint64_t SetCountdownAside(std::size_t size);
void TakeUpCountdown(std::uint64_t left);

// `pointer` is in the region: takes the sample out and frees its slot. Or it is a block of the
// static pool, which is left alone. False: neither, the address is somebody else's.
bool ReleasePlaced(void* pointer);
// What malloc_usable_size says of it: what glibc would for its requested size.
std::size_t PlacedUsableSize(const void* pointer);

// False is certain: the allocator holds no sample at `pointer`.
inline bool MayBeLive(const void* pointer) {
  return LiveTable::MayContain(reinterpret_cast<std::uint64_t>(pointer));
}

inline void BeforeFree(void* pointer) {
  if (MayBeLive(pointer)) [[unlikely]] {
    if (ProfileState* state = State()) {
      internal::ForgetSample(state, reinterpret_cast<std::uint64_t>(pointer));
    }
  }
}

// Counts an allocation that the allocator has served, and records it unmoved when it is sampled: for
// entries that are rare, or known only afterwards.
inline void AfterAllocation(void* pointer, std::size_t size, const void* caller) {
  if (pointer == nullptr || CountDown(size)) return;
  if (BeginSample(size)) RecordUnmoved(pointer, {size, caller});
}

// realloc of an unmoved sample: it is taken away first; after the real call it is either freed or,
// when the call failed, put back.
bool TakeSample(void* pointer, LiveObject* taken);
void CountTakenAsFreed(const LiveObject& taken);
void PutBack(const LiveObject& taken);

// Puts the calling thread into the table of threads, when it is not there yet. Before what it records
// is given a time: an object is never older than its thread.
void EnterThread(ProfileState* state, std::uint32_t thread_id);
// The VM knows the calling thread as `jni_env`. Inside a hook, after EnterThread.
void NoteJavaThread(ProfileState* state, const void* jni_env);

// For the thread that begins the recording, right after: what it allocates from here on is sampled.
// (Every other thread notices within 64 KiB.)
void SampleThisThreadFromNow();

// This thread's allocations are no business of the profile: for the threads that wrackline itself
// makes.
void IgnoreThisThread();

}  // namespace wrackline::preload
