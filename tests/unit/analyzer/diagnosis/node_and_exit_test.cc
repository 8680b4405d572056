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

evidence::ContainerStatus& Container(Made* made, const char* reason, int code) {
  evidence::ContainerStatus& container = made->evidence.pod.emplace().containers.emplace_back();
  container.name = "flink-main-container";
  container.end.emplace().reason = reason;
  container.end->exit_code = code;
  return container;
}

TEST(NodeOom, KilledBecauseOfTheMachine) {
  Made made;
  made.outcome = Outcome::kNodeOutOfMemory;
  made.evidence.ending.kernel_kill.emplace().anon_rss = 900 * kMiB;
  const auto finding = made.Look(NodeOom);
  ASSERT_TRUE(finding.has_value());
  EXPECT_EQ(finding->role, Role::kCause);
  EXPECT_EQ(finding->amount, 900 * kMiB);
}

TEST(NodeOom, EvictedOverItsRequest) {
  Made made;
  evidence::ContainerStatus& container = Container(&made, "Error", 137);
  container.memory_request = 512 * kMiB;
  container.memory_limit = 4096 * kMiB;
  made.evidence.pod->offending_containers = "flink-main-container";
  made.evidence.pod->offending_usage = "3000Mi";
  made.outcome = Outcome::kEvicted;
  const auto finding = made.Look(NodeOom);
  ASSERT_TRUE(finding.has_value());
  EXPECT_THAT(TextOf(*finding), HasSubstr("flink-main-container (3000Mi)"));
  EXPECT_THAT(TextOf(*finding), HasSubstr("a memory request of 4.00 GiB"));
}

TEST(NodeOom, PressureBesideAKillAtThePodsLimitIsForInformation) {
  Made made;
  made.Limit(1024 * kMiB);
  Container(&made, "OOMKilled", 137);
  EXPECT_FALSE(made.Look(NodeOom).has_value());
  evidence::PodEvent& event = made.evidence.pod->events.emplace_back();
  event.reason = "NodeHasInsufficientMemory";
  const auto finding = made.Look(NodeOom);
  ASSERT_TRUE(finding.has_value());
  EXPECT_EQ(finding->role, Role::kInformation);
  EXPECT_THAT(TextOf(*finding), HasSubstr("- the kernel killed at the pod's own limit"));
}

TEST(Exit137NotOom, ProbeFarFromTheLimit) {
  Made made;
  made.Limit(1024 * kMiB).Total(300 * kMiB);
  Container(&made, "Error", 137);
  evidence::PodEvent& event = made.evidence.pod->events.emplace_back();
  event.reason = "Killing";
  event.message = "Container flink-main-container failed liveness probe, will be restarted";
  made.outcome = Outcome::kNotMemory;
  const auto finding = made.Look(Exit137NotOom);
  ASSERT_TRUE(finding.has_value());
  EXPECT_EQ(finding->confidence, Confidence::kHigh);
  EXPECT_THAT(finding->summary, HasSubstr("Exit code 137, and no OOM kill"));
  EXPECT_THAT(TextOf(*finding), HasSubstr("failureThreshold"));
  made.Total(1000 * kMiB);
  EXPECT_EQ(made.Look(Exit137NotOom)->confidence, Confidence::kMedium);
}

TEST(Exit137NotOom, CodeAloneIsNotKnown) {
  Made made;
  Container(&made, "Error", 137);
  made.outcome = Outcome::kUnknown;
  const auto finding = made.Look(Exit137NotOom);
  ASSERT_TRUE(finding.has_value());
  EXPECT_EQ(finding->role, Role::kInformation);
  EXPECT_EQ(finding->confidence, Confidence::kLow);
  EXPECT_THAT(TextOf(*finding), HasSubstr("- how full its memory was is not known"));
}

TEST(Exit137NotOom, SilentOfOtherEnds) {
  Made made;
  Container(&made, "OOMKilled", 137);
  EXPECT_FALSE(made.Look(Exit137NotOom).has_value());
  made.outcome = Outcome::kUnknown;
  made.evidence.pod->containers[0].end->exit_code = 1;
  EXPECT_FALSE(made.Look(Exit137NotOom).has_value());
}

TEST(ChildKilledContainerLived, SaysHowToEndTogether) {
  Made made;
  Container(&made, "OOMKilled", 0);
  made.outcome = Outcome::kOomKilledContainerLived;
  const auto finding = made.Look(ChildKilledContainerLived);
  ASSERT_TRUE(finding.has_value());
  EXPECT_THAT(TextOf(*finding), HasSubstr("exec"));
  EXPECT_THAT(TextOf(*finding), HasSubstr("- the kernel's log is not here"));
  made.outcome = Outcome::kOomKilled;
  EXPECT_FALSE(made.Look(ChildKilledContainerLived).has_value());
}
}  // namespace
}  // namespace wrackline::diagnosis
