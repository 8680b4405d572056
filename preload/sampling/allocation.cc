#include "preload/sampling/allocation.h"

#include <errno.h>
#include <sys/auxv.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <cstring>

#include "preload/unwind/native_unwinder.h"

namespace wrackline::preload {
namespace internal {
constinit thread_local ThreadState t_thread = {};
}  // namespace internal

namespace {

using internal::t_thread;

// While nothing is recorded, how often a thread looks whether that has changed. Small, because what
// is left of it when recording begins goes unsampled; a look costs a few ns in 64 KiB.
constexpr std::int64_t kRecheckBytes = 64 << 10;
// More than any thread allocates in its life.
constexpr std::int64_t kNever = std::int64_t{1} << 62;

std::uint64_t MonotonicNs() {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);  // the vDSO: no system call
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000u +
         static_cast<std::uint64_t>(now.tv_nsec);
}

// splitmix64's finalizer (Steele, Lea, Flood 2014).
std::uint64_t Mix(std::uint64_t x) {
  x += 0x9E3779B97F4A7C15ull;
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9ull;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EBull;
  return x ^ (x >> 31);
}

// Different for every thread of every process, without a system call that a seccomp filter may
// refuse: the kernel's 16 random bytes of this exec, the clock, the thread's id and its place in
// memory.
void Seed(ThreadState* thread) {
  std::uint64_t words[2] = {};
  const unsigned long random = getauxval(AT_RANDOM);
  // NOLINTNEXTLINE(performance-no-int-to-ptr)
  if (random != 0) std::memcpy(words, reinterpret_cast<const void*>(random), sizeof words);
  std::uint64_t seed = Mix(words[0] ^ MonotonicNs());
  seed = Mix(seed ^ words[1] ^ thread->thread_id);
  seed = Mix(seed ^ reinterpret_cast<std::uintptr_t>(thread));
  thread->random = seed == 0 ? 1 : seed;
}

void Count(std::atomic<std::uint64_t>* loss) { loss->fetch_add(1, std::memory_order_relaxed); }

void RecordSample(ProfileState* state, const ThreadState& thread, void* pointer, std::size_t size,
                  std::uint64_t interval, const void* caller) {
  std::uint64_t frames[StackTable::kMaxDepth];
  bool truncated = false;
  std::uint32_t depth = CaptureStack(caller, frames, state->max_depth, &truncated);
  if (depth == 0) {
    // The hook's caller is known without a walk, and better than nothing.
    Count(&state->losses.unwind_failed);
    frames[0] = reinterpret_cast<std::uint64_t>(caller);
    depth = 1;
  }
  if (truncated) Count(&state->losses.stacks_truncated);
  bool full = false;
  const std::uint32_t stack = state->stacks.Intern(frames, depth, truncated, &full);
  if (full) Count(&state->losses.stack_table_full);

  LiveObject object = {};
  object.address = reinterpret_cast<std::uint64_t>(pointer);
  object.size = size;
  object.weight = SampleWeight(size, interval);
  object.stack_id = stack;
  object.thread_id = thread.thread_id;
  const std::uint64_t age_ns = MonotonicNs() - state->epoch_monotonic_ns;
  object.time_ms = static_cast<std::uint32_t>(age_ns / 1'000'000);

  // The allocator gives out an address that the table still holds: its free went by a way that is
  // not hooked.
  if (state->live.MayContain(object.address)) internal::ForgetSample(state, object.address);
  if (!state->live.Insert(object)) {
    // Not counted at the stack either: what the stack has allocated and not freed stays what is
    // live of it.
    Count(&state->losses.live_table_full);
    return;
  }
  state->stacks.CountAllocation(stack, object.weight);
}

}  // namespace

namespace internal {

[[gnu::noinline, gnu::cold]] void CrossedSamplePoint(ThreadState* thread, void* pointer,
                                                     std::size_t size, const void* caller) {
  const int saved_errno = errno;
  ProfileState* state = State();
  // Read once: a fork under our hands makes it zero.
  const std::uint64_t interval = state == nullptr ? 0 : state->interval;
  if (!Active() || interval == 0) {
    thread->random = 0;  // what is left in the counter then is no gap
    thread->bytes_until_sample = kRecheckBytes;
    errno = saved_errno;
    return;
  }
  if (thread->depth > 0) {
    // A signal handler that allocates while this thread is in the code below.
    Count(&state->losses.reentrant);
    thread->bytes_until_sample = thread->random == 0 ? 0 : DrawGap(&thread->random, interval);
    errno = saved_errno;
    return;
  }
  thread->depth = 1;
  std::atomic_signal_fence(std::memory_order_seq_cst);
  bool sampled = true;
  if (thread->random == 0) {
    // The first look since recording began, or since the thread did: the gap starts before this
    // object.
    if (thread->thread_id == 0) thread->thread_id = static_cast<std::uint32_t>(syscall(SYS_gettid));
    Seed(thread);
    sampled = DrawGap(&thread->random, interval) < static_cast<std::int64_t>(size);
  }
  // When the first gap goes beyond this object, drawing it anew from the object's end changes
  // nothing: the exponential distribution has no memory.
  thread->bytes_until_sample = DrawGap(&thread->random, interval);
  if (sampled) RecordSample(state, *thread, pointer, size, interval, caller);
  std::atomic_signal_fence(std::memory_order_seq_cst);
  thread->depth = 0;
  errno = saved_errno;
}

[[gnu::noinline, gnu::cold]] void ForgetSample(ProfileState* state, std::uint64_t address) {
  LiveObject removed;
  if (state->live.Remove(address, &removed))
    state->stacks.CountFree(removed.stack_id, removed.weight);
}

}  // namespace internal

bool TakeSample(void* pointer, LiveObject* taken) {
  ProfileState* state = State();
  const auto address = reinterpret_cast<std::uint64_t>(pointer);
  return state != nullptr && state->live.MayContain(address) && state->live.Remove(address, taken);
}

void CountTakenAsFreed(const LiveObject& taken) {
  State()->stacks.CountFree(taken.stack_id, taken.weight);
}

void PutBack(const LiveObject& taken) {
  ProfileState* state = State();
  if (state->live.Insert(taken)) return;
  // Its place went to another thread meanwhile: the object lives on unseen.
  Count(&state->losses.live_table_full);
  state->stacks.CountFree(taken.stack_id, taken.weight);
}

void SampleThisThreadFromNow() {
  t_thread.random = 0;
  t_thread.bytes_until_sample = 0;
}

void IgnoreThisThread() { t_thread.bytes_until_sample = kNever; }

}  // namespace wrackline::preload
