#include "preload/sampling/thread_start.h"

#include <sys/auxv.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdint>

#include "preload/sampling/allocation.h"
#include "preload/sampling/mapping.h"

namespace wrackline::preload {

// Not in ProfileState, which a fork wipes: a signal handler may fork on a thread that is just about
// to read its own.
struct ThreadStart {
  std::atomic<std::uint32_t> taken;
  ThreadRoutine routine;
  void* argument;
  MappedRange stack;  // all but where it is
};

namespace {

using internal::t_thread;

constexpr std::uint32_t kStarts = 1024;
constexpr std::uint32_t kProbes = 64;
constinit ThreadStart g_starts[kStarts] = {};
constinit std::atomic<std::uint32_t> g_next_start{0};

// Its destructor tells that a thread ends, however it does. The value is where the thread's stack starts.
constinit std::atomic<std::uint32_t> g_noting{0};
constinit pthread_key_t g_key = 0;

std::uint64_t PageBytes() {
  const std::uint64_t page = getauxval(AT_PAGESZ);
  return page != 0 ? page : 4096;
}

// glibc puts the thread's descriptor, less than a page, at the end of its stack's block, and
// pthread_self() is its address.
std::uint64_t EndOfOwnStack() {
  const std::uint64_t page = PageBytes();
  return (static_cast<std::uint64_t>(pthread_self()) & ~(page - 1)) + page;
}

ProfileState* Noting() {
  ProfileState* state = State();
  if (state == nullptr || !state->mappings.enabled() || !Active() ||
      g_noting.load(std::memory_order_acquire) == 0) {
    return nullptr;
  }
  return state;
}

void ThreadEnds(void* stack_start) {
  ProfileState* state = Noting();
  if (state == nullptr) return;
  const auto start = reinterpret_cast<std::uint64_t>(stack_start);
  state->mappings.Unmap(start, EndOfOwnStack() - start);
}

// Bytes of the stack that a thread with these attributes will get; 0: one that the program brings.
std::uint64_t StackBytes(const pthread_attr_t* attributes) {
  pthread_attr_t usual;
  if (attributes == nullptr) {
    if (pthread_attr_init(&usual) != 0) return 0;
    attributes = &usual;
  }
  void* lowest = nullptr;
  std::size_t bytes = 0;
  // Of a stack that is glibc's to choose the address is the one that ends at 0.
  const bool known = pthread_attr_getstack(attributes, &lowest, &bytes) == 0;
  const bool brought = reinterpret_cast<std::uint64_t>(lowest) + bytes != 0;
  // pthread_attr_getstack says 0 where no size was set; this one says the usual size.
  const bool sized = pthread_attr_getstacksize(attributes, &bytes) == 0;
  if (attributes == &usual) pthread_attr_destroy(&usual);
  if (!known || brought || !sized) return 0;
  const std::uint64_t page = PageBytes();
  return (bytes + page - 1) & ~(page - 1);
}

ThreadStart* TakeStart() {
  const std::uint32_t first = g_next_start.fetch_add(1, std::memory_order_relaxed);
  for (std::uint32_t i = 0; i < kProbes; ++i) {
    ThreadStart* start = &g_starts[(first + i) % kStarts];
    std::uint32_t taken = 0;
    if (start->taken.compare_exchange_strong(taken, 1, std::memory_order_acquire)) return start;
  }
  return nullptr;
}

struct Entry {
  ThreadRoutine routine;
  void* argument;
};

// On the new thread. A function of its own, so that the one below ends in a jump.
[[gnu::noinline]] Entry NoteOwnStack(ThreadStart* start) {
  const Entry entry{start->routine, start->argument};
  MappedRange stack = start->stack;
  start->taken.store(0, std::memory_order_release);
  ProfileState* state = Noting();
  if (state == nullptr) return entry;
  const int saved_errno = errno;
  if (t_thread.thread_id == 0) {
    t_thread.thread_id = static_cast<std::uint32_t>(syscall(SYS_gettid));
  }
  stack.thread_id = t_thread.thread_id;
  stack.start = EndOfOwnStack() - stack.length;
  // NOLINTNEXTLINE(performance-no-int-to-ptr)
  if (pthread_setspecific(g_key, reinterpret_cast<void*>(stack.start)) == 0)
    state->mappings.Map(stack);
  errno = saved_errno;
  return entry;
}

}  // namespace

bool NoteThreads() {
  if (pthread_key_create(&g_key, ThreadEnds) != 0) return false;
  g_noting.store(1, std::memory_order_release);
  return true;
}

[[gnu::noinline]] ThreadStart* BeforeThread(const pthread_attr_t* attributes, ThreadRoutine routine,
                                            void* argument, const void* caller) {
  ProfileState* state = Noting();
  if (state == nullptr) return nullptr;
  const int saved_errno = errno;
  MappedRange stack = {};
  stack.length = StackBytes(attributes);
  errno = saved_errno;
  if (stack.length == 0) return nullptr;
  ThreadStart* start = TakeStart();
  if (start == nullptr) {
    state->mappings.CountMissed();
    return nullptr;
  }
  Sign(state, &stack, caller);
  stack.flags = MappedRange::kThread;
  start->routine = routine;
  start->argument = argument;
  start->stack = stack;
  return start;
}

void ThreadFailed(ThreadStart* start) { start->taken.store(0, std::memory_order_release); }

void* BeginThread(void* start) {
  const Entry entry = NoteOwnStack(static_cast<ThreadStart*>(start));
  return entry.routine(entry.argument);
}

}  // namespace wrackline::preload
