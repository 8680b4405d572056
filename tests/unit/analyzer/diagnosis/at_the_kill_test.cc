#include "analyzer/report/at_the_kill.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <nlohmann/json.hpp>

#include "analyzer/evidence/from_recording.h"
#include "analyzer/render/json.h"
#include "analyzer/render/text.h"
#include "tests/unit/analyzer/diagnosis/look.h"
#include "tests/unit/analyzer/recording_builder.h"

namespace wrackline::report {
namespace {

using diagnosis::Outcome;
using evidence::Evidence;
using ::testing::HasSubstr;
using testing::kMi;
using testing::RecordingBuilder;

// 15 minutes, a tick in 5 s: RocksDB grows by 1 MiB in 5 s, everything else by a quarter of that.
void Fill(RecordingBuilder& builder) {
  builder.Describe(1, 0, "state", 64 * kMi, 2, 100);
  for (std::uint64_t second = 0; second <= 900; second += 5) {
    const std::uint64_t rocksdb = (100 + second / 5) * kMi;
    auto& tick = builder.Charge(second, rocksdb + (200 + second / 20) * kMi, 700 * kMi);
    tick.mutable_cgroup()->set_pgmajfault(second < 860 ? second / 30 : 28 + (second - 860) * 40);
    tick.mutable_cgroup()->set_limit_hits(second < 860 ? 0 : (second - 860) * 5);
    tick.mutable_pressure()->set_of_cgroup(true);
    tick.mutable_pressure()->set_some_avg10(second < 860 ? 10 : 4000);
    tick.mutable_pressure()->set_full_avg10(second < 860 ? 0 : 2350);
    auto& sample = builder.RocksDb(1, second);
    RecordingBuilder::Family(sample, 0, "state", 100, rocksdb);
  }
  builder.recording().last_time_ns = testing::kEpoch + 900 * testing::kSecond;
  builder.Aftermath().set_signal(SIGKILL);
  builder.Aftermath().set_oom_kill_before(0);
  builder.Aftermath().set_oom_kill_after(1);
  builder.Aftermath().set_end_time_ns(testing::kEpoch + 900 * testing::kSecond + 80'000'000);
}

const GrowthRow* Row(const AtTheKill& kill, const std::string& id) {
  for (const GrowthRow& row : kill.growth) {
    if (row.id == id) return &row;
  }
  return nullptr;
}

TEST(AtTheKill, WhoGrewAndHowMuch) {
  RecordingBuilder builder;
  Fill(builder);
  const Evidence evidence = evidence::EvidenceFromRecording(builder.recording(), std::nullopt);
  const auto kill = AtTheKillOf(evidence, Outcome::kOomKilled);
  ASSERT_TRUE(kill.has_value());
  const GrowthRow* rocksdb = Row(*kill, "rocksdb");
  ASSERT_NE(rocksdb, nullptr);
  EXPECT_EQ(rocksdb->now, 280 * kMiB);
  EXPECT_EQ(rocksdb->minute, 12 * kMiB);
  EXPECT_EQ(rocksdb->ten_minutes, 120 * kMiB);
  EXPECT_FALSE(rocksdb->hour.has_value());
  EXPECT_EQ(rocksdb->whole, 180 * kMiB);
  const GrowthRow* rest = Row(*kill, "anon.rest");
  ASSERT_NE(rest, nullptr);
  EXPECT_EQ(rest->ten_minutes, 30 * kMiB);
  ASSERT_TRUE(kill->grew_most.has_value());
  EXPECT_EQ(kill->growth[*kill->grew_most].id, "rocksdb");
  EXPECT_EQ(kill->grew_over, std::chrono::minutes(10));
  EXPECT_EQ(kill->last_record_age, std::chrono::milliseconds(80));
}

TEST(AtTheKill, ReclaimThrash) {
  RecordingBuilder builder;
  Fill(builder);
  const Evidence evidence = evidence::EvidenceFromRecording(builder.recording(), std::nullopt);
  const auto kill = AtTheKillOf(evidence, Outcome::kOomKilled);
  ASSERT_TRUE(kill->reclaim.has_value());
  const Reclaim& reclaim = *kill->reclaim;
  EXPECT_TRUE(reclaim.thrash);
  EXPECT_EQ(reclaim.window, std::chrono::seconds(60));
  EXPECT_EQ(reclaim.major_faults, 28u + 40 * 40 - 28);
  EXPECT_EQ(reclaim.limit_hits, 200u);
  EXPECT_NEAR(*reclaim.pressure_full, 23.5, 1e-9);
  EXPECT_NEAR(*reclaim.major_faults_before, 2, 0.1);
}

// RocksDB is sampled between the ticks and grows fast: what is left of anonymous memory does not.
TEST(AtTheKill, TheRestIsOfTheSameMoment) {
  RecordingBuilder builder;
  builder.Describe(1, 0, "state", 64 * kMi, 2, 100);
  for (std::uint64_t second = 0; second <= 20; second += 2) {
    builder.Charge(second, (50 + 30 * second) * kMi, 700 * kMi);
    RecordingBuilder::Family(builder.RocksDb(1, second + 1), 0, "state", 100,
                             30 * (second + 1) * kMi);
  }
  const Evidence evidence = evidence::EvidenceFromRecording(builder.recording(), std::nullopt);
  const auto kill = AtTheKillOf(evidence, Outcome::kOomKilled);
  const GrowthRow* rest = Row(*kill, "anon.rest");
  ASSERT_NE(rest, nullptr);
  EXPECT_EQ(rest->now, 50 * kMiB);
  EXPECT_EQ(rest->whole, Bytes{});
}

TEST(AtTheKill, WithoutANameItIsTheProcesssOwn) {
  RecordingBuilder builder;
  for (std::uint64_t second = 0; second <= 20; ++second)
    builder.Charge(second, (50 + 30 * second) * kMi, 700 * kMi);
  const Evidence evidence = evidence::EvidenceFromRecording(builder.recording(), std::nullopt);
  const auto kill = AtTheKillOf(evidence, Outcome::kOomKilled);
  ASSERT_TRUE(kill->grew_most.has_value());
  EXPECT_EQ(kill->growth[*kill->grew_most].id, "process_anon");
  EXPECT_EQ(Row(*kill, "anon.rest"), nullptr);
}

// As many faults before as at the end: it always reads its files so.
TEST(AtTheKill, SteadyFaultsAreNoThrash) {
  RecordingBuilder builder;
  for (std::uint64_t second = 0; second <= 900; second += 5)
    builder.Charge(second, 300 * kMi, 700 * kMi).mutable_cgroup()->set_pgmajfault(second * 20);
  const Evidence evidence = evidence::EvidenceFromRecording(builder.recording(), std::nullopt);
  const auto kill = AtTheKillOf(evidence, Outcome::kOomKilled);
  ASSERT_TRUE(kill->reclaim.has_value());
  EXPECT_EQ(kill->reclaim->major_faults, 1200u);
  EXPECT_FALSE(kill->reclaim->thrash);
  EXPECT_FALSE(kill->grew_most.has_value());
}

TEST(AtTheKill, OnlyOfKills) {
  RecordingBuilder builder;
  Fill(builder);
  const Evidence evidence = evidence::EvidenceFromRecording(builder.recording(), std::nullopt);
  for (const Outcome outcome :
       {Outcome::kCleanExit, Outcome::kStillRunning, Outcome::kNotMemory, Outcome::kMetricsOnly})
    EXPECT_FALSE(AtTheKillOf(evidence, outcome).has_value());
}

TEST(AtTheKill, KernelsReportAlone) {
  Evidence evidence;
  evidence::KernelKill& kill = evidence.ending.kernel_kill.emplace();
  kill.pid = 4242;
  kill.name = "java";
  kill.of_cgroup = true;
  kill.anon_rss = 1015 * kMiB;
  evidence::OomReport& oom = kill.report.emplace();
  oom.constraint = evidence::OomConstraint::kCgroup;
  oom.invoker = "C2 CompilerThre";
  oom.usage = oom.limit = 1024 * kMiB;
  oom.oom_cgroup = "/kubepods/podabc";
  oom.task_cgroup = "/kubepods/podabc/cafe";
  oom.stats.emplace().anon = 1010 * kMiB;
  oom.stats->major_faults = 1772;
  const Report report = BuildReport(evidence, std::nullopt);
  const std::string text = render::RenderText(report, {.width = 200});
  EXPECT_THAT(text, HasSubstr("At the kill"));
  EXPECT_THAT(text, HasSubstr("process 4242 (java): anonymous 1015.0 MiB"));
  EXPECT_THAT(text, HasSubstr("1772 major faults"));
  EXPECT_THAT(text, HasSubstr("which is above the process's own /kubepods/podabc/cafe"));
  EXPECT_THAT(text,
              HasSubstr("C2 CompilerThre, asked for the page that was too many: that is chance"));
  const auto json = nlohmann::json::parse(render::RenderJson(report));
  EXPECT_EQ(json["at_the_kill"]["kernel"]["named_by_chance"], "C2 CompilerThre");
  EXPECT_EQ(json["at_the_kill"]["kernel"]["constraint"], "cgroup");
  EXPECT_TRUE(json["at_the_kill"]["growth"].empty());
}

TEST(AtTheKill, IsInTheReport) {
  RecordingBuilder builder;
  Fill(builder);
  const Report report =
      BuildReport(evidence::EvidenceFromRecording(builder.recording(), std::nullopt), std::nullopt);
  for (const std::size_t width : {60, 80, 160}) {
    const std::string text = render::RenderText(report, {.width = width});
    EXPECT_THAT(text, HasSubstr("What grew most in the last 10 minutes: RocksDB"));
    EXPECT_THAT(text, HasSubstr("Reclaim thrash in the last"));
    EXPECT_THAT(text, HasSubstr("+12.0 MiB"));
  }
  const auto json = nlohmann::json::parse(render::RenderJson(report));
  EXPECT_EQ(json["at_the_kill"]["grew_most"]["id"], "rocksdb");
  EXPECT_EQ(json["at_the_kill"]["reclaim"]["thrash"], true);
  EXPECT_FALSE(json.contains("time_to_limit"));
}

}  // namespace
}  // namespace wrackline::report
