// A kill by a real cgroup v2 (tests/data/recordings/README.md).
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "analyzer/evidence/from_recording.h"
#include "analyzer/report/report.h"
#include "lib/recorder/reader.h"

namespace wrackline {
namespace {

constexpr const char* kRecording = WRACKLINE_TEST_DATA "/recordings/grower_killed_v2.wrackpack";

TEST(V2Recording, HoldsWhatV2TellsOfAContainer) {
  const Result<recorder::Recording> read = recorder::ReadRecording(kRecording);
  ASSERT_TRUE(read.ok());
  const recorder::Recording& recording = read.value();
  ASSERT_TRUE(recording.process.has_value());
  EXPECT_EQ(recording.process->cgroup_version(), 2u);
  EXPECT_EQ(recording.process->cgroup_limit(), 134217728u);
  ASSERT_FALSE(recording.timeline.empty());
  const proto::TimelineSample& last = recording.timeline.back().timeline();
  EXPECT_TRUE(last.pressure().of_cgroup());
  EXPECT_TRUE(last.pressure().has_some_total_us());
  EXPECT_TRUE(last.cgroup().has_kernel());
  EXPECT_TRUE(last.cgroup().has_sock());
  // anon, file, kernel and sock are the charge, but for the stock of 64 pages of each of the CPUs
  // and figures read one after the other.
  const auto sum = static_cast<std::int64_t>(last.cgroup().anon() + last.cgroup().file() +
                                             last.cgroup().kernel() + last.cgroup().sock());
  EXPECT_NEAR(static_cast<double>(sum), static_cast<double>(last.cgroup().charge()), 1 << 20);
}

TEST(V2Recording, WasKilledByTheKernelAtItsLimit) {
  Result<evidence::Evidence> evidence = evidence::ReadEvidence(kRecording, std::nullopt);
  ASSERT_TRUE(evidence.ok());
  const report::Report report = report::BuildReport(std::move(evidence.value()), std::nullopt);
  EXPECT_EQ(report.diagnosis.outcome, diagnosis::Outcome::kOomKilled);
  ASSERT_TRUE(report.evidence.limit);
  EXPECT_EQ(report.evidence.limit->amount.count, 134217728);
  ASSERT_TRUE(report.evidence.peak_charge);
  EXPECT_EQ(report.evidence.peak_charge->amount.count, 134217728);
  EXPECT_EQ(report.evidence.ending.oom_kill_after, 1u);
  ASSERT_TRUE(report.evidence.ending.kernel_kill);
  EXPECT_EQ(report.evidence.ending.kernel_kill->pid, report.evidence.process.pid);
  ASSERT_TRUE(report.evidence.LastRecordAge());
  EXPECT_LT(*report.evidence.LastRecordAge(), std::chrono::milliseconds(500));
  ASSERT_TRUE(report.ledger);
  EXPECT_LE(std::abs(report.ledger->unexplained.count) * 20, report.ledger->total.count);
  ASSERT_FALSE(report.evidence.sites.empty());
  const evidence::Site& top = report.evidence.sites.front();
  EXPECT_EQ(top.frames[top.label].function, "ShimTargetAllocate");
}

}  // namespace
}  // namespace wrackline
