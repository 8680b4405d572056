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

Made Overhead(Bytes overhead, Bytes native, Bytes direct) {
  Made made;
  made.Limit(1024 * kMiB).Total(1020 * kMiB);
  made.Line("jvm.heap", Holder::kJvm, 400 * kMiB)
      .Line("jvm.code_cache", Holder::kJvm, 40 * kMiB)
      .Line("jvm.thread_stacks", Holder::kJvm, 10 * kMiB)
      .Line("jvm.other", Holder::kJvm, 30 * kMiB)
      .Line("native.other_sites", Holder::kNative, native);
  made.Budgets().overhead = overhead;
  made.JvmFigures(1, [=](int, evidence::JvmFigures& figures) { figures.direct_used = direct; });
  return made;
}

TEST(OverheadTooSmall, AddsUpWhatItHasToCover) {
  const auto finding = Overhead(102 * kMiB, 170 * kMiB, 70 * kMiB).Look(OverheadTooSmall);
  ASSERT_TRUE(finding.has_value());
  EXPECT_EQ(finding->amount, 78 * kMiB);  // 40 + 10 + 30 + 170 - 70 - 102
  EXPECT_THAT(TextOf(*finding), HasSubstr("code cache: 40.0 MiB"));
  EXPECT_THAT(TextOf(*finding), HasSubstr("jvm-overhead.min and .max: 198m"));
  EXPECT_TRUE(finding->against.empty());
}

TEST(OverheadTooSmall, SufficientIsNone) {
  EXPECT_FALSE(Overhead(192 * kMiB, 170 * kMiB, 70 * kMiB).Look(OverheadTooSmall).has_value());
  // Borderline: 15 MiB too much.
  EXPECT_FALSE(Overhead(165 * kMiB, 170 * kMiB, 70 * kMiB).Look(OverheadTooSmall).has_value());
}

TEST(OverheadTooSmall, HeapAndRocksDbAreNotIts) {
  Made made = Overhead(192 * kMiB, 170 * kMiB, 70 * kMiB);
  made.Line("rocksdb.memtables", Holder::kRocksDb, 300 * kMiB);
  EXPECT_FALSE(made.Look(OverheadTooSmall).has_value());
}

TEST(OverheadTooSmall, SilentWithoutBudgetOrLedger) {
  Made made = Overhead(102 * kMiB, 170 * kMiB, 70 * kMiB);
  made.evidence.flink->budgets->overhead.reset();
  EXPECT_FALSE(made.Look(OverheadTooSmall).has_value());
  Made none;
  none.Budgets().overhead = 100 * kMiB;
  EXPECT_FALSE(none.Look(OverheadTooSmall).has_value());
}

TEST(OverheadTooSmall, UnknownDirectBuffersSpeakAgainstIt) {
  Made made = Overhead(102 * kMiB, 170 * kMiB, Bytes{});
  made.evidence.jvm.reset();
  EXPECT_THAT(TextOf(*made.Look(OverheadTooSmall)),
              HasSubstr("- how much of the native memory is direct"));
}
}  // namespace
}  // namespace wrackline::diagnosis
