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

Made Threads(double a_second, int first = 100) {
  Made made;
  made.Limit(1024 * kMiB).Total(600 * kMiB);
  made.Ticks(400, [=](int second, evidence::TimelinePoint& point) {
    point.threads = static_cast<std::uint32_t>(first + a_second * second + second * 7919 % 3);
  });
  return made;
}

TEST(ThreadLeak, GrowsAndWhoStartsThem) {
  Made made = Threads(0.5);
  evidence::MappingSite& site = made.evidence.mappings.emplace_back();
  site.kind = evidence::MappingKind::kThread;
  site.ranges = 180;
  site.resident = 30 * kMiB;
  site.frames.emplace_back().function = "com.example.Client.connect";
  const auto finding = made.Look(ThreadLeak);
  ASSERT_TRUE(finding.has_value());
  EXPECT_EQ(finding->confidence, Confidence::kHigh);
  EXPECT_EQ(finding->amount, 30 * kMiB);
  EXPECT_THAT(TextOf(*finding),
              HasSubstr("180 of the live ones were started by com.example.Client.connect"));
}

TEST(ThreadLeak, WithoutMappingsTheMakerIsNotKnown) {
  EXPECT_THAT(TextOf(*Threads(0.5).Look(ThreadLeak)),
              HasSubstr("- who starts them was not recorded"));
}

TEST(ThreadLeak, SteadyPoolsAreNone) {
  EXPECT_FALSE(Threads(0).Look(ThreadLeak).has_value());
  EXPECT_FALSE(Threads(0.04).Look(ThreadLeak).has_value());  // borderline: 16 in all
  EXPECT_FALSE(Threads(0, 3000).Look(ThreadLeak).has_value());
  EXPECT_FALSE(Made().Look(ThreadLeak).has_value());
}

Made Counted(int seconds, std::uint32_t (*threads)(int second)) {
  Made made;
  made.Limit(1024 * kMiB).Total(600 * kMiB);
  made.Ticks(seconds, [=](int second, evidence::TimelinePoint& point) {
    point.threads = threads(second) + static_cast<std::uint32_t>(second * 7919 % 3);
  });
  return made;
}

// A VM's start, and a job's half a minute later.
TEST(ThreadLeak, AStartIsNone) {
  const auto start = [](int second) { return second < 3 ? 6u : second < 25 ? 60u : 105u; };
  EXPECT_FALSE(Counted(80, start).Look(ThreadLeak).has_value());
  EXPECT_FALSE(Counted(1200, start).Look(ThreadLeak).has_value());
}

TEST(ThreadLeak, OfAShortLifeItIsSeenBehindTheStart) {
  const auto finding = Counted(120, [](int second) {
                         return 60u + static_cast<std::uint32_t>(second);
                       }).Look(ThreadLeak);
  ASSERT_TRUE(finding.has_value());
  EXPECT_THAT(finding->summary, HasSubstr("still grow"));
}
}  // namespace
}  // namespace wrackline::diagnosis
