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

TEST(TmpfsCounted, ATenthOrMore) {
  Made made;
  made.Limit(1024 * kMiB).Total(1020 * kMiB);
  made.Line("file.shmem", Holder::kFile, 600 * kMiB);
  const auto finding = made.Look(TmpfsCounted);
  ASSERT_TRUE(finding.has_value());
  EXPECT_EQ(finding->role, Role::kCause);
  EXPECT_THAT(TextOf(*finding), HasSubstr("emptyDir"));
}

TEST(TmpfsCounted, LittleIsNone) {
  Made made;
  made.Limit(1024 * kMiB).Total(1020 * kMiB);
  made.Line("file.shmem", Holder::kFile, 101 * kMiB);
  EXPECT_FALSE(made.Look(TmpfsCounted).has_value());
  Made tiny;
  tiny.Total(20 * kMiB).Line("file.shmem", Holder::kFile, 15 * kMiB);
  EXPECT_FALSE(tiny.Look(TmpfsCounted).has_value());
}

TEST(TmpfsCounted, ByTheKernelsReportAlone) {
  Made made;
  evidence::KernelKill& kill = made.evidence.ending.kernel_kill.emplace();
  kill.usage = 1024 * kMiB;
  kill.report.emplace().stats.emplace().shmem = 300 * kMiB;
  const auto finding = made.Look(TmpfsCounted);
  ASSERT_TRUE(finding.has_value());
  EXPECT_EQ(finding->confidence, Confidence::kHigh);
  made.evidence.jvm.emplace().collector = "ZGC";
  EXPECT_EQ(made.Look(TmpfsCounted)->confidence, Confidence::kLow);
}
}  // namespace
}  // namespace wrackline::diagnosis
