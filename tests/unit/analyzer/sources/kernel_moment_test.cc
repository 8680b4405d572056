#include "analyzer/evidence/kernel_moment.h"

#include <gtest/gtest.h>

#include "analyzer/evidence/evidence_folder.h"
#include "tests/unit/analyzer/sources/test_folder.h"

namespace wrackline::evidence {
namespace {

constexpr Bytes Mib(std::int64_t count) { return Bytes{count << 20}; }

KernelKill Kill() {
  KernelKill kill;
  kill.pid = 7;
  kill.usage = Mib(1024);
  kill.limit = Mib(1024);
  kill.anon_rss = Mib(1000);
  kill.file_rss = Mib(3);
  kill.shmem_rss = Mib(1);
  kill.report.emplace();
  kill.report->stats.emplace();
  kill.report->stats->anon = Mib(1002);
  kill.report->stats->file = Mib(9);
  return kill;
}

TEST(KernelMoment, IsTheLastPointOfATimelineWithoutARecording) {
  Evidence evidence = FromFilesOnly("x");
  TimelinePoint before;
  before.time = At(60);
  before.charge = Mib(900);
  evidence.timeline.push_back(before);
  evidence.ending.kernel_kill = Kill();
  AddKernelMoment(At(0), &evidence);
  ASSERT_EQ(evidence.timeline.size(), 2u);
  const TimelinePoint& point = evidence.timeline[1];
  EXPECT_GT(point.time, At(60));
  EXPECT_EQ(point.charge, Mib(1024));
  EXPECT_EQ(point.anon, Mib(1002));
  EXPECT_EQ(point.resident, Mib(1004));
  EXPECT_EQ(point.ProcessAnonymous(), Mib(1000));
  EXPECT_EQ(evidence.limit->amount, Mib(1024));
  EXPECT_EQ(evidence.last_charge->amount, Mib(1024));
}

TEST(KernelMoment, ARecordingsLastTickStays) {
  Evidence recorded;
  recorded.ending.kernel_kill = Kill();
  AddKernelMoment(At(0), &recorded);
  EXPECT_TRUE(recorded.timeline.empty());
}

TEST(KernelMoment, AMeasuredLimitStays) {
  Evidence evidence = FromFilesOnly("x");
  evidence.limit = Figure{Mib(2048), At(0), "cgroup"};
  evidence.ending.kernel_kill = Kill();
  AddKernelMoment(At(0), &evidence);
  EXPECT_EQ(evidence.limit->amount, Mib(2048));
  evidence.limit = Figure{Mib(2048), At(0), "manifest"};
  AddKernelMoment(At(0), &evidence);
  EXPECT_EQ(evidence.limit->amount, Mib(1024));
}

TEST(KernelMoment, AReportWithoutFiguresGivesNoPoint) {
  Evidence evidence = FromFilesOnly("x");
  evidence.ending.kernel_kill = KernelKill{};
  AddKernelMoment(At(0), &evidence);
  EXPECT_TRUE(evidence.timeline.empty());
}

}  // namespace
}  // namespace wrackline::evidence
