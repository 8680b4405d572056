#include "analyzer/diagnosis/diagnosis.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <csignal>

#include "analyzer/diagnosis/rocksdb_budget.h"
#include "analyzer/evidence/from_recording.h"
#include "tests/unit/analyzer/recording_builder.h"

namespace wrackline::diagnosis {
namespace {

using ::testing::HasSubstr;
using testing::kMi;
using testing::RecordingBuilder;

Diagnosis Of(RecordingBuilder& builder) {
  const evidence::Evidence evidence =
      evidence::EvidenceFromRecording(builder.recording(), std::nullopt);
  return Diagnose(evidence, ledger::BuildLedger(evidence));
}

const Finding* Find(const Diagnosis& diagnosis, const std::string& rule) {
  const auto found = std::find_if(diagnosis.findings.begin(), diagnosis.findings.end(),
                                  [&](const Finding& finding) { return finding.rule == rule; });
  return found == diagnosis.findings.end() ? nullptr : &*found;
}

// The demo: four families of 2 x 64 MiB and 8 MiB of their own cache, killed at 350 MiB.
void FourFamilies(RecordingBuilder& builder) {
  builder.Charge(10, 350 * kMi, 350 * kMi);
  auto& sample = builder.RocksDb(1, 10);
  std::uint32_t id = 0;
  for (const char* name : {"value", "list", "map", "window"}) {
    builder.Describe(1, id, name, 64 * kMi, 2, 100 + id);
    RecordingBuilder::Family(sample, id, name, 100 + id, 75 * kMi);
    RecordingBuilder::Cache(sample, 100 + id, 8 * kMi, 0);
    ++id;
  }
}

void OomKilled(RecordingBuilder& builder) {
  builder.Aftermath().set_signal(SIGKILL);
  builder.Aftermath().set_oom_kill_before(0);
  builder.Aftermath().set_oom_kill_after(1);
}

TEST(Outcome, CounterThatMovedIsAnOomKill) {
  RecordingBuilder builder;
  builder.Charge(10, 340 * kMi, 350 * kMi);
  OomKilled(builder);
  EXPECT_EQ(Of(builder).outcome, Outcome::kOomKilled);
}

TEST(Outcome, SigkillWithoutTheCounterIsNone) {
  RecordingBuilder builder;
  builder.Charge(10, 350 * kMi, 350 * kMi);
  OomKilled(builder);
  builder.Aftermath().set_oom_kill_after(0);
  const Diagnosis diagnosis = Of(builder);
  EXPECT_EQ(diagnosis.outcome, Outcome::kKilledBySignal);
  EXPECT_THAT(diagnosis.verdict, HasSubstr("Not an OOM kill"));
  EXPECT_NE(Find(diagnosis, "not_a_kill"), nullptr);
}

TEST(Outcome, SigkillWithoutAnyCounterIsNotKnown) {
  RecordingBuilder builder;
  builder.Charge(10, 100 * kMi, 350 * kMi);
  builder.Aftermath().set_signal(SIGKILL);
  EXPECT_THAT(Of(builder).verdict, HasSubstr("who sent it is not known"));
}

TEST(Outcome, NobodyWaited) {
  RecordingBuilder at_limit, below;
  at_limit.Charge(10, 349 * kMi, 350 * kMi);
  below.Charge(10, 100 * kMi, 350 * kMi);
  EXPECT_EQ(Of(at_limit).outcome, Outcome::kProbablyOomKilled);
  EXPECT_EQ(Of(below).outcome, Outcome::kUnknown);
  EXPECT_THAT(Of(below).verdict, HasSubstr("why is not known"));
}

TEST(Outcome, CleanExitStoppedAndFailed) {
  RecordingBuilder clean, stopped, failed;
  for (RecordingBuilder* builder : {&clean, &stopped, &failed})
    builder->Charge(10, 349 * kMi, 350 * kMi);
  clean.recording().exit.emplace().mutable_exit()->set_kind(proto::Exit::CLEAN);
  stopped.recording().exit.emplace().mutable_exit()->set_kind(proto::Exit::CLEAN);
  stopped.Aftermath().set_exit_status(99);
  stopped.Aftermath().set_stopped_at_limit(true);
  failed.Aftermath().set_exit_status(3);
  EXPECT_EQ(Of(clean).outcome, Outcome::kCleanExit);
  EXPECT_THAT(Of(clean).verdict, HasSubstr("Its charge peaked at 349.0 of 350.0 MiB."));
  EXPECT_EQ(Of(stopped).outcome, Outcome::kStoppedAtLimit);
  EXPECT_EQ(Of(failed).outcome, Outcome::kEndedWithStatus);
  for (RecordingBuilder* builder : {&clean, &stopped, &failed})
    EXPECT_THAT(Of(*builder).verdict, ::testing::StartsWith("Not a kill"));
}

TEST(RocksDbUnmanaged, FourFamilies) {
  RecordingBuilder builder;
  FourFamilies(builder);
  OomKilled(builder);
  const Diagnosis diagnosis = Of(builder);
  const Finding* finding = Find(diagnosis, "rocksdb_unmanaged");
  ASSERT_NE(finding, nullptr);
  EXPECT_EQ(finding->role, Role::kCause);
  EXPECT_EQ(finding->confidence, Confidence::kHigh);
  EXPECT_THAT(
      finding->evidence.front(),
      HasSubstr("4 families x (2 x 64.0 MiB write buffers + 8.0 MiB block cache) = 544.0 MiB"));
  EXPECT_THAT(
      diagnosis.verdict,
      HasSubstr("Killed by the kernel's OOM killer at 350.0 of 350.0 MiB. RocksDB held 300.0 MiB"));
}

TEST(RocksDbUnmanaged, SilentWhenItFits) {
  RecordingBuilder builder;
  builder.Charge(10, 100 * kMi, 1000 * kMi);
  builder.Describe(1, 0, "value", 64 * kMi, 2, 7);
  RecordingBuilder::Family(builder.RocksDb(1, 10), 0, "value", 7, 50 * kMi);
  EXPECT_EQ(Find(Of(builder), "rocksdb_unmanaged"), nullptr);
}

TEST(RocksDbUnmanaged, UnknownOptionsAreNotGuessed) {
  RecordingBuilder builder;
  builder.Charge(10, 100 * kMi, 100 * kMi);
  RecordingBuilder::Family(builder.RocksDb(1, 10), 0, "value", 7, 90 * kMi);
  EXPECT_EQ(Find(Of(builder), "rocksdb_unmanaged"), nullptr);
}

TEST(RocksDbBudgetTest, AManagerChargedToTheCacheIsInsideItsCapacity) {
  RecordingBuilder builder;
  builder.Charge(10, 100 * kMi, 350 * kMi);
  auto& sample = builder.RocksDb(1, 10);
  for (std::uint32_t id = 0; id < 4; ++id) {
    builder.Describe(1, id, "f", 64 * kMi, 2, 7, 9);
    RecordingBuilder::Family(sample, id, "f", 7, kMi);
  }
  RecordingBuilder::Cache(sample, 7, 200 * kMi, 10 * kMi);
  auto& manager = *sample.add_write_buffer_managers();
  manager.set_id(9);
  manager.set_buffer_size(80 * kMi);
  manager.set_charged_to_cache(true);
  manager.set_cache_id(7);
  const auto evidence = evidence::EvidenceFromRecording(builder.recording(), std::nullopt);
  EXPECT_EQ(BudgetOf(*evidence.rocksdb).Total(), 200 * kMiB);
  EXPECT_TRUE(BudgetOf(*evidence.rocksdb).managed);
}

TEST(AllocatorRetentionTest, MoreThanATenthOfTheChargeAndAQuarterOfTheHeap) {
  RecordingBuilder builder;
  auto& allocator = *builder.Charge(10, 300 * kMi, 350 * kMi).mutable_allocator();
  allocator.set_in_use(100 * kMi);
  allocator.set_free_in_heap(150 * kMi);
  const Diagnosis diagnosis = Of(builder);
  ASSERT_NE(Find(diagnosis, "allocator_retention"), nullptr);
  EXPECT_EQ(Find(diagnosis, "allocator_retention")->confidence,
            Confidence::kMedium);  // glibc's is a bound
  allocator.set_free_in_heap(20 * kMi);
  EXPECT_EQ(Find(Of(builder), "allocator_retention"), nullptr);
}

TEST(PageCacheTest, IsNoDanger) {
  RecordingBuilder builder;
  auto& cgroup = *builder.Charge(10, 300 * kMi, 350 * kMi).mutable_cgroup();
  cgroup.set_anon(50 * kMi);
  cgroup.set_file(240 * kMi);
  builder.recording().timeline.back().mutable_timeline()->mutable_process()->set_resident(50 * kMi);
  ASSERT_NE(Find(Of(builder), "page_cache_not_danger"), nullptr);
  EXPECT_EQ(Find(Of(builder), "page_cache_not_danger")->role, Role::kInformation);
}

TEST(NativeSiteTest, CauseWhenItHeldMost) {
  RecordingBuilder builder;
  builder.Charge(10, 350 * kMi, 350 * kMi);
  OomKilled(builder);
  builder.Live({"malloc", "leak"}, 150 * kMi, 150 * kMi, 1000)
      .Live({"malloc", "leak"}, 100 * kMi, 100 * kMi, 9500);
  const Diagnosis diagnosis = Of(builder);
  const Finding* finding = Find(diagnosis, "native_site");
  ASSERT_NE(finding, nullptr);
  EXPECT_EQ(finding->role, Role::kCause);
  EXPECT_THAT(finding->evidence.back(), HasSubstr("still growing"));
  EXPECT_THAT(diagnosis.verdict,
              HasSubstr("Native code outside RocksDB held 250.0 MiB of it: leak held"));
}

TEST(UnexplainedTest, SaysThatItIsNotKnown) {
  RecordingBuilder builder;
  builder.Charge(10, 350 * kMi, 350 * kMi);
  OomKilled(builder);
  const Diagnosis diagnosis = Of(builder);
  EXPECT_NE(Find(diagnosis, "unexplained"), nullptr);
  EXPECT_THAT(diagnosis.verdict, HasSubstr("not known"));
}

TEST(NoLimitTest, IsSaid) {
  RecordingBuilder builder;
  builder.Charge(10, 350 * kMi);
  EXPECT_NE(Find(Of(builder), "no_limit"), nullptr);
}

TEST(OtherProcessesTest, ShareOfTheLimit) {
  RecordingBuilder builder;
  builder.Charge(10, 350 * kMi, 350 * kMi).mutable_process()->set_resident(100 * kMi);
  OomKilled(builder);
  ASSERT_NE(Find(Of(builder), "other_processes"), nullptr);
  EXPECT_EQ(Find(Of(builder), "other_processes")->role, Role::kCause);
}

TEST(Ranking, CausesComeFirst) {
  RecordingBuilder builder;
  FourFamilies(builder);
  OomKilled(builder);
  builder.recording().timeline.back().mutable_timeline()->mutable_cgroup()->clear_limit();
  builder.process().set_cgroup_limit(350 * kMi);
  const Diagnosis diagnosis = Of(builder);
  ASSERT_FALSE(diagnosis.findings.empty());
  EXPECT_EQ(diagnosis.findings.front().rule, "rocksdb_unmanaged");
  EXPECT_TRUE(std::is_sorted(diagnosis.findings.begin(), diagnosis.findings.end(),
                             [](const Finding& a, const Finding& b) { return a.role < b.role; }));
}

}  // namespace
}  // namespace wrackline::diagnosis
