#include "preload/hooks/target.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

namespace wrackline::preload {
namespace {

// Each function says that it was called.
enum Called { kUnresolved = 1, kReal = 2, kCounting = 3 };
int Unresolved() { return kUnresolved; }
int Real() { return kReal; }
int Counting() { return kCounting; }

TEST(Target, LeadsToTheRealFunctionOnceItIsFound) {
  Target<int()> target = MakeTarget<int()>(&Unresolved);
  EXPECT_EQ(target.Now()(), kUnresolved);
  EXPECT_EQ(target.Real(), nullptr);
  Resolve(&target, &Real);
  EXPECT_EQ(target.Now()(), kReal);
  EXPECT_EQ(target.Real()(), kReal);
}

TEST(Target, KeepsWhereItWasLedSince) {
  Target<int()> target = MakeTarget<int()>(&Unresolved);
  target.real.store(&Real);
  target.now.store(&Counting);
  Resolve(&target, &Real);
  EXPECT_EQ(target.Now()(), kCounting);
}

constexpr int kTargets = 2000;
constexpr int kThreads = 8;

// Whoever is led past `unresolved` finds the real function there.
TEST(Target, IsFoundByManyThreadsAtOnce) {
  std::vector<Target<int()>> targets(kTargets);
  for (Target<int()>& target : targets) {
    target.now.store(&Unresolved);
    target.unresolved = &Unresolved;
  }
  std::atomic<int> at_start{0};
  std::atomic<int> wrong{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      at_start.fetch_add(1);
      while (at_start.load() < kThreads) std::this_thread::yield();
      for (int i = 0; i < kTargets; ++i) {
        // Half of the threads go the same way and meet at every target, half come from elsewhere.
        Target<int()>& target =
            targets[static_cast<std::size_t>(t % 2 == 0 ? i : (i * 7 + t * 131) % kTargets)];
        if (target.Now() == &Real && target.Real() != &Real) wrong.fetch_add(1);
        Resolve(&target, &Real);
        if (target.Now()() != kReal || target.Real() != &Real) wrong.fetch_add(1);
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(wrong.load(), 0);
}

}  // namespace
}  // namespace wrackline::preload
