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

Made Growing(double mib_a_second, int restart_every = 0) {
  Made made;
  made.Limit(1024 * kMiB).Total(600 * kMiB);
  made.JvmFigures(400, [=](int second, evidence::JvmFigures& figures) {
    const double grown =
        restart_every > 0 ? 20.0 * (second / restart_every) : mib_a_second * second;
    figures.metaspace_used =
        Bytes{static_cast<std::int64_t>((60 + grown) * 1048576) + (second * 7919 % 11) * 1024};
    figures.metaspace_committed = *figures.metaspace_used + kMiB;
    figures.classes_loaded = static_cast<std::uint32_t>(9000 + 100 * grown + second * 7919 % 11);
    figures.classes_unloaded = 3;
  });
  return made;
}

TEST(MetaspaceLeak, GrowsWithItsClasses) {
  const auto finding = Growing(0.2).Look(MetaspaceLeak);
  ASSERT_TRUE(finding.has_value());
  EXPECT_EQ(finding->confidence, Confidence::kHigh);
  EXPECT_EQ(finding->role, Role::kContributor);
  EXPECT_THAT(finding->summary, HasSubstr("never unloaded"));
}

TEST(MetaspaceLeak, ByJumpsOfRestarts) {
  Made made = Growing(0, 80);
  made.evidence.flink.emplace().restarts = 4;
  const auto finding = made.Look(MetaspaceLeak);
  ASSERT_TRUE(finding.has_value());
  EXPECT_THAT(TextOf(*finding), HasSubstr("4 jumps"));
  EXPECT_THAT(TextOf(*finding), HasSubstr("4 restarts of jobs logged: 20."));
}

TEST(MetaspaceLeak, SteadyOrWarmingUpIsNone) {
  EXPECT_FALSE(Growing(0).Look(MetaspaceLeak).has_value());
  EXPECT_FALSE(Growing(0.005).Look(MetaspaceLeak).has_value());  // borderline: 2 MiB in all
  EXPECT_FALSE(Made().Look(MetaspaceLeak).has_value());
}

TEST(MetaspaceLeak, SameNumberOfClassesSpeaksAgainstIt) {
  Made made = Growing(0.2);
  for (evidence::JvmFigures& figures : made.evidence.jvm->figures) figures.classes_loaded = 9000;
  const auto finding = made.Look(MetaspaceLeak);
  ASSERT_TRUE(finding.has_value());
  EXPECT_EQ(finding->confidence, Confidence::kMedium);
  EXPECT_THAT(TextOf(*finding), HasSubstr("- the number of classes does not grow"));
}
}  // namespace
}  // namespace wrackline::diagnosis
