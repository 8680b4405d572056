#include "analyzer/report/moments.h"

#include <gtest/gtest.h>

#include "analyzer/evidence/from_recording.h"
#include "analyzer/report/rocksdb_demand.h"
#include "tests/unit/analyzer/recording_builder.h"

namespace wrackline::report {
namespace {

using evidence::Evidence;
using evidence::Time;
using std::chrono::seconds;

constexpr Bytes Mi(std::int64_t count) { return count * kMiB; }
Time At(double second) {
  return Time{seconds(1'700'000'000)} +
         std::chrono::nanoseconds(static_cast<std::int64_t>(second * 1e9));
}

// A process from 0 on whose cgroup is charged so much, of which `cache` is page cache that can go.
void Charged(Evidence& evidence, double second, Bytes charge, Bytes cache = {}) {
  evidence::TimelinePoint& point = evidence.timeline.emplace_back();
  point.time = At(second);
  point.charge = charge;
  point.anon = charge - cache;
  point.inactive_file = cache;
  point.resident = charge - cache + Mi(5);
  point.resident_shared = Mi(5);
}
evidence::JvmFigures& Figures(Evidence& evidence, double second) {
  if (!evidence.jvm) evidence.jvm.emplace();
  evidence::JvmFigures& figures = evidence.jvm->figures.emplace_back();
  figures.time = At(second);
  return figures;
}
void HeapPages(Evidence& evidence, double second, Bytes heap) {
  if (!evidence.jvm) evidence.jvm.emplace();
  evidence::JvmResident& resident = evidence.jvm->resident.emplace_back();
  resident.time = At(second);
  resident.heap = heap;
}
// One family with one cache: both are read.
void RocksDbHeld(Evidence& evidence, double second, Bytes memtables, Bytes caches) {
  if (!evidence.rocksdb) {
    evidence.rocksdb.emplace();
    evidence.rocksdb->families.emplace_back().all_memtables = memtables;
    evidence.rocksdb->caches.emplace_back().usage = caches;
  }
  evidence.rocksdb->history.push_back({At(second), memtables, caches, {}});
}
Evidence Recorded() {
  Evidence evidence;
  evidence.process.start = At(0);
  return evidence;
}
std::vector<sizing::Moment> Of(const Evidence& evidence) {
  return MomentsOf(evidence, ledger::Basis::kCharge);
}

TEST(Moments, AreTheWorkingSetOfTheCgroupOrTheResidentSet) {
  Evidence evidence = Recorded();
  Charged(evidence, 1, Mi(300), Mi(100));
  ASSERT_EQ(Of(evidence).size(), 1u);
  EXPECT_EQ(Of(evidence)[0].working_set, Mi(200));
  EXPECT_EQ(Of(evidence)[0].at, seconds(1));
  EXPECT_EQ(MomentsOf(evidence, ledger::Basis::kResident)[0].working_set, Mi(205));
}

TEST(Moments, ActivePageCacheIsNoDemandTmpfsAndProgramsAre) {
  Evidence evidence = Recorded();
  Charged(evidence, 1, Mi(900), Mi(100));
  evidence::TimelinePoint& point = evidence.timeline.back();
  point.file = Mi(500);
  point.file_mapped = Mi(20);
  EXPECT_EQ(Of(evidence)[0].working_set, Mi(800));  // how much of it is tmpfs is not known
  point.shmem = Mi(30);
  EXPECT_EQ(Of(evidence)[0].working_set, Mi(450));
}

TEST(Moments, WhatWasNotReadIsAbsent) {
  Evidence evidence = Recorded();
  Charged(evidence, 1, Mi(300));
  const sizing::Moment moment = Of(evidence).at(0);
  EXPECT_FALSE(moment.heap || moment.heap_live || moment.metaspace || moment.direct ||
               moment.caches || moment.memtables || moment.table_readers);
  EXPECT_EQ(moment.Rest(), Mi(300));
}

TEST(Moments, BetweenTwoReadingsOfTheVmInProportion) {
  Evidence evidence = Recorded();
  for (int second = 0; second <= 50; second += 5) Charged(evidence, second, Mi(900));
  HeapPages(evidence, 10, Mi(100));
  HeapPages(evidence, 40, Mi(400));
  const auto moments = Of(evidence);
  ASSERT_EQ(moments.size(), 11u);
  EXPECT_EQ(moments[2].heap, Mi(100));
  EXPECT_EQ(moments[5].heap, Mi(250));
  EXPECT_EQ(moments[8].heap, Mi(400));
  EXPECT_EQ(moments[10].heap, Mi(400));
}

TEST(Moments, UpToTheFirstReadingTheVmGrewFromNothing) {
  Evidence evidence = Recorded();
  Charged(evidence, 0, Mi(300));
  Charged(evidence, 1, Mi(300));
  HeapPages(evidence, 2, Mi(100));
  Figures(evidence, 2).metaspace_committed = Mi(20);
  const auto moments = Of(evidence);
  EXPECT_EQ(moments[0].heap, Bytes{});
  EXPECT_EQ(moments[1].heap, Mi(50));
  EXPECT_EQ(moments[1].metaspace, Mi(10));
}

TEST(Moments, AHeapWithoutPagesIsTheMostThatWasUsed) {
  Evidence evidence = Recorded();
  evidence.recorded = false;
  for (const auto& [second, used] : {std::pair{1, 80}, {2, 30}, {3, 90}}) {
    Charged(evidence, second, Mi(900));
    evidence::JvmFigures& figures = Figures(evidence, second);
    figures.heap_used = Mi(used);
    figures.heap_committed = Mi(400);
  }
  const auto moments = Of(evidence);
  EXPECT_EQ(moments[0].heap, Mi(80));
  EXPECT_EQ(moments[1].heap, Mi(80));
  EXPECT_EQ(moments[2].heap, Mi(90));
}

TEST(Moments, WhatACollectorLeftIsOldGenerationAndSurvivors) {
  Evidence evidence = Recorded();
  Charged(evidence, 1, Mi(900));
  evidence::JvmFigures& figures = Figures(evidence, 1);
  figures.pools = {{"eden space", true, Mi(40), {}, {}},
                   {"from space", true, Mi(3), {}, {}},
                   {"tenured generation", true, Mi(18), {}, {}}};
  EXPECT_FALSE(Of(evidence)[0].heap_live);  // nothing was collected yet
  figures.collections = 1;
  EXPECT_EQ(Of(evidence)[0].heap_live, Mi(21));
  figures.heap_used_after_collection = Mi(25);
  EXPECT_EQ(Of(evidence)[0].heap_live, Mi(25));
}

TEST(Moments, RocksDbIsOfTheSampleOfThatSecond) {
  Evidence evidence = Recorded();
  for (const int second : {1, 2, 3}) Charged(evidence, second, Mi(900));
  RocksDbHeld(evidence, 1.9, Mi(200), Mi(50));
  RocksDbHeld(evidence, 3.2, Mi(10), Mi(60));  // flushed
  const auto moments = Of(evidence);
  EXPECT_EQ(moments[0].memtables, Mi(200));  // 0.9 s later is the same second
  EXPECT_EQ(moments[1].memtables, Mi(200));
  EXPECT_EQ(moments[2].memtables, Mi(10));
  EXPECT_EQ(moments[2].caches, Mi(60));
  EXPECT_FALSE(moments[2].table_readers);  // no family says
}

TEST(Moments, NoDatabaseWasOpenBeforeARecordersFirstSample) {
  Evidence evidence = Recorded();
  Charged(evidence, 1, Mi(300));
  Charged(evidence, 9, Mi(900));
  RocksDbHeld(evidence, 9, Mi(200), Mi(50));
  const auto moments = Of(evidence);
  ASSERT_EQ(moments.size(), 2u);
  EXPECT_FALSE(moments[0].memtables);
}

TEST(Moments, OfFilesAMomentThatTheScrapeDoesNotReachIsLeftOut) {
  Evidence evidence = Recorded();
  evidence.recorded = false;
  Charged(evidence, 1, Mi(880));  // what RocksDB held of it is not known
  Charged(evidence, 250, Mi(890));
  Charged(evidence, 300, Mi(900));
  RocksDbHeld(evidence, 290, Mi(200), Mi(50));
  const auto moments = Of(evidence);
  ASSERT_EQ(moments.size(), 2u);
  EXPECT_EQ(moments[0].at, seconds(250));
  EXPECT_EQ(moments[0].memtables, Mi(200));
  // Rather than nothing, such moments are taken.
  evidence.timeline.resize(1);
  EXPECT_EQ(Of(evidence).size(), 1u);
}

TEST(Moments, ANewerChargeAloneIsAMomentToo) {
  Evidence evidence = Recorded();
  Charged(evidence, 1, Mi(300), Mi(20));
  evidence.last_charge = evidence::Figure{Mi(350), At(1.4), "heartbeat"};
  const auto moments = Of(evidence);
  ASSERT_EQ(moments.size(), 2u);
  EXPECT_EQ(moments[1].working_set, Mi(330));
  EXPECT_EQ(MomentsOf(evidence, ledger::Basis::kResident).size(), 1u);
}

TEST(Moments, ReadingsOfOtherMomentsAreCutToTheWorkingSet) {
  Evidence evidence = Recorded();
  Charged(evidence, 1, Mi(200));
  HeapPages(evidence, 1, Mi(100));
  RocksDbHeld(evidence, 1, Mi(200), Mi(100));
  const sizing::Moment moment = Of(evidence).at(0);
  EXPECT_EQ(moment.heap, Mi(50));
  EXPECT_EQ(moment.memtables, Mi(100));
  EXPECT_EQ(moment.caches, Mi(50));
  EXPECT_EQ(moment.Rest(), Bytes{});
}

TEST(Moments, FamiliesWithCachesOfTheirOwnAreUnmanagedWhateverTheFileSays) {
  Evidence evidence;
  evidence.flink.emplace().rocksdb_managed = true;
  EXPECT_FALSE(RocksDbIsManaged(evidence));  // no RocksDB was seen
  evidence.flink->rocksdb = true;
  EXPECT_EQ(RocksDbIsManaged(evidence), true);
  evidence::RocksDb& rocksdb = evidence.rocksdb.emplace();
  rocksdb.families.resize(2);
  EXPECT_EQ(RocksDbIsManaged(evidence), true);  // by the file: the caches are not known
  rocksdb.families[0].cache_id = 1;
  rocksdb.families[1].cache_id = 2;
  EXPECT_EQ(RocksDbIsManaged(evidence), false);
  rocksdb.families[1].cache_id = 1;
  evidence.flink->rocksdb_managed = false;
  EXPECT_EQ(RocksDbIsManaged(evidence), true);
}

// A job of two families that was cancelled, and another in its place.
testing::RecordingBuilder Restarted(bool again) {
  using testing::kMi;
  using testing::RecordingBuilder;
  RecordingBuilder builder;
  for (std::uint64_t second = 1; second <= 30; ++second)
    builder.Charge(second, 900 * kMi).mutable_cgroup()->set_inactive_file(0);
  const auto job = [&](std::uint64_t database, std::uint64_t from, std::uint64_t memtables) {
    for (const std::uint32_t family : {0, 1})
      builder.Describe(database, family, family == 0 ? "default" : "state", 64 * kMi, 2,
                       10 * database + family);
    for (std::uint64_t second = from; second < from + 5; ++second) {
      auto& sample = builder.RocksDb(database, second);
      for (const std::uint32_t family : {0, 1})
        RecordingBuilder::Family(sample, family, family == 0 ? "default" : "state",
                                 10 * database + family, memtables * kMi);
    }
  };
  job(1, 2, 100);
  builder.recording().rocksdb_databases[1].set_closed(true);
  if (again) job(2, 26, 60);
  return builder;
}

TEST(Moments, ClosedDatabasesHeldMemoryWhileTheyWereOpen) {
  for (const bool again : {true, false}) {
    auto builder = Restarted(again);
    const Evidence evidence = evidence::EvidenceFromRecording(builder.recording(), std::nullopt);
    ASSERT_TRUE(evidence.rocksdb_over_life);
    EXPECT_EQ(evidence.rocksdb.has_value(), again);  // of the end
    const auto moments = Of(evidence);
    ASSERT_EQ(moments.size(), 30u);
    EXPECT_EQ(moments[4].memtables, Mi(200));
    // Long after it was closed, and not both together.
    if (again) {
      EXPECT_EQ(moments[28].memtables, Mi(120));
    } else {
      EXPECT_EQ(moments[20].memtables, Bytes{});
    }
    const auto families = FamiliesOf(*RocksDbOf(evidence));
    ASSERT_EQ(families.size(), 2u);
    EXPECT_EQ(families[0].databases, 1);
    EXPECT_EQ(families[0].memtables_peak, Mi(100));
    EXPECT_EQ(RocksDbIsManaged(evidence), false);
  }
}

TEST(Moments, NoneIsClosedInMostRecordings) {
  testing::RecordingBuilder builder;
  testing::RecordingBuilder::Family(builder.RocksDb(1, 2), 0, "default", 0, testing::kMi);
  EXPECT_FALSE(
      evidence::EvidenceFromRecording(builder.recording(), std::nullopt).rocksdb_over_life);
}

}  // namespace
}  // namespace wrackline::report
