#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "analyzer/diagnosis/rules.h"
#include "tests/unit/analyzer/diagnosis/look.h"

namespace wrackline::diagnosis {
namespace {

using ledger::Holder;
using ::testing::HasSubstr;
using testing::Made;
using testing::TextOf;

Made Report(Bytes victim, Bytes neighbour, const char* oom_cgroup = "/pod/main") {
  Made made;
  evidence::KernelKill& kill = made.evidence.ending.kernel_kill.emplace();
  kill.pid = 100;
  kill.name = "java";
  kill.usage = kill.limit = 1024 * kMiB;
  evidence::OomReport& report = kill.report.emplace();
  report.constraint = evidence::OomConstraint::kCgroup;
  report.oom_cgroup = oom_cgroup;
  report.task_cgroup = "/pod/main";
  report.limit = 1024 * kMiB;
  report.tasks.resize(2);
  report.tasks[0] = {100, "java", {}, victim, {}, victim, {}, {}, {}, {}};
  report.tasks[1] = {200, "fluentd", {}, neighbour, {}, neighbour, {}, {}, {}, {}};
  return made;
}

TEST(NeighbourInThePod, AnotherContainerUnderThePodsLimit) {
  const auto finding = Report(300 * kMiB, 700 * kMiB, "/pod").Look(NeighbourInThePod);
  ASSERT_TRUE(finding.has_value());
  EXPECT_EQ(finding->role, Role::kCause);
  EXPECT_EQ(finding->confidence, Confidence::kHigh);
  EXPECT_THAT(finding->summary, HasSubstr("fluentd 700.0 MiB"));
  EXPECT_THAT(TextOf(*finding), HasSubstr("the pod's as a whole"));
}

TEST(NeighbourInThePod, AChildBesideALargerVictim) {
  const auto finding = Report(800 * kMiB, 200 * kMiB).Look(NeighbourInThePod);
  ASSERT_TRUE(finding.has_value());
  EXPECT_EQ(finding->role, Role::kContributor);
  EXPECT_EQ(finding->confidence, Confidence::kMedium);
  EXPECT_THAT(TextOf(*finding), HasSubstr("- the killed process held more"));
}

TEST(NeighbourInThePod, AShellBesideItIsNone) {
  EXPECT_FALSE(Report(1000 * kMiB, 3 * kMiB).Look(NeighbourInThePod).has_value());
  EXPECT_FALSE(Report(900 * kMiB, 102 * kMiB).Look(NeighbourInThePod).has_value());
}

// The table of a machine without memory lists everybody on it.
TEST(NeighbourInThePod, SilentOfTheMachinesOwnEnd) {
  Made made = Report(300 * kMiB, 700 * kMiB);
  made.evidence.ending.kernel_kill->report->constraint = evidence::OomConstraint::kMachine;
  EXPECT_FALSE(made.Look(NeighbourInThePod).has_value());
}
}  // namespace
}  // namespace wrackline::diagnosis
