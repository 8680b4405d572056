#include "analyzer/report/demand.h"

#include <gtest/gtest.h>

#include "analyzer/evidence/from_recording.h"
#include "tests/unit/analyzer/recording_builder.h"

namespace wrackline::report {
namespace {

using testing::kMi;
using testing::RecordingBuilder;

sizing::Demand Of(RecordingBuilder& builder) {
  const evidence::Evidence evidence =
      evidence::EvidenceFromRecording(builder.recording(), std::nullopt);
  const std::optional<sizing::Demand> demand = DemandOf(evidence, ledger::BuildLedger(evidence));
  EXPECT_TRUE(demand.has_value());
  return demand.value_or(sizing::Demand{});
}

void Second(RecordingBuilder& builder, std::uint64_t second, std::uint64_t charge,
            std::uint64_t memtables) {
  builder.Charge(second, charge * kMi, 350 * kMi).mutable_cgroup()->set_inactive_file(0);
  RecordingBuilder::Family(builder.RocksDb(1, second), 0, "default", 0, memtables * kMi);
}

TEST(Demand, OutsideRocksDbIsTheDifferenceAtThePeakWhereThatIsTheMost) {
  RecordingBuilder builder;
  Second(builder, 1, 50, 30);
  Second(builder, 2, 200, 100);
  EXPECT_EQ(Of(builder).outside_rocksdb, 100 * kMiB);
}

TEST(Demand, AFlushAtThePeakDoesNotMakeTheRestNothing) {
  RecordingBuilder builder;
  Second(builder, 1, 100, 60);
  Second(builder, 2, 120, 80);
  Second(builder, 3, 130, 200);  // the sample is from before a flush
  EXPECT_EQ(Of(builder).outside_rocksdb, 40 * kMiB);
}

TEST(Demand, WhatTheLedgerNamesIsTheLeast) {
  RecordingBuilder builder;
  Second(builder, 10, 130, 200);
  builder.Live({"malloc", "index"}, 25 * kMi, 25 * kMi);
  auto& tick = *builder.recording().timeline.back().mutable_timeline();
  tick.set_own_bytes(5 * kMi);
  tick.mutable_allocator()->set_in_use(90 * kMi);
  tick.mutable_allocator()->set_free_in_heap(40 * kMi);  // has a margin of its own
  tick.mutable_cgroup()->set_file(8 * kMi);              // page cache: reclaimable
  EXPECT_EQ(Of(builder).outside_rocksdb, 30 * kMiB);
}

TEST(Demand, IsNeverNegative) {
  RecordingBuilder builder;
  Second(builder, 1, 10, 300);
  EXPECT_EQ(Of(builder).outside_rocksdb, Bytes{});
}

TEST(Demand, SamplesFarFromATickAreNotItsMoment) {
  RecordingBuilder builder;
  builder.Charge(1, 90 * kMi, 350 * kMi).mutable_cgroup()->set_inactive_file(0);
  builder.Charge(2, 90 * kMi, 350 * kMi).mutable_cgroup()->set_inactive_file(0);
  Second(builder, 9, 100, 95);
  EXPECT_EQ(Of(builder).outside_rocksdb, 5 * kMiB);
}

TEST(Demand, AFamilyCountsTheDatabasesThatHaveIt) {
  RecordingBuilder builder;
  builder.Charge(10, 100 * kMi, 350 * kMi);
  for (const std::uint64_t database : {1, 2, 3}) {
    builder.Describe(database, 0, "default", 64 * kMi, 2, 0);
    auto& sample = builder.RocksDb(database, 10);
    RecordingBuilder::Family(sample, 0, "default", 0, kMi);
    if (database != 2) continue;
    builder.Describe(database, 1, "window", 64 * kMi, 2, 0);
    RecordingBuilder::Family(sample, 1, "window", 0, kMi);
  }
  const sizing::Demand demand = Of(builder);
  ASSERT_EQ(demand.families.size(), 2u);
  EXPECT_EQ(demand.families[0].databases, 3);
  EXPECT_EQ(demand.families[1].databases, 1);
  EXPECT_EQ(demand.databases, 3);
}

}  // namespace
}  // namespace wrackline::report
