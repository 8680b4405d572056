#include "preload/sampling/allocation.h"

#include <errno.h>
#include <sys/auxv.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <cstring>

#include "preload/jvm/java_stack.h"
#include "preload/unwind/native_unwinder.h"

namespace wrackline::preload {
namespace internal {
constinit thread_local ThreadState t_thread = {};
}  // namespace internal

namespace {

using internal::t_thread;

// While nothing is recorded, how often a thread looks whether that has changed. Small, because what
// is left of it when recording begins goes unsampled; a look costs a few ns in 64 KiB.
constexpr std::uint64_t kRecheckBytes = 64 << 10;
constexpr std::size_t kBeyondAddresses = std::size_t{1} << 47;
// More than any thread allocates in its life.
constexpr std::uint64_t kNever = std::uint64_t{1} << 62;

std::uint64_t MonotonicNs() {
  struct timespec now;
  // The vDSO: no system call. The tick's clock (4 ms or better) is enough, and 20 ns cheaper.
  clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
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

// Since the recording began; may be a tick behind the precise clock.
std::uint32_t RecordingMs(const ProfileState& state) {
  const std::uint64_t now = MonotonicNs();
  const std::uint64_t epoch = state.epoch_monotonic_ns;
  return static_cast<std::uint32_t>(now > epoch ? (now - epoch) / 1'000'000 : 0);
}

// The object as it is recorded, all but its address; its stack is interned.
LiveObject Describe(ProfileState* state, const ThreadState& thread, const Request& request) {
  EnterThread(state, thread.thread_id);
  std::uint64_t frames[StackTable::kMaxDepth];
  bool truncated = false;
  std::uint32_t depth = CaptureStack(request.caller, frames, state->max_depth, &truncated);
  if (depth == 0) {
    // The hook's caller is known without a walk, and better than nothing.
    Count(&state->losses.unwind_failed);
    frames[0] = reinterpret_cast<std::uint64_t>(request.caller.pc);
    depth = 1;
  }
  depth =
      ContinueInJava(&state->losses, request.caller, frames, depth, state->max_depth, &truncated);
  if (truncated) Count(&state->losses.stacks_truncated);
  bool full = false;
  LiveObject object = {};
  object.stack_id = state->stacks.Intern(frames, depth, truncated, &full);
  if (full) Count(&state->losses.stack_table_full);
  object.size = request.size;
  object.weight = SampleWeight(request.size, state->interval);
  object.thread_id = thread.thread_id;
  object.time_ms = RecordingMs(*state);
  return object;
}

// Of a placed object. glibc: a header of 8 bytes, chunks of multiples of 16, the least of them 32.
std::size_t UsableSize(std::size_t size, std::size_t slot) {
  std::size_t usable = ((size + 8 + 15) & ~std::size_t{15}) - 8;
  if (usable < 24) usable = 24;
  return usable < slot ? usable : slot;
}

// While it lives this thread is inside wrackline; errno is kept.
class Inside {
 public:
  explicit Inside(ThreadState* thread) : thread_(thread), errno_(errno) {
    thread_->depth = 1;
    std::atomic_signal_fence(std::memory_order_seq_cst);
  }
  Inside(const Inside&) = delete;
  Inside& operator=(const Inside&) = delete;
  ~Inside() {
    std::atomic_signal_fence(std::memory_order_seq_cst);
    thread_->depth = 0;
    errno = errno_;
  }

 private:
  ThreadState* thread_;
  int errno_;
};

// A signal handler that allocates while its thread is inside.
bool Reentrant(ProfileState* state) {
  if (t_thread.depth == 0) return false;
  Count(&state->losses.reentrant);
  return true;
}

}  // namespace

[[gnu::noinline, gnu::cold]] bool BeginSample(std::size_t size) {
  // More than there are addresses: it will fail, and must not leave a mark in the countdown.
  if (size >= kBeyondAddresses) return false;
  ThreadState* thread = &t_thread;
  ProfileState* state = State();
  // Read once: a fork under our hands makes it zero.
  const std::uint64_t interval = state == nullptr ? 0 : state->interval;
  if (!Active() || interval == 0) {
    thread->random = 0;  // what is left in the counter then is no gap
    thread->bytes_until_sample = kRecheckBytes;
    return false;
  }
  bool sampled = true;
  if (thread->random == 0) {
    // The first look since recording began, or since the thread did: the gap starts before this
    // object.
    const int saved_errno = errno;
    if (thread->thread_id == 0) thread->thread_id = static_cast<std::uint32_t>(syscall(SYS_gettid));
    Seed(thread);
    errno = saved_errno;
    sampled = DrawGap(&thread->random, interval) < size;
  }
  // When the first gap goes beyond this object, drawing it anew from the object's end changes
  // nothing: the exponential distribution has no memory.
  thread->bytes_until_sample = DrawGap(&thread->random, interval);
  return sampled && !Reentrant(state);
}

bool MayPlace(const Request& request) {
  const ProfileState* state = State();
  return state != nullptr && state->place != 0 &&
         SampledRegion::Fits(request.size, request.alignment) &&
         (request.alignment & (request.alignment - 1)) == 0 && t_thread.depth == 0;
}

[[gnu::noinline, gnu::cold]] void* PlaceSample(const Request& request) {
  if (!MayPlace(request)) return nullptr;
  ProfileState* state = State();
  const Inside inside(&t_thread);
  void* slot = state->region.Take(request.size, request.alignment, t_thread.thread_id);
  // Looked at after the slot was taken: a signal handler that forked meanwhile leaves the child here
  // with a state of zeros, whose first slot holds an object of the parent's. The child takes none.
  if (slot == nullptr || !Active()) return nullptr;
  // All of it: a later resize that promises zeros moves all that the program may have used.
  if (request.zeroed) std::memset(slot, 0, SampledRegion::SlotBytes(slot));
  LiveObject object = Describe(state, t_thread, request);
  object.address = reinterpret_cast<std::uint64_t>(slot);
  // Counted first: no reader sees an object whose stack has allocated nothing.
  state->stacks.CountAllocation(object.stack_id, object.weight);
  state->region.Publish(object);
  return slot;
}

[[gnu::noinline, gnu::cold]] void RecordUnmoved(void* pointer, const Request& request) {
  ProfileState* state = State();
  if (state == nullptr || t_thread.depth != 0) return;
  const Inside inside(&t_thread);
  LiveObject object = Describe(state, t_thread, request);
  object.address = reinterpret_cast<std::uint64_t>(pointer);
  // The allocator gives out an address that the table still holds: its free went by a way that is
  // not hooked.
  if (state->live.MayContain(object.address)) internal::ForgetSample(state, object.address);
  if (!state->live.Insert(object)) {
    // Not counted at the stack either: what the stack has allocated and not freed stays what is
    // live of it.
    Count(&state->losses.live_table_full);
    return;
  }
  state->stacks.CountAllocation(object.stack_id, object.weight);
}

std::uint64_t SetCountdownAside(std::size_t size) {
  constexpr std::size_t kSlack = 64 << 10;
  const std::uint64_t left = t_thread.bytes_until_sample;
  t_thread.bytes_until_sample = 2 * size + kSlack;  // size is below 2^47
  return left;
}
void TakeUpCountdown(std::uint64_t left) { t_thread.bytes_until_sample = left; }

[[gnu::noinline]] bool ReleasePlaced(void* pointer) {
  ProfileState* state = State();
  LiveObject released;
  if (state != nullptr && state->region.Release(pointer, &released)) {
    state->stacks.CountFree(released.stack_id, released.weight);
    return true;
  }
  if (SampledRegion::IsSpare(pointer)) return true;
  // Of a slot there is nothing to free in a forked child, whose copy of the object stays where it
  // is; elsewhere the program frees twice.
  if (!SampledRegion::IsSlot(pointer)) return false;
  if (state != nullptr && Active()) Count(&state->losses.freed_twice);
  return true;
}

std::size_t PlacedUsableSize(const void* pointer) {
  const ProfileState* state = State();
  const std::size_t slot = SampledRegion::SlotBytes(pointer);
  return UsableSize(state != nullptr ? state->region.SizeOf(pointer) : slot, slot);
}

namespace internal {

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

void EnterThread(ProfileState* state, std::uint32_t thread_id) {
  if (t_thread.entry == 0) t_thread.entry = state->threads.Enter(thread_id, RecordingMs(*state));
}

void NoteJavaThread(ProfileState* state, const void* jni_env) {
  state->threads.SetJava(t_thread.entry, jni_env);
}

void SampleThisThreadFromNow() {
  t_thread.random = 0;
  t_thread.bytes_until_sample = 0;
}

void IgnoreThisThread() { t_thread.bytes_until_sample = kNever; }

}  // namespace wrackline::preload
