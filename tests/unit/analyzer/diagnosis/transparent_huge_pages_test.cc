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

Made Huge(Bytes huge, Bytes heap, Bytes loose) {
  Made made;
  made.Limit(1024 * kMiB).Total(1000 * kMiB);
  made.Line("jvm.heap", Holder::kJvm, heap)
      .Line("native.other_sites", Holder::kNative, 1000 * kMiB - heap - loose);
  made.Ticks(1, [=](int, evidence::TimelinePoint& point) {
    point.anon = 950 * kMiB;
    point.anon_thp = huge;
  });
  return made;
}

TEST(TransparentHugePages, WithMuchThatNobodyHolds) {
  const auto finding = Huge(600 * kMiB, 200 * kMiB, 250 * kMiB).Look(TransparentHugePages);
  ASSERT_TRUE(finding.has_value());
  EXPECT_EQ(finding->role, Role::kContributor);
  EXPECT_EQ(finding->confidence, Confidence::kMedium);
  EXPECT_EQ(finding->amount, 250 * kMiB);
}

TEST(TransparentHugePages, OfAFullHeapIsForInformation) {
  const auto finding = Huge(600 * kMiB, 580 * kMiB, 20 * kMiB).Look(TransparentHugePages);
  ASSERT_TRUE(finding.has_value());
  EXPECT_EQ(finding->role, Role::kInformation);
  EXPECT_EQ(finding->confidence, Confidence::kLow);
  EXPECT_THAT(TextOf(*finding), HasSubstr("- 580.0 MiB are Java heap"));
}

TEST(TransparentHugePages, FewAreNone) {
  EXPECT_FALSE(Huge(230 * kMiB, 200 * kMiB, 250 * kMiB).Look(TransparentHugePages).has_value());
  EXPECT_FALSE(Huge(Bytes{}, 200 * kMiB, 250 * kMiB).Look(TransparentHugePages).has_value());
  EXPECT_FALSE(Made().Look(TransparentHugePages).has_value());
}
}  // namespace
}  // namespace wrackline::diagnosis
