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

Made Using(Bytes used, Bytes growth_a_second = Bytes{}) {
  Made made;
  made.Limit(1024 * kMiB).Total(1020 * kMiB);
  made.JvmFigures(100, [=](int second, evidence::JvmFigures& figures) {
    figures.direct_used = used + static_cast<std::int64_t>(second - 99) * growth_a_second;
  });
  return made;
}

void Budget(Made* made, Bytes each) {
  made->Budgets().network = each;
  made->Budgets().framework_off_heap = each;
  made->Budgets().task_off_heap = each;
}

TEST(DirectMemory, AboveItsBudgets) {
  Made made = Using(320 * kMiB);
  Budget(&made, 64 * kMiB);
  const auto finding = made.Look(DirectMemory);
  ASSERT_TRUE(finding.has_value());
  EXPECT_EQ(finding->amount, 128 * kMiB);
  EXPECT_EQ(finding->role, Role::kCause);
  EXPECT_THAT(TextOf(*finding), HasSubstr("= 192.0 MiB"));
  EXPECT_THAT(TextOf(*finding), HasSubstr("- they do not grow"));
}

TEST(DirectMemory, WithinItsBudgetsIsNone) {
  Made made = Using(192 * kMiB);  // just full
  Budget(&made, 64 * kMiB);
  EXPECT_FALSE(made.Look(DirectMemory).has_value());
  EXPECT_FALSE(Using(16 * kMiB).Look(DirectMemory).has_value());
  EXPECT_FALSE(Made().Look(DirectMemory).has_value());
}

TEST(DirectMemory, GrowingToItsBound) {
  Made made = Using(300 * kMiB, 2 * kMiB);
  made.evidence.jvm->max_direct_memory = 320 * kMiB;
  const auto finding = made.Look(DirectMemory);
  ASSERT_TRUE(finding.has_value());
  EXPECT_EQ(finding->role, Role::kContributor);
  EXPECT_THAT(TextOf(*finding), HasSubstr("they grow by"));
  Made steady = Using(300 * kMiB);
  steady.evidence.jvm->max_direct_memory = 320 * kMiB;
  EXPECT_EQ(steady.Look(DirectMemory)->role, Role::kInformation);
  steady.evidence.jvm->max_direct_memory = 600 * kMiB;
  EXPECT_FALSE(steady.Look(DirectMemory).has_value());
}

TEST(DirectMemory, OfMetrics) {
  Made made;
  made.evidence.metrics.emplace().memory.direct = 320 * kMiB;
  Budget(&made, 64 * kMiB);
  made.outcome = Outcome::kMetricsOnly;
  const auto finding = made.Look(DirectMemory);
  ASSERT_TRUE(finding.has_value());
  EXPECT_EQ(finding->role, Role::kContributor);
}
}  // namespace
}  // namespace wrackline::diagnosis
