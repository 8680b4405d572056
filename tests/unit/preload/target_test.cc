#include "preload/hooks/target.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <thread>
#include <vector>

namespace wrackline::preload {
namespace {

// Each function says that it was called.
enum Called { kUnresolved = 1, kReal = 2, kWatching = 3 };
int Unresolved() { return kUnresolved; }
int Real() { return kReal; }
int Watching() { return kWatching; }

// Targets are listed for ever: they are never destroyed.
Target<int()>* NewTarget(bool watchable = true) {
  static auto* all = new std::vector<Target<int()>*>;
  all->push_back(
      new Target<int()>(MakeTarget<int()>(&Unresolved, watchable ? &Watching : nullptr)));
  return all->back();
}

// Frees are watched from the first WatchFrees on, for the whole process, and there is no way back.
bool WatchedAlready() {
  Target<int()>* probe = NewTarget();
  Resolve(probe, &Real, true);
  return probe->Now()() == kWatching;
}

TEST(Target, LeadsToTheRealFunctionOnceItIsFound) {
  Target<int()>* target = NewTarget(false);
  EXPECT_EQ(target->Now()(), kUnresolved);
  EXPECT_EQ(target->Real(), nullptr);
  Resolve(target, &Real, false);
  EXPECT_EQ(target->Now()(), kReal);
  EXPECT_EQ(target->Real()(), kReal);
  WatchFrees();
  EXPECT_EQ(target->Now()(), kReal) << "it frees nothing, and is not watched";
}

TEST(Target, IsWatchedWhicheverComesFirst) {
  Target<int()>* before = NewTarget();
  if (!WatchedAlready()) {
    Resolve(before, &Real, true);
    EXPECT_EQ(before->Now()(), kReal);
  } else {
    Resolve(before, &Real, true);
  }
  WatchFrees();
  EXPECT_EQ(before->Now()(), kWatching);
  Target<int()>* after = NewTarget();
  EXPECT_EQ(after->Now()(), kUnresolved);
  Resolve(after, &Real, true);
  EXPECT_EQ(after->Now()(), kWatching);
  EXPECT_EQ(after->Real()(), kReal);
  Resolve(after, &Real, true);
  EXPECT_EQ(after->Now()(), kWatching) << "found a second time";
}

// A thread is stopped between marking the target as being listed and listing it; another resolves
// the same target and switches the frees. Until the first one goes on, the target must lead to the
// function that looks at everything, and to the watching one afterwards.
TEST(Target, AThreadStoppedWhileItListsLosesNoFree) {
  Target<int()>* target = NewTarget();
  target->real.store(&Real);
  target->listed.store(1);  // as the stopped thread has left it
  Resolve(target, &Real, true);
  EXPECT_EQ(target->Now()(), kUnresolved);
  WatchFrees();
  EXPECT_NE(target->Now()(), kReal);
  target->listed.store(0);  // it goes on
  Resolve(target, &Real, true);
  EXPECT_EQ(target->Now()(), kWatching);
}

constexpr int kTargets = 2000;
constexpr int kThreads = 8;

// Threads resolve targets while one switches the frees, and use what they are led to. Not 0: a
// target led to the real function, past the watching one, after WatchFrees had returned.
int RaceOfResolveAndWatchFrees() {
  if (WatchedAlready()) return 10;
  std::vector<Target<int()>*> targets;
  for (int i = 0; i < kTargets; ++i) targets.push_back(NewTarget());
  std::atomic<int> at_start{0};
  std::atomic<bool> watched{false};
  std::atomic<int> wrong{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      at_start.fetch_add(1);
      while (at_start.load() < kThreads) std::this_thread::yield();
      for (int i = 0; i < kTargets; ++i) {
        // Half of the threads go the same way and meet at every target, half come from elsewhere.
        const int index = t % 2 == 0 ? i : (i * 7 + t * 131) % kTargets;
        Target<int()>* target = targets[static_cast<std::size_t>(index)];
        Resolve(target, &Real, true);
        if (t == 0 && i == kTargets / 2) {
          WatchFrees();
          watched.store(true);
        }
        const bool must_watch = watched.load();
        const int called = target->Now()();
        // `unresolved` looks at everything too: only the bare function is wrong.
        if (must_watch && called == kReal) wrong.store(11);
        if (called == kWatching && target->Real() == nullptr) wrong.store(12);
      }
    });
  }
  for (auto& thread : threads) thread.join();
  for (Target<int()>* target : targets) {
    if (target->Now()() != kWatching) wrong.store(13);
  }
  return wrong.load();
}

TEST(TargetDeathTest, ResolveAgainstWatchFreesInManyThreads) {
  // In processes of their own, where frees are not watched yet.
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  for (int round = 0; round < 5; ++round) {
    EXPECT_EXIT(_exit(RaceOfResolveAndWatchFrees()), testing::ExitedWithCode(0), "");
  }
}

}  // namespace
}  // namespace wrackline::preload
