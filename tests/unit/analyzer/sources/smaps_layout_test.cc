#include "analyzer/evidence/smaps_layout.h"

#include <gtest/gtest.h>

#include "tests/unit/analyzer/sources/test_folder.h"

namespace wrackline::evidence {
namespace {

constexpr Bytes Kib(std::int64_t count) { return Bytes{count * 1024}; }

// One mapping of smaps: the amounts in KiB.
std::string Mapping(const std::string& range_and_rights, const std::string& name, int resident,
                    int anonymous, int proportional = -1) {
  return range_and_rights + " 00000000 00:00 0 " + name + "\nRss: " + std::to_string(resident) +
         " kB\nPss: " + std::to_string(proportional < 0 ? resident : proportional) +
         " kB\nAnonymous: " + std::to_string(anonymous) + " kB\n";
}

const std::string kLibJvm = Mapping("7f0000000000-7f0000100000 r-xp", "/jdk/libjvm.so", 512, 0);

// The figures beside this are nmt-end.txt's: metaspace 40,256 KiB mapped and committed, class space 6,528, code 16,128,
// heap 157,696 reserved, 68 threads.
TEST(SmapsLayout, OfARealTaskManager) {
  const Smaps smaps = ParseSmaps(Slurp(kCaptures + "managed-1g/smaps-end.txt"));
  EXPECT_EQ(smaps.mappings.size(), 417u);
  EXPECT_EQ(smaps.Resident(), Kib(588'460));
  const SmapsLayout layout = LayOut(smaps, {});
  EXPECT_TRUE(layout.java);
  EXPECT_EQ(layout.allocator, "glibc");
  EXPECT_EQ(layout.heap, Kib(124'964));
  // What was committed and touched: all of it but a few pages.
  ASSERT_TRUE(layout.metaspace && layout.class_space && layout.code_cache);
  EXPECT_LE(*layout.metaspace, Kib(40'256));
  EXPECT_GE(*layout.metaspace, Kib(39'500));
  EXPECT_LE(*layout.class_space, Kib(6'528));
  EXPECT_GE(*layout.class_space, Kib(6'000));
  EXPECT_LE(*layout.code_cache, Kib(16'128));
  EXPECT_GE(*layout.code_cache, Kib(14'000));
  // NMT counts 68 of the VM's, RocksDB has others; its figure of their stacks is 6,504 KiB committed.
  EXPECT_EQ(layout.stacks, 82u);
  EXPECT_LE(*layout.thread_stacks, Kib(6'504));
  EXPECT_EQ(layout.arena_heaps, 18u);
  EXPECT_LE(layout.arena_resident, layout.arena_mapped);
  // Nothing is in two parts.
  Bytes sum = layout.unnamed + layout.arena_resident + *layout.brk_resident;
  for (const auto& part : {layout.heap, layout.metaspace, layout.class_space, layout.code_cache,
                           layout.thread_stacks, layout.class_archive})
    sum += part.value_or(Bytes{});
  EXPECT_EQ(sum, smaps.Anonymous());
}

TEST(SmapsLayout, TheSizesOfNmtChangeNothingWhereTheShapesAreRight) {
  const Smaps smaps = ParseSmaps(Slurp(kCaptures + "managed-1g/smaps-end.txt"));
  LayoutSizes sizes;
  sizes.heap = Kib(157'696);
  sizes.metaspace = Kib(40'256);
  sizes.class_space = Kib(6'528);
  const SmapsLayout by_size = LayOut(smaps, sizes), by_shape = LayOut(smaps, {});
  EXPECT_EQ(by_size.heap, by_shape.heap);
  EXPECT_EQ(by_size.metaspace, by_shape.metaspace);
  EXPECT_EQ(by_size.class_space, by_shape.class_space);
  EXPECT_EQ(by_size.unnamed, by_shape.unnamed);
}

TEST(SmapsLayout, AddressesGoBeforeShapes) {
  const Smaps smaps =
      ParseSmaps(kLibJvm + Mapping("7f0010000000-7f0014000000 rw-p", "", 4000, 4000) +
                 Mapping("7f0020000000-7f0020100000 rw-p", "", 300, 300));
  LayoutSizes sizes;
  sizes.ranges = {{0x7f0010000000, 0x7f0014000000, LayoutRange::Kind::kHeap},
                  {0x7f0020000000, 0x7f0020100000, LayoutRange::Kind::kStack}};
  const SmapsLayout layout = LayOut(smaps, sizes);
  EXPECT_EQ(layout.heap, Kib(4000));
  EXPECT_EQ(layout.thread_stacks, Kib(300));
  EXPECT_EQ(layout.unnamed, Bytes{});
}

TEST(SmapsLayout, AHeapBeyondCompressedPointersIsKnownByItsSize) {
  // 64 GiB reserved, 40 GiB of it committed.
  const std::string text = Mapping("100000000000-100a00000000 rw-p", "", 4096, 4096) +
                           Mapping("100a00000000-101000000000 ---p", "", 0, 0) + kLibJvm;
  EXPECT_FALSE(LayOut(ParseSmaps(text), {}).heap);
  LayoutSizes sizes;
  sizes.heap = Bytes{std::int64_t{64} << 30};
  EXPECT_EQ(LayOut(ParseSmaps(text), sizes).heap, Kib(4096));
}

TEST(SmapsLayout, EachPageOfZgcsHeapCountsOnce) {
  const std::string text =
      Mapping("040000000000-040010000000 rw-s", "/memfd:java_heap (deleted)", 90'000, 0, 30'000) +
      Mapping("080000000000-080010000000 rw-s", "/memfd:java_heap (deleted)", 90'000, 0, 30'000) +
      Mapping("100000000000-100010000000 rw-s", "/memfd:java_heap (deleted)", 90'000, 0, 30'000) +
      kLibJvm;
  const SmapsLayout layout = LayOut(ParseSmaps(text), {});
  EXPECT_EQ(layout.heap_shared, Kib(90'000));
  EXPECT_FALSE(layout.heap);
}

TEST(SmapsLayout, ArenasAndStacksOfAnyProgram) {
  const std::string text =
      Mapping("55d000000000-55d000200000 rw-p", "[heap]", 1500, 1500) +
      // A heap of an arena, a full one, and a mapping of the same place and another size.
      Mapping("7f1000000000-7f1000100000 rw-p", "", 900, 900) +
      Mapping("7f1000100000-7f1004000000 ---p", "", 0, 0) +
      Mapping("7f1004000000-7f1008000000 rw-p", "", 65'536, 65'536) +
      Mapping("7f100c000000-7f100c100000 rw-p", "", 70, 70) +
      // A stack of 8 MiB, and what only looks like one: its guard is too large.
      Mapping("7f1100000000-7f1100001000 ---p", "", 0, 0) +
      Mapping("7f1100001000-7f1100801000 rw-p", "", 40, 40) +
      Mapping("7f1200000000-7f1200040000 ---p", "", 0, 0) +
      Mapping("7f1200040000-7f1200140000 rw-p", "", 50, 50) +
      Mapping("7ffc00000000-7ffc00021000 rw-p", "[stack]", 12, 12);
  const SmapsLayout layout = LayOut(ParseSmaps(text), {});
  EXPECT_FALSE(layout.java);
  EXPECT_EQ(layout.brk_resident, Kib(1500));
  EXPECT_EQ(layout.arena_heaps, 2u);
  EXPECT_EQ(layout.arena_resident, Kib(66'436));
  EXPECT_EQ(layout.stacks, 2u);
  EXPECT_EQ(layout.thread_stacks, Kib(52));
  EXPECT_EQ(layout.unnamed, Kib(120));
}

TEST(SmapsLayout, AnotherAllocatorIsKnownByItsLibrary) {
  const std::string text =
      Mapping("7f0000000000-7f0000100000 r-xp", "/usr/lib/x86_64-linux-gnu/libjemalloc.so.2", 9, 0);
  EXPECT_EQ(LayOut(ParseSmaps(text), {}).allocator, "jemalloc");
}

TEST(SmapsLayout, MappingsThatOverlapCountOnce) {
  const Smaps smaps = ParseSmaps(Mapping("7f0000000000-7f0000100000 rw-p", "", 100, 100) +
                                 Mapping("7f0000080000-7f0000180000 rw-p", "", 999, 999));
  EXPECT_EQ(smaps.mappings.size(), 1u);
  EXPECT_EQ(smaps.Resident(), Kib(100));
}

}  // namespace
}  // namespace wrackline::evidence
