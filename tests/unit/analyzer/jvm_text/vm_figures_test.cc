#include "analyzer/evidence/vm_figures.h"

#include <gtest/gtest.h>

#include "analyzer/evidence/vm_lines.h"

namespace wrackline::evidence {
namespace {

constexpr Time kNoon{std::chrono::hours(24 * 365)};

JvmFigures At(Duration after) {
  JvmFigures figures;
  figures.time = kNoon + after;
  return figures;
}

TEST(VmFigures, PartsOfOneMomentBecomeOneSet) {
  Jvm vm;
  JvmFigures heap = At({}), native = At(std::chrono::seconds(40));
  heap.heap_used = 100 * kMiB;
  native.heap_used = 90 * kMiB;
  native.native_committed = 300 * kMiB;
  AddFigures(heap, &vm);
  AddFigures(native, &vm);
  ASSERT_EQ(vm.figures.size(), 1u);
  EXPECT_EQ(vm.Last()->time, kNoon);
  EXPECT_EQ(vm.Last()->heap_used, 100 * kMiB);
  EXPECT_EQ(vm.Last()->native_committed, 300 * kMiB);
}

TEST(VmFigures, OtherMomentsStayInOrderAndTheNewestOfEachIsTheLatest) {
  Jvm vm;
  JvmFigures first = At({}), second = At(std::chrono::minutes(10)),
             third = At(std::chrono::minutes(5));
  first.native_committed = 300 * kMiB;
  first.threads = 7;
  first.heap_used = 1 * kMiB;
  second.heap_used = 2 * kMiB;
  second.file = "gc.log";
  third.heap_used = 3 * kMiB;
  third.native_committed = 310 * kMiB;
  for (const JvmFigures& figures : {first, second, third}) AddFigures(figures, &vm);
  ASSERT_EQ(vm.figures.size(), 3u);
  EXPECT_EQ(vm.figures[1].heap_used, 3 * kMiB);
  // The newest is of a text: completed, and it says how old what it was completed with is.
  EXPECT_EQ(vm.Last()->time, second.time);
  EXPECT_EQ(vm.Last()->heap_used, 2 * kMiB);
  EXPECT_EQ(vm.Last()->threads, 7u);
  EXPECT_EQ(vm.Last()->oldest, first.time);
  ASSERT_TRUE(vm.Latest().has_value());
  EXPECT_EQ(vm.Latest()->heap_used, 2 * kMiB);
  EXPECT_FALSE(Jvm{}.Latest().has_value());
}

TEST(VmFigures, AnAskedVmsNewestIsLeftAsItIs) {
  Jvm vm;
  JvmFigures inside = At(std::chrono::minutes(10)), text = At({});
  inside.heap_used = 2 * kMiB;
  text.native_committed = 300 * kMiB;
  text.file = "nmt.txt";
  AddFigures(inside, &vm);
  AddFigures(text, &vm);
  EXPECT_FALSE(vm.Last()->native_committed.has_value());
  EXPECT_EQ(vm.Latest()->native_committed, 300 * kMiB);
}

TEST(VmFigures, PoolsOfHeapAndCodeAreTwoAccounts) {
  Jvm vm;
  JvmFigures heap = At({}), code = At({});
  heap.pools = {{"eden space", true, kMiB, {}, {}}};
  code.pools = {{"CodeCache", false, kMiB, {}, {}}};
  AddFigures(heap, &vm);
  AddFigures(code, &vm);
  AddFigures(code, &vm);
  ASSERT_EQ(vm.Last()->pools.size(), 2u);
  EXPECT_EQ(vm.Last()->pools[1].name, "CodeCache");
}

TEST(VmFigures, WithoutATimeTheyAreOfTheNewestMoment) {
  Jvm vm;
  JvmFigures timeless;
  timeless.metaspace_used = 5 * kMiB;
  AddFigures(timeless, &vm);
  ASSERT_EQ(vm.figures.size(), 1u);
  AddFigures(At({}), &vm);
  AddFigures(timeless, &vm);
  EXPECT_EQ(vm.figures.size(), 2u);
  EXPECT_EQ(vm.Last()->metaspace_used, 5 * kMiB);
}

TEST(VmFigures, ASeriesIsMergedByTime) {
  Jvm vm;
  AddFigures(At(std::chrono::minutes(1)), &vm);
  AddSeries({At(std::chrono::minutes(2)), At({})}, &vm);
  ASSERT_EQ(vm.figures.size(), 3u);
  EXPECT_EQ(vm.figures[0].time, kNoon);
  EXPECT_EQ(vm.figures[2].time, kNoon + std::chrono::minutes(2));
}

TEST(VmLines, Amounts) {
  const auto amount = [](std::string_view text) { return vm_lines::TakeAmount(&text); };
  EXPECT_EQ(amount("144M"), 144 * kMiB);
  EXPECT_EQ(amount(" 320K,"), 320 * kKiB);
  EXPECT_EQ(amount("65536.50 KB"), 65536 * kKiB + Bytes{512});
  EXPECT_EQ(amount("1.5G"), kGiB + 512 * kMiB);
  EXPECT_EQ(amount("64 MiBytes"), 64 * kMiB);
  EXPECT_EQ(amount("3 bytes"), Bytes{3});
  EXPECT_EQ(amount("17 threads"), Bytes{17});
  EXPECT_EQ(amount("2 kinds"), Bytes{2});
  EXPECT_EQ(amount("72057594037927936"), Bytes{std::int64_t{1} << 56});
  EXPECT_EQ(amount("72057594037927937"), std::nullopt);
  EXPECT_EQ(amount("9223372036854775807K"), std::nullopt);
  EXPECT_EQ(amount("99999999999999999999"), std::nullopt);
  EXPECT_EQ(amount("K"), std::nullopt);
  EXPECT_EQ(amount(""), std::nullopt);
}

TEST(VmLines, Lines) {
  std::string_view text = "one\r\n\ntwo", line;
  ASSERT_TRUE(vm_lines::NextLine(&text, &line));
  EXPECT_EQ(line, "one");
  ASSERT_TRUE(vm_lines::NextLine(&text, &line));
  EXPECT_EQ(line, "");
  ASSERT_TRUE(vm_lines::NextLine(&text, &line));
  EXPECT_EQ(line, "two");
  EXPECT_FALSE(vm_lines::NextLine(&text, &line));
}

}  // namespace
}  // namespace wrackline::evidence
