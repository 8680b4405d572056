#include "analyzer/evidence/evidence.h"

#include <gtest/gtest.h>

#include <limits>

#include "analyzer/evidence/from_recording.h"
#include "analyzer/evidence/sites.h"
#include "tests/unit/analyzer/recording_builder.h"

namespace wrackline::evidence {
namespace {

using testing::kEpoch;
using testing::kMi;
using testing::kSecond;
using testing::RecordingBuilder;

Evidence Read(RecordingBuilder& builder, std::optional<Bytes> limit = std::nullopt) {
  return EvidenceFromRecording(builder.recording(), limit);
}

TEST(Evidence, MissingStaysMissing) {
  recorder::Recording empty;
  const Evidence evidence = EvidenceFromRecording(empty, std::nullopt);
  EXPECT_FALSE(evidence.limit || evidence.last_charge || evidence.peak_charge || evidence.rocksdb ||
               evidence.allocator);
  EXPECT_TRUE(evidence.sites.empty());
  EXPECT_FALSE(evidence.LastRecordAge());
}

TEST(Evidence, HeartbeatIsTheChargeNearestToTheEnd) {
  RecordingBuilder builder;
  builder.Charge(9, 100 * kMi);
  proto::Record& heartbeat = builder.recording().last_heartbeat.emplace();
  heartbeat.set_time_ns(kEpoch + 10 * kSecond);
  heartbeat.mutable_heartbeat()->set_charge(120 * kMi);
  const Evidence evidence = Read(builder);
  EXPECT_EQ(evidence.last_charge->amount, 120 * kMiB);
  EXPECT_EQ(evidence.last_charge->origin, "heartbeat");
  EXPECT_EQ(evidence.peak_charge->amount, 120 * kMiB);
}

TEST(Evidence, LimitOfTheUserWins) {
  RecordingBuilder builder;
  builder.Charge(9, 100 * kMi, 350 * kMi);
  EXPECT_EQ(Read(builder).limit->amount, 350 * kMiB);
  EXPECT_EQ(Read(builder).limit->origin, "cgroup");
  EXPECT_EQ(Read(builder, 200 * kMiB).limit->amount, 200 * kMiB);
}

TEST(Evidence, AssumedLimitOfARunWithoutOneIsNoCgroups) {
  RecordingBuilder builder;
  builder.Charge(9, 100 * kMi);
  builder.Aftermath().set_stopped_at_limit(true);
  builder.Aftermath().set_limit(90 * kMi);
  EXPECT_EQ(Read(builder).limit->amount, 90 * kMiB);
  EXPECT_EQ(Read(builder).limit->origin, "assumed");
}

TEST(Evidence, WorkingSetIsChargeLessInactiveFile) {
  RecordingBuilder builder;
  builder.Charge(1, 100 * kMi).mutable_cgroup()->set_inactive_file(30 * kMi);
  builder.Charge(2, 110 * kMi).mutable_cgroup()->set_inactive_file(60 * kMi);
  EXPECT_EQ(Read(builder).peak_working_set->amount, 70 * kMiB);
}

TEST(Evidence, StandardErrorFollowsHorvitzThompson) {
  RecordingBuilder builder;
  // p = size / weight = 1/4: variance weight^2 (1 - p) = 16 x 3/4 = 12 (MiB^2).
  builder.Live({"leak"}, kMi, 4 * kMi);
  const Evidence evidence = Read(builder);
  ASSERT_EQ(evidence.sites.size(), 1u);
  EXPECT_EQ(evidence.sites[0].live, 4 * kMiB);
  EXPECT_NEAR(static_cast<double>(evidence.sites[0].standard_error.count), 3.4641 * kMi,
              1e-3 * kMi);
}

TEST(Evidence, ALineIsTheSitesWhereAllItsStacksShareIt) {
  RecordingBuilder builder;
  builder.Live({"malloc", "leak", "main"}, kMi, kMi).Live({"malloc", "leak", "main"}, kMi, kMi);
  const auto at = [&](std::uint32_t stack, std::size_t frame, const char* file, unsigned line) {
    proto::FrameName& name =
        builder.recording().frame_names[builder.recording().stacks[stack].frames[frame]];
    name.set_file(file);
    name.set_line(line);
  };
  at(1, 1, "a.cc", 10);
  at(2, 1, "a.cc", 10);
  at(1, 2, "a.cc", 20);
  at(2, 2, "a.cc", 30);
  const Evidence evidence = Read(builder);
  ASSERT_EQ(evidence.sites.size(), 1u);
  const std::vector<SiteFrame>& frames = evidence.sites[0].frames;
  EXPECT_EQ(frames[0].line, 0u);
  EXPECT_EQ(frames[1].line, 10u);
  EXPECT_EQ(frames[1].file, "a.cc");
  EXPECT_EQ(frames[2].line, 0u);
  EXPECT_EQ(frames[2].file, "");
}

TEST(Evidence, StacksOfTheSameFunctionsAreOneSite) {
  RecordingBuilder builder;
  builder.Live({"malloc", "leak"}, kMi, kMi)
      .Live({"malloc", "leak"}, kMi, kMi)
      .Live({"malloc", "other"}, kMi, kMi);
  const Evidence evidence = Read(builder);
  ASSERT_EQ(evidence.sites.size(), 2u);
  EXPECT_EQ(evidence.sites[0].live, 2 * kMiB);
  EXPECT_EQ(evidence.sites[0].stacks.size(), 2u);
}

TEST(Evidence, LabelSkipsAllocatorsAndContainers) {
  RecordingBuilder builder;
  builder.Live({"malloc", "_Znwm", "_ZNSt6vectorIiSaIiEE7reserveEm", "_ZN3app5IndexC1Ev", "main"},
               kMi, kMi);
  const Site site = Read(builder).sites.at(0);
  EXPECT_EQ(site.frames[site.label].function, "app::Index::Index");
}

TEST(Evidence, FrameWithoutASymbolIsModuleAndOffset) {
  RecordingBuilder builder;
  builder.Live({""}, kMi, kMi);
  proto::Module& module = builder.recording().modules[1];
  module.set_id(1);
  module.set_start(0x100);
  module.set_end(0x200);
  module.set_bias(0x100);
  module.set_path("/usr/lib/libx.so.1");
  EXPECT_EQ(Read(builder).sites.at(0).frames.at(0).function, "libx.so.1+0x1");
}

TEST(Evidence, LiveObjectsWhoseStackWasLostStillCount) {
  RecordingBuilder builder;
  builder.Live({"leak"}, kMi, kMi);
  builder.recording().stacks.clear();
  EXPECT_EQ(Read(builder).sites.at(0).live, kMiB);
}

TEST(Evidence, RecentGrowthIsOfTheLastQuarter) {
  RecordingBuilder builder;  // ten seconds long
  builder.Live({"leak"}, kMi, kMi, 1000).Live({"leak"}, kMi, kMi, 9000);
  const Evidence evidence = Read(builder);
  EXPECT_EQ(evidence.recent_window, std::chrono::milliseconds(2500));
  EXPECT_EQ(evidence.sites.at(0).live_recent, kMiB);
}

// Objects are dated by the monotonic clock; the wall clock was set an hour ahead while it ran.
TEST(Evidence, AClockThatWasSetMakesNothingOld) {
  RecordingBuilder builder;
  builder.process().set_epoch_monotonic_ns(5 * testing::kSecond);
  builder.Live({"leak"}, kMi, kMi, 9000);
  proto::Record& heartbeat = builder.recording().last_heartbeat.emplace();
  heartbeat.mutable_heartbeat()->set_monotonic_ns(15 * testing::kSecond);
  builder.recording().last_time_ns += 3600 * testing::kSecond;
  const auto sites = SitesFromRecording(builder.recording(), std::chrono::milliseconds(2500));
  EXPECT_EQ(sites.at(0).live_recent, kMiB);
  EXPECT_EQ(sites.at(0).recent_samples, 1u);
  EXPECT_EQ(sites.at(0).live_by_age.back(), kMiB);
}

TEST(Evidence, AbsurdFiguresDoNotOverflow) {
  RecordingBuilder builder;
  constexpr std::uint64_t kMost = std::numeric_limits<std::uint64_t>::max();
  builder.Charge(9, kMost, kMost).mutable_allocator()->set_in_use(kMost);
  for (int i = 0; i < 100; ++i) builder.Live({"leak"}, 1, kMost, kMost);
  builder.process().set_start_time_ns(kMost);
  builder.recording().last_time_ns = kMost;
  const Evidence evidence = Read(builder);
  EXPECT_GT(evidence.sites.at(0).live.count, 0);
  EXPECT_GE(evidence.Lifetime().count(), 0);
}

TEST(Evidence, LossesThatHappenedAreListed) {
  RecordingBuilder builder;
  builder.recording().losses.set_live_table_full(3);
  const Evidence evidence = Read(builder);
  ASSERT_EQ(evidence.losses.size(), 1u);
  EXPECT_EQ(evidence.losses[0].name, "live_table_full");
  EXPECT_EQ(evidence.losses[0].count, 3u);
}

TEST(Evidence, LastRecordAgeIsFromTheWaiter) {
  RecordingBuilder builder;
  builder.Aftermath().set_end_time_ns(kEpoch + 10 * kSecond + 80'000'000);
  EXPECT_EQ(Read(builder).LastRecordAge(), std::chrono::milliseconds(80));
}

}  // namespace
}  // namespace wrackline::evidence
