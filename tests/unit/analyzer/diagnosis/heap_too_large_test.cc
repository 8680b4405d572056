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

Made Heap(Bytes most, Bytes held, Bytes outside) {
  Made made;
  made.Limit(1024 * kMiB).Total(held + outside);
  made.Line("jvm.heap", Holder::kJvm, held).Line("native.other_sites", Holder::kNative, outside);
  made.evidence.jvm.emplace().max_heap = most;
  return made;
}

TEST(HeapTooLarge, LargerThanTheRestLeaves) {
  const auto finding = Heap(700 * kMiB, 620 * kMiB, 400 * kMiB).Look(HeapTooLarge);
  ASSERT_TRUE(finding.has_value());
  EXPECT_EQ(finding->role, Role::kCause);
  EXPECT_EQ(finding->confidence, Confidence::kHigh);
  EXPECT_THAT(finding->summary, HasSubstr("700.0 MiB, and the rest leaves it 624.0 MiB"));
}

TEST(HeapTooLarge, FitsIsNone) {
  EXPECT_FALSE(Heap(624 * kMiB, 600 * kMiB, 400 * kMiB).Look(HeapTooLarge).has_value());
  EXPECT_FALSE(Heap(400 * kMiB, 380 * kMiB, 100 * kMiB).Look(HeapTooLarge).has_value());
}

// Reclaimable page cache gives way to the heap.
TEST(HeapTooLarge, PageCacheLeavesRoom) {
  Made made = Heap(700 * kMiB, 500 * kMiB, 200 * kMiB);
  made.Total(1020 * kMiB);
  made.ledger->lines.clear();
  made.Line("jvm.heap", Holder::kJvm, 500 * kMiB)
      .Line("native.other_sites", Holder::kNative, 200 * kMiB)
      .Line("file.page_cache", Holder::kFile, 320 * kMiB);
  EXPECT_FALSE(made.Look(HeapTooLarge).has_value());
}

TEST(HeapTooLarge, SmallHeapBesideALeakIsNotTheCause) {
  const auto finding = Heap(300 * kMiB, 120 * kMiB, 900 * kMiB).Look(HeapTooLarge);
  ASSERT_TRUE(finding.has_value());
  EXPECT_EQ(finding->role, Role::kContributor);
  EXPECT_THAT(TextOf(*finding), HasSubstr("- the heap held less than a quarter"));
}

TEST(HeapTooLarge, NearlyTheWholeLimitNeedsNoLedger) {
  Made made;
  made.Limit(1024 * kMiB);
  made.evidence.flink.emplace().max_heap = 1000 * kMiB;
  const auto finding = made.Look(HeapTooLarge);
  ASSERT_TRUE(finding.has_value());
  EXPECT_EQ(finding->role, Role::kCause);
  made.evidence.flink->max_heap = 900 * kMiB;  // borderline: 88 %
  EXPECT_FALSE(made.Look(HeapTooLarge).has_value());
}
}  // namespace
}  // namespace wrackline::diagnosis
