// The hooks' logic with allocators made for the test: no interposition.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/time.h>

#include <atomic>
#include <cerrno>
#include <thread>

#include "preload/hooks/malloc_hooks.h"
#include "tests/unit/preload/test_state.h"

namespace wrackline::preload {
namespace {

#define CALLER __builtin_return_address(0)

// Hands out addresses that nothing is behind. Async-signal-safe.
std::atomic<std::uint64_t> g_next_address{0x100000};
void* FakeMalloc(std::size_t size) {
  return reinterpret_cast<void*>(
      g_next_address.fetch_add((size + 31) / 16 * 16, std::memory_order_relaxed));
}
std::atomic<std::uint64_t> g_real_frees{0};
std::atomic<bool> g_freed_while_sampled{false};
void FakeFree(void* pointer) {
  g_real_frees.fetch_add(1, std::memory_order_relaxed);
  LiveObject object;
  if (TakeSample(pointer, &object)) g_freed_while_sampled = true;
}

[[gnu::noinline]] void* HookedMalloc(std::size_t size) {
  void* pointer = AllocateThrough(FakeMalloc, {size, CALLER}, size);
  asm volatile("" ::: "memory");
  return pointer;
}
[[gnu::noinline]] void* HookedRealloc(void* (*real)(void*, std::size_t), void* old,
                                      std::size_t size) {
  void* pointer = ReallocateThrough(real, CALLER, old, size, size);
  asm volatile("" ::: "memory");
  return pointer;
}

template <typename Body>
void InFreshThread(Body body) {
  std::thread thread(body);
  thread.join();
}

TEST(Hooks, AFreeIsAccountedBeforeTheRealOne) {
  TestState state(1);
  InFreshThread([] { FreeThrough(FakeFree, HookedMalloc(64)); });
  EXPECT_FALSE(g_freed_while_sampled.load());
  EXPECT_EQ(state.Total().freed_bytes, 64u);
}

TEST(Hooks, ReallocIsAFreeAndAnAllocation) {
  TestState state(1);
  InFreshThread([] {
    void* first = HookedMalloc(100);
    HookedRealloc([](void*, std::size_t size) { return FakeMalloc(size); }, first, 300);
  });
  EXPECT_EQ(state.Total().allocated_bytes, 400u);
  EXPECT_EQ(state.Total().freed_bytes, 100u);
  EXPECT_EQ(state->live.size(), 1u);
}

TEST(Hooks, AFailedReallocLeavesTheOldBlockLive) {
  TestState state(1);
  InFreshThread([&] {
    void* first = HookedMalloc(100);
    EXPECT_EQ(HookedRealloc([](void*, std::size_t) -> void* { return nullptr; }, first, 300),
              nullptr);
    LiveObject taken;
    ASSERT_TRUE(TakeSample(first, &taken));
    EXPECT_EQ(taken.size, 100u);
  });
  EXPECT_EQ(state.Total().allocated_bytes, 100u);
  EXPECT_EQ(state.Total().freed_bytes, 0u);
}

TEST(Hooks, ReallocToZeroThatGivesNullIsAFree) {
  TestState state(1);
  InFreshThread([] {
    HookedRealloc([](void*, std::size_t) -> void* { return nullptr; }, HookedMalloc(100), 0);
  });
  EXPECT_EQ(state->live.size(), 0u);
  EXPECT_EQ(state.Total().freed_bytes, 100u);
}

TEST(Hooks, PosixMemalignReportsTheRealError) {
  TestState state(1);
  InFreshThread([] {
    void* out = reinterpret_cast<void*>(0x77);
    EXPECT_EQ(PosixMemalignThrough([](void**, std::size_t, std::size_t) { return ENOMEM; }, CALLER,
                                   &out, 64, 64),
              ENOMEM);
    EXPECT_EQ(out, reinterpret_cast<void*>(0x77));
  });
  EXPECT_EQ(state->live.size(), 0u);
}

TEST(Hooks, AnEntryAnsweredThroughAnotherHookIsCountedOnce) {
  TestState state(1);
  InFreshThread([] {
    for (int i = 0; i < 1000; ++i) AllocateOnceThrough(HookedMalloc, {64, CALLER}, std::size_t{64});
    for (int i = 0; i < 1000; ++i) AllocateOnceThrough(FakeMalloc, {64, CALLER}, std::size_t{64});
  });
  EXPECT_EQ(state.Total().allocated_samples, 2000u);
}

TEST(Hooks, BlocksOfTheStaticPoolNeverReachAnAllocator) {
  const std::uint64_t before = g_real_frees.load();
  FreeThrough(FakeFree, static_cast<void*>(g_bootstrap + 64));
  EXPECT_EQ(g_real_frees.load(), before);
  EXPECT_FALSE(IsBootstrap(nullptr));
  EXPECT_FALSE(IsBootstrap(g_bootstrap + kBootstrapBytes));
  EXPECT_TRUE(IsBootstrap(g_bootstrap + kBootstrapBytes - 1));
}

TEST(NextAllocator, EveryEntryWorks) {
  const NextAllocator& next = Next();
  EXPECT_TRUE(BelongsToNextAllocator(reinterpret_cast<const void*>(next.malloc)));
  EXPECT_FALSE(BelongsToNextAllocator(reinterpret_cast<const void*>(&FakeMalloc)));
  auto check = [&](void* pointer, std::size_t alignment, std::size_t size) {
    ASSERT_NE(pointer, nullptr);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(pointer) % alignment, 0u);
    EXPECT_GE(next.malloc_usable_size(pointer), size);
    std::memset(pointer, 0x5a, size);
    next.free(pointer);
  };
  check(next.malloc(100), 16, 100);
  check(next.calloc(10, 10), 16, 100);
  check(next.realloc(next.malloc(10), 100), 16, 100);
  check(next.reallocarray(next.malloc(10), 10, 10), 16, 100);
  check(next.aligned_alloc(256, 512), 256, 512);
  check(next.memalign(256, 100), 256, 100);
  check(next.valloc(100), 4096, 100);
  check(next.pvalloc(100), 4096, 4096);
  void* out = nullptr;
  ASSERT_EQ(next.posix_memalign(&out, 1024, 100), 0);
  check(out, 1024, 100);
  next.free_sized(next.malloc(100), 100);
  next.free_aligned_sized(next.aligned_alloc(64, 128), 64, 128);
}

// A timer interrupts the sampled path thousands of times, and its handler allocates and frees
// through the hooks, twice as much as the program does.
constexpr std::size_t kByProgram = 64, kByHandler = 2 * kByProgram;
std::atomic<std::uint64_t> g_handled{0};
void OnAlarm(int) {
  const int saved = errno;
  void* pointer = HookedMalloc(kByHandler);
  FreeThrough(FakeFree, pointer);
  g_handled.fetch_add(1, std::memory_order_relaxed);
  errno = saved;
}

TEST(Hooks, SignalHandlersThatAllocateAreServed) {
  TestState state(1);
  struct sigaction action = {};
  action.sa_handler = OnAlarm;
  action.sa_flags = SA_RESTART;
  struct sigaction old;
  ASSERT_EQ(sigaction(SIGALRM, &action, &old), 0);
  const itimerval often = {{0, 50}, {0, 50}};
  ASSERT_EQ(setitimer(ITIMER_REAL, &often, nullptr), 0);
  std::uint64_t rounds = 0;
  while (g_handled.load() < 2000) {
    for (int i = 0; i < 100; ++i) {
      void* pointer = HookedMalloc(kByProgram);
      FreeThrough(FakeFree, pointer);
      ++rounds;
    }
  }
  const itimerval never = {};
  setitimer(ITIMER_REAL, &never, nullptr);
  sigaction(SIGALRM, &old, nullptr);
  EXPECT_EQ(state->live.size(), 0u);
  const StackSnapshot total = state.Total();
  EXPECT_EQ(total.allocated_samples, total.freed_samples);
  // Each sample stands for itself, so the bytes tell whose they are.
  const std::uint64_t by_handler =
      (total.allocated_bytes - kByProgram * total.allocated_samples) / (kByHandler - kByProgram);
  EXPECT_EQ(total.allocated_samples - by_handler, rounds);
  // Of the handler's, not those while its thread was being sampled, which are counted; nor those between the two instructions in which
  // the countdown has borrowed (CountDown): one or two in a hundred that a round has.
  EXPECT_GE(by_handler + state->losses.reentrant.load() + g_handled.load() / 50, g_handled.load());
  EXPECT_LE(by_handler + state->losses.reentrant.load(), g_handled.load());
}

}  // namespace
}  // namespace wrackline::preload
