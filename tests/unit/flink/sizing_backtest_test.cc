// What a replay makes of each component: one test a rule of docs/backtest.md, and its border.
#include <gmock/gmock.h>

#include "recorded_run.h"

namespace wrackline::sizing {
namespace {

using namespace testing_runs;  // NOLINT: a file of tests
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

constexpr const char* kProcess = "taskmanager.memory.process.size";
constexpr const char* kTaskHeap = "taskmanager.memory.task.heap.size";
constexpr const char* kManagedSize = "taskmanager.memory.managed.size";
constexpr const char* kManaged = "state.backend.rocksdb.memory.managed";
constexpr const char* kMetaspace = "taskmanager.memory.jvm-metaspace.size";
constexpr const char* kNetworkMin = "taskmanager.memory.network.min";
constexpr const char* kNetworkMax = "taskmanager.memory.network.max";
constexpr const char* kSlots = "taskmanager.numberOfTaskSlots";

TEST(BackTest, WhatWasRecordedIsPredictedUnderTheSameConfiguration) {
  const Replay replay = Replayed(ARun(), Under());
  EXPECT_EQ(replay.death, Death::kNone);
  EXPECT_EQ(replay.died_at, std::nullopt);
  EXPECT_EQ(replay.peak, 900 * kMiB);
  EXPECT_EQ(replay.peak_at, std::chrono::seconds(1));
  EXPECT_EQ(replay.headroom, 124 * kMiB);
  ASSERT_EQ(replay.parts.size(), 5U);
  for (const Replay::Part& part : replay.parts) EXPECT_EQ(part.recorded, part.predicted);
  EXPECT_EQ(replay.parts[0].name, "heap");
  EXPECT_EQ(replay.parts[0].predicted, 120 * kMiB);
  EXPECT_EQ(PartOf(replay, "metaspace"), 50 * kMiB);
  EXPECT_EQ(PartOf(replay, "direct and network"), 100 * kMiB);
  EXPECT_EQ(PartOf(replay, "rocksdb"), 210 * kMiB);
  EXPECT_EQ(PartOf(replay, "rest"), 420 * kMiB);
  EXPECT_THAT(replay.assumptions, IsEmpty());
}

TEST(BackTest, TheLimitIsTheTargetsOrElseTheProcessSize) {
  EXPECT_EQ(Tested({ARun()}, Under()).limit, 1 * kGiB);
  EXPECT_EQ(Tested({ARun()}, Under({}, 950 * kMiB)).limit, 950 * kMiB);
}

TEST(BackTest, DiesBeyondTheLimitAndLivesAtIt) {
  EXPECT_TRUE(Tested({ARun()}, Under({}, 900 * kMiB)).survives);
  const BackTest dead = Tested({ARun()}, Under({}, 900 * kMiB - Bytes{1}));
  EXPECT_FALSE(dead.survives);
  EXPECT_EQ(dead.replays[0].death, Death::kLimit);
  EXPECT_EQ(dead.replays[0].died_at, std::chrono::seconds(1));
  EXPECT_EQ(dead.replays[0].headroom, Bytes{-1});
  EXPECT_EQ(dead.least_headroom, Bytes{-1});
}

TEST(BackTest, SurvivesWithTheHeadroomAskedAndNotWithLess) {
  EXPECT_TRUE(Tested({ARun()}, Under(), 124 * kMiB).survives);
  const BackTest close = Tested({ARun()}, Under(), 124 * kMiB + Bytes{1});
  EXPECT_FALSE(close.survives);
  EXPECT_EQ(close.replays[0].death, Death::kNone);
}

TEST(BackTest, TheFirstDeathEndsTheReplay) {
  Moment second = AMoment(2), third = AMoment(3);
  second.working_set = 1100 * kMiB;
  third.working_set = 1500 * kMiB;
  const Replay replay = Replayed(ARun({AMoment(1), second, third}), Under());
  EXPECT_EQ(replay.died_at, std::chrono::seconds(2));
  EXPECT_EQ(replay.peak, 1100 * kMiB);
}

TEST(BackTest, OneRunThatDiesIsEnough) {
  RecordedRun large = ARun();
  large.name = "taskmanager-2";
  large.moments[0].working_set = 1025 * kMiB;
  const BackTest test = Tested({ARun(), large, ARun()}, Under());
  EXPECT_FALSE(test.survives);
  EXPECT_EQ(test.least_headroom, -kMiB);
  ASSERT_EQ(test.replays.size(), 3U);
  EXPECT_EQ(test.replays[1].run, "taskmanager-2");
  EXPECT_EQ(test.replays[2].death, Death::kNone);
}

// 128 MiB of framework heap are the same; the task's heap is given.
Target WithHeap(const char* task_heap) {
  return Under({{kProcess, "4g"},
                {kTaskHeap, task_heap},
                {kManagedSize, "241591910b"},
                {"taskmanager.memory.jvm-overhead.max", "4g"}},
               4 * kGiB);
}

TEST(BackTest, TheHeapsPagesScaleWithItsMaximum) {
  RecordedRun run = ARun();
  run.granted->framework_heap = 128 * kMiB;
  run.granted->task_heap = 128 * kMiB;  // 256 MiB, of which 120 are there
  EXPECT_EQ(PartOf(Replayed(run, WithHeap("384m")), "heap"), 240 * kMiB);
  EXPECT_EQ(PartOf(Replayed(run, WithHeap("64m")), "heap"), 90 * kMiB);
  // Not below what lives in it ...
  run.moments[0].heap_live = 100 * kMiB;
  EXPECT_EQ(PartOf(Replayed(run, WithHeap("64m")), "heap"), 100 * kMiB);
  // ... nor above its maximum, however inconsistent the readings.
  run.moments[0].heap = 300 * kMiB;
  EXPECT_EQ(PartOf(Replayed(run, WithHeap("64m")), "heap"), 192 * kMiB);
}

TEST(BackTest, LiveObjectsBeyondTheHeapEndTheVm) {
  RecordedRun run = ARun();
  run.moments[0].heap_live = 192 * kMiB;
  EXPECT_EQ(Replayed(run, WithHeap("64m")).death, Death::kNone);
  run.moments[0].heap_live = 192 * kMiB + Bytes{1};
  const Replay dead = Replayed(run, WithHeap("64m"));
  EXPECT_EQ(dead.death, Death::kHeap);
  EXPECT_EQ(dead.died_at, std::chrono::seconds(1));
  EXPECT_GT(dead.headroom, Bytes{});
  EXPECT_FALSE(Tested({run}, WithHeap("64m")).survives);
}

TEST(BackTest, AHeapOfUnknownMaximumStaysAtMostAtTheNewOne) {
  RecordedRun run = ARun();
  run.granted.reset();
  Replay replay = Replayed(run, WithHeap("384m"));
  EXPECT_EQ(PartOf(replay, "heap"), 120 * kMiB);
  EXPECT_THAT(replay.assumptions, Contains(HasSubstr("what Flink granted it is not known")));
  run.moments[0].heap = 200 * kMiB;
  EXPECT_EQ(PartOf(Replayed(run, WithHeap("64m")), "heap"), 192 * kMiB);
}

TEST(BackTest, AnUnseenHeapGrowsInTheRestAndDoesNotShrinkThere) {
  RecordedRun run = ARun();
  run.moments[0].heap.reset();
  run.moments[0].heap_live.reset();
  run.granted->framework_heap = 128 * kMiB;
  run.granted->task_heap = 128 * kMiB;
  Replay replay = Replayed(run, WithHeap("384m"));
  EXPECT_EQ(PartOf(replay, "heap"), Bytes{});
  EXPECT_EQ(PartOf(replay, "rest"), 540 * kMiB + 256 * kMiB);
  EXPECT_THAT(replay.assumptions,
              Contains(HasSubstr("its heap was not observed and is part of the rest: 256.0 MiB")));
  replay = Replayed(run, WithHeap("64m"));
  EXPECT_EQ(PartOf(replay, "rest"), 540 * kMiB);
  EXPECT_THAT(replay.assumptions, Contains(HasSubstr("a smaller one takes nothing away")));
}

TEST(BackTest, ASmallerHeapWithoutACollectionIsSaid) {
  RecordedRun run = ARun();
  run.granted->task_heap = 512 * kMiB;
  EXPECT_THAT(Replayed(run, Under()).assumptions, IsEmpty());
  run.moments[0].heap_live.reset();
  EXPECT_THAT(Replayed(run, Under()).assumptions,
              Contains(HasSubstr("no collection's end was observed")));
}

TEST(BackTest, MetaspaceBeyondItsBudgetEndsTheVm) {
  RecordedRun run = ARun();
  run.moments[0].metaspace = 96 * kMiB;
  EXPECT_EQ(Replayed(run, Under({{kMetaspace, "96m"}}, 2 * kGiB)).death, Death::kNone);
  run.moments[0].metaspace = 96 * kMiB + Bytes{1};
  EXPECT_EQ(Replayed(run, Under({{kMetaspace, "96m"}}, 2 * kGiB)).death, Death::kMetaspace);
}

TEST(BackTest, TheWholeNetworkIsTakenAtTheStart) {
  const Target larger =
      Under({{kProcess, "2g"}, {kNetworkMin, "164m"}, {kNetworkMax, "164m"}}, 4 * kGiB);
  EXPECT_EQ(PartOf(Replayed(ARun(), larger), "direct and network"), 200 * kMiB);
  const Target smaller = Under({{kNetworkMin, "24m"}, {kNetworkMax, "24m"}});
  EXPECT_EQ(PartOf(Replayed(ARun(), smaller), "direct and network"), 60 * kMiB);
  // Before it was taken.
  RecordedRun early = ARun();
  early.moments[0].direct = 10 * kMiB;
  EXPECT_EQ(PartOf(Replayed(early, smaller), "direct and network"), Bytes{});
  // As recorded where the old network is not known.
  RecordedRun unknown = ARun();
  unknown.granted.reset();
  EXPECT_EQ(PartOf(Replayed(unknown, larger), "direct and network"), 100 * kMiB);
}

TEST(BackTest, DirectMemoryBeyondItsMaximumEndsTheVm) {
  RecordedRun run = ARun();
  run.moments[0].direct = MemoryOf(Under()).JvmDirect();
  EXPECT_EQ(Replayed(run, Under()).death, Death::kNone);
  *run.moments[0].direct += Bytes{1};
  EXPECT_EQ(Replayed(run, Under()).death, Death::kDirectMemory);
}

TEST(BackTest, UnseenDirectMemoryGrowsInTheRestWithTheNetwork) {
  RecordedRun run = ARun();
  run.moments[0].direct.reset();
  const Target larger =
      Under({{kProcess, "2g"}, {kNetworkMin, "104m"}, {kNetworkMax, "104m"}}, 4 * kGiB);
  run.granted->framework_heap = MemoryOf(larger).framework_heap;
  run.granted->task_heap = MemoryOf(larger).task_heap;
  EXPECT_EQ(PartOf(Replayed(run, larger), "rest"), 520 * kMiB + 40 * kMiB);
  EXPECT_EQ(PartOf(Replayed(run, Under({{kNetworkMin, "24m"}, {kNetworkMax, "24m"}})), "rest"),
            520 * kMiB);
}

TEST(BackTest, AManagedPoolScalesWithItsBudgetAndBeyondItOnlyItsMemtablesGrow) {
  RecordedRun run = ARun();
  run.granted->managed = 160 * kMiB;  // 200 in use
  const Target target = Under({{kProcess, "2g"}, {kManagedSize, "320m"}});
  EXPECT_EQ(PartOf(Replayed(run, target), "rocksdb"), (320 + 10) * kMiB);
  // 200 and a third of the 30 that are added.
  EXPECT_EQ(PartOf(Replayed(run, Under({{kProcess, "2g"}, {kManagedSize, "190m"}})), "rocksdb"),
            (200 + 10 + 10) * kMiB);
  EXPECT_EQ(PartOf(Replayed(run, Under({{kManagedSize, "80m"}})), "rocksdb"),
            (80 + 40 + 10) * kMiB);
  run.granted->managed =
      400 * kMiB;  // not full: it fits into less, and fills the same share of more
  EXPECT_EQ(PartOf(Replayed(run, target), "rocksdb"), (200 + 10) * kMiB);
  const Target larger = Under({{kProcess, "3g"}, {kManagedSize, "640m"}});
  EXPECT_EQ(PartOf(Replayed(run, larger), "rocksdb"), (320 + 10) * kMiB);
}

TEST(BackTest, AFixedBudgetIsOneToo) {
  RecordedRun run = ARun();
  run.granted->managed = 200 * kMiB;
  const Target target = Under({{"state.backend.rocksdb.memory.fixed-per-slot", "150m"}});
  EXPECT_EQ(PartOf(Replayed(run, target), "rocksdb"), (300 + 10) * kMiB);
}

// What is pinned beyond a fixed budget stays: managed memory had no part in it.
TEST(BackTest, ARunWithAFixedBudgetIsPredictedUnderTheSame) {
  RecordedRun run = ARun();
  run.granted->managed = 1340 * kMiB;
  run.rocksdb_fixed = 64 * kMiB;  // 200 in use
  const Target same = Under({{"state.backend.rocksdb.memory.fixed-per-slot", "32m"}});
  EXPECT_EQ(PartOf(Replayed(run, same), "rocksdb"), (200 + 10) * kMiB);
  run.granted->managed = 32 * kMiB;
  EXPECT_EQ(PartOf(Replayed(run, same), "rocksdb"), (200 + 10) * kMiB);
}

TEST(BackTest, AnUnseenPoolGrowsInTheRest) {
  RecordedRun run = ARun();
  const Bytes managed = run.granted->managed;
  for (Moment& moment : run.moments) {
    moment.caches.reset();
    moment.memtables.reset();
    moment.table_readers.reset();
  }
  const Bytes before = PartOf(Replayed(run, Under()), "rest");
  const Target larger = Under({{kProcess, "2g"}, {kManagedSize, "400m"}});
  const Replay replay = Replayed(run, larger);
  EXPECT_EQ(PartOf(replay, "rest"), before + 400 * kMiB - managed);
  EXPECT_THAT(replay.assumptions, Contains(HasSubstr("what RocksDB held was not observed")));
}

TEST(BackTest, APoolOfUnknownBudgetStaysAsRecorded) {
  RecordedRun run = ARun();
  run.granted.reset();
  const Replay replay = Replayed(run, Under({{kManagedSize, "80m"}}));
  EXPECT_EQ(PartOf(replay, "rocksdb"), 210 * kMiB);
  EXPECT_THAT(replay.assumptions, Contains(HasSubstr("their budget is not known")));
  run = ARun();
  run.rocksdb_managed.reset();
  EXPECT_THAT(Replayed(run, Under()).assumptions,
              Contains(HasSubstr("whether they were bounded is not known")));
}

RecordedRun UnmanagedRun() {
  RecordedRun run = ARun();
  run.rocksdb_managed = false;
  // 2 databases x 2 x 64 MiB + 170 MiB = 426 MiB.
  run.families[0].own_cache_capacity = 170 * kMiB;
  return run;
}

TEST(BackTest, ManagementBoundsAPoolWithAnEighthForTheAllocator) {
  EXPECT_EQ(PartOf(Replayed(UnmanagedRun(), Under({{kManagedSize, "80m"}})), "rocksdb"),
            (90 + 10) * kMiB);
  EXPECT_EQ(PartOf(Replayed(UnmanagedRun(), Under({{kManagedSize, "200m"}})), "rocksdb"),
            (200 + 10) * kMiB);
}

// What was in small caches of their own says nothing of how much there was to cache.
TEST(BackTest, ABoundedCacheFillsWhereOwnCachesWereFull) {
  RecordedRun run = UnmanagedRun();
  run.families[0].own_cache_capacity = 160 * kMiB;
  run.moments[0].caches = 150 * kMiB;
  const Target target = Under({{kManagedSize, "240m"}}, 2 * kGiB);
  const Replay replay = Replayed(run, target);
  EXPECT_EQ(PartOf(replay, "rocksdb"), (270 + 10) * kMiB);
  EXPECT_THAT(replay.assumptions, Contains(HasSubstr("own caches were full")));
  run.moments[0].caches = 150 * kMiB - Bytes{1};
  EXPECT_EQ(PartOf(Replayed(run, target), "rocksdb"), (200 + 10) * kMiB - Bytes{1});
}

TEST(BackTest, AnUnmanagedPoolScalesWithTheSlots) {
  const Target three = Under({{kManaged, "false"}, {kSlots, "3"}});
  EXPECT_EQ(PartOf(Replayed(UnmanagedRun(), three), "rocksdb"), (300 + 10) * kMiB);
  RecordedRun unknown = UnmanagedRun();
  unknown.slots.reset();
  const Replay replay = Replayed(unknown, three);
  EXPECT_EQ(PartOf(replay, "rocksdb"), 210 * kMiB);
  EXPECT_THAT(replay.assumptions, Contains(HasSubstr("how many slots it had is not known")));
}

TEST(BackTest, WithoutManagementTheFamiliesTakeWhatTheyMay) {
  const Target target = Under({{kManaged, "false"}});
  // 2 databases x (2 x 64 MiB + the target's 8 MiB of cache).
  const Replay replay = Replayed(ARun(), target);
  EXPECT_EQ(PartOf(replay, "rocksdb"), (272 + 10) * kMiB);
  EXPECT_THAT(replay.assumptions, Contains(HasSubstr("nothing bounds RocksDB any more")));
  // The only user of the shared cache has none of its own.
  RecordedRun alone = ARun();
  alone.families[0].own_cache_capacity = 200 * kMiB;
  EXPECT_EQ(PartOf(Replayed(alone, target), "rocksdb"), (272 + 10) * kMiB);
  const Target caches =
      Under({{kManaged, "false"}, {"state.backend.rocksdb.block.cache-size", "18m"}});
  EXPECT_EQ(PartOf(Replayed(ARun(), caches), "rocksdb"), (292 + 10) * kMiB);
  const Target four = Under({{kManaged, "false"}, {kSlots, "4"}}, 2 * kGiB);
  EXPECT_EQ(PartOf(Replayed(ARun(), four), "rocksdb"), (544 + 10) * kMiB);
  // Not before there was a database.
  RecordedRun late = ARun({AMoment(1), AMoment(2)});
  late.moments[0].caches.reset();
  late.moments[0].memtables.reset();
  late.moments[0].table_readers.reset();
  late.moments[1].working_set = 1000 * kMiB;
  EXPECT_EQ(Replayed(late, target).died_at, std::chrono::seconds(2));
  RecordedRun unknown = ARun();
  unknown.families[0].max_write_buffers = 0;
  EXPECT_EQ(PartOf(Replayed(unknown, target), "rocksdb"), 210 * kMiB);
  EXPECT_THAT(Replayed(unknown, target).assumptions,
              Contains(HasSubstr("the options of its families are not known")));
}

TEST(BackTest, AKilledRunDiesAgainUnderWhatKilledIt) {
  RecordedRun run = ARun();
  run.rocksdb_managed.reset();  // no more of RocksDB than was seen
  run.killed = true;
  run.limit = 1 * kGiB;
  const Replay replay = Replayed(run, Under());
  EXPECT_EQ(replay.death, Death::kLimit);
  EXPECT_EQ(replay.died_at, std::chrono::seconds(2));  // its lifetime
  EXPECT_EQ(replay.headroom, Bytes{-4096});
  EXPECT_THAT(replay.assumptions, Contains(HasSubstr("killed at 1.00 GiB")));
  EXPECT_EQ(Replayed(run, Under({}, 1 * kGiB + Bytes{4096})).death, Death::kNone);
}

TEST(BackTest, AKilledRunIsReplayedWithEveryComponentAtItsPeak) {
  Moment first = AMoment(1), second = AMoment(2);
  first.heap = 150 * kMiB;  // the rest is 390 MiB
  second.direct = 130 * kMiB;
  second.metaspace = 40 * kMiB;  // 400 MiB
  RecordedRun run = ARun({first, second});
  run.rocksdb_managed.reset();
  run.killed = true;
  run.limit = 900 * kMiB;
  const Replay replay = Replayed(run, Under());
  EXPECT_EQ(replay.peak, (150 + 50 + 130 + 210 + 400) * kMiB);
  EXPECT_EQ(replay.peak_at, std::chrono::seconds(3));
}

TEST(BackTest, AKilledRunsPoolsWouldHaveFilled) {
  RecordedRun run = UnmanagedRun();
  run.killed = true;
  run.limit = 910 * kMiB;
  // Bounded now: full, with the allocator's eighth, though it had not come that far.
  EXPECT_EQ(PartOf(Replayed(run, Under({{kManagedSize, "240m"}}, 2 * kGiB)), "rocksdb"),
            (270 + 10) * kMiB);
  // Unbounded still: all that its families may take. That accounts for the kill: nothing is added to the rest.
  const Replay unmanaged = Replayed(run, Under({{kManaged, "false"}}, 2 * kGiB));
  EXPECT_EQ(PartOf(unmanaged, "rocksdb"), (426 + 10) * kMiB);
  EXPECT_EQ(PartOf(unmanaged, "rest"), 420 * kMiB);
  // Unless the peak was more.
  run.moments[0].memtables = 300 * kMiB;
  EXPECT_EQ(PartOf(Replayed(run, Under({{kManaged, "false"}}, 2 * kGiB)), "rocksdb"),
            (450 + 10) * kMiB);
  // Bounded before and now: the whole budget.
  run = ARun();
  run.granted->managed = 250 * kMiB;
  run.killed = true;
  run.limit = 900 * kMiB;
  EXPECT_EQ(PartOf(Replayed(run, Under({{kManagedSize, "240m"}}, 2 * kGiB)), "rocksdb"),
            (240 + 10) * kMiB);
}

TEST(BackTest, CachesAndMemtablesPeakTogether) {
  Moment first = AMoment(1), second = AMoment(2);
  first.caches = 50 * kMiB;
  first.memtables = 150 * kMiB;
  RecordedRun run = ARun({first, second});
  run.granted->managed = 100 * kMiB;
  run.killed = true;
  EXPECT_EQ(PartOf(Replayed(run, Under({{kManagedSize, "100m"}}, 2 * kGiB)), "rocksdb"),
            (200 + 10) * kMiB);
}

// The VM is asked every half minute: before that its heap is in the rest.
TEST(BackTest, WhatWasNotLookedAtCountsOnce) {
  Moment early = AMoment(1);
  early.heap.reset();
  early.direct.reset();
  early.caches.reset();
  early.memtables.reset();
  early.table_readers.reset();  // a rest of 850 MiB, in which 430 are of these
  RecordedRun run = ARun({early, AMoment(2)});
  run.rocksdb_managed.reset();
  run.killed = true;
  run.limit = 800 * kMiB;
  EXPECT_EQ(Replayed(run, Under()).peak, 900 * kMiB);
  run.moments[0].working_set = 910 * kMiB;
  EXPECT_EQ(Replayed(run, Under()).peak, 910 * kMiB);
}

TEST(BackTest, WhatReachedTheLimitAndIsNotAccountedForIsRest) {
  RecordedRun run = ARun();
  run.killed = true;
  run.limit = 1 * kGiB;
  const Replay replay = Replayed(run, Under({}, 2 * kGiB));
  const Bytes filled = MemoryOf(Under()).managed + 10 * kMiB - 210 * kMiB;
  EXPECT_EQ(PartOf(replay, "rest"), 544 * kMiB + Bytes{4096});
  EXPECT_EQ(replay.peak, 1 * kGiB + Bytes{4096} + filled);
}

TEST(BackTest, ALeakHasATimeAndNoVerdict) {
  RecordedRun run = ARun({AMoment(1), AMoment(3600)});
  run.leaks = {{"com.example.DecodeOrder.forget", 30 * kMiB, 62.0 * 1024 * 1024}};
  const BackTest test = Tested({run}, Under());
  EXPECT_TRUE(test.survives);
  // 124 MiB at 62 MiB an hour, after one hour.
  EXPECT_THAT(test.replays[0].assumptions,
              Contains(HasSubstr("com.example.DecodeOrder.forget grows by 62.0 MiB an hour")));
  EXPECT_THAT(test.replays[0].assumptions, Contains(HasSubstr("3 hours after its start")));
  run.leaks[0].bytes_per_hour = -1;
  EXPECT_THAT(Replayed(run, Under()).assumptions, IsEmpty());
}

TEST(BackTest, MetricsAloneAreSaidToBeTooLittle) {
  RecordedRun run = ARun();
  run.partial = true;
  EXPECT_THAT(Replayed(run, Under()).assumptions, Contains(HasSubstr("metrics only")));
}

TEST(BackTest, ErrorsSayWhatToDo) {
  EXPECT_THAT(TestBack({}, Under(), {}).error().Text(), HasSubstr("no recorded run"));
  RecordedRun empty = ARun();
  empty.moments.clear();
  EXPECT_THAT(TestBack({ARun(), empty}, Under(), {}).error().Text(),
              HasSubstr("taskmanager-1 has no moment"));
  EXPECT_THAT(TestBack({ARun()}, Under({{kProcess, "100m"}}), {}).error().Text(),
              HasSubstr("refuses this configuration"));
  EXPECT_THAT(TestBack({ARun()}, Under({{kManaged, "perhaps"}}), {}).error().Text(),
              HasSubstr("perhaps"));
}

}  // namespace
}  // namespace wrackline::sizing
