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

Made Process(Bytes process, Bytes limit) {
  Made made;
  made.Limit(limit).Total(limit);
  made.Budgets().process = process;
  return made;
}

TEST(LimitBelowProcess, Smaller) {
  const auto finding = Process(1728 * kMiB, 1024 * kMiB).Look(LimitBelowProcess);
  ASSERT_TRUE(finding.has_value());
  EXPECT_EQ(finding->amount, 704 * kMiB);
  EXPECT_EQ(finding->role, Role::kCause);
  EXPECT_THAT(TextOf(*finding), HasSubstr("taskmanager.memory.process.size: 1073741824b"));
}

TEST(LimitBelowProcess, EqualOrRoundedIsNone) {
  EXPECT_FALSE(Process(1024 * kMiB, 1024 * kMiB).Look(LimitBelowProcess).has_value());
  EXPECT_FALSE(Process(1024 * kMiB, 1023 * kMiB).Look(LimitBelowProcess).has_value());
  EXPECT_TRUE(Process(1024 * kMiB, 1022 * kMiB).Look(LimitBelowProcess).has_value());
}

TEST(LimitBelowProcess, NotYetFull) {
  Made made = Process(1728 * kMiB, 1024 * kMiB);
  made.Total(600 * kMiB);
  made.outcome = Outcome::kStillRunning;
  const auto finding = made.Look(LimitBelowProcess);
  EXPECT_EQ(finding->role, Role::kContributor);
  EXPECT_THAT(TextOf(*finding), HasSubstr("- 600.0 MiB were held so far"));
}

TEST(LimitBelowProcess, ByTheKernelsOrThePodsLimit) {
  Made made = Process(1728 * kMiB, 1024 * kMiB);
  made.evidence.limit.reset();
  EXPECT_FALSE(made.Look(LimitBelowProcess).has_value());
  made.evidence.pod.emplace().containers.emplace_back().memory_limit = 1024 * kMiB;
  EXPECT_TRUE(made.Look(LimitBelowProcess).has_value());
}
}  // namespace
}  // namespace wrackline::diagnosis
