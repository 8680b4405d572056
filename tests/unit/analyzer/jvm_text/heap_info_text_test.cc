#include "analyzer/evidence/heap_info_text.h"

#include "tests/unit/analyzer/jvm_text/sample.h"

namespace wrackline::test {
namespace {

using namespace evidence;

HeapText Text(const std::string& name, const std::string& folder) {
  const std::string text = Sample(name, folder);
  EXPECT_TRUE(IsHeapText(FileOf(name, text))) << name;
  return ParseHeapText(text);
}

TEST(HeapInfoText, OfEveryCollector) {
  for (const auto& [file, collector] :
       {std::pair("heap_info_11_g1.txt", "G1"), std::pair("heap_info_17_g1.txt", "G1"),
        std::pair("heap_info_17_parallel.txt", "Parallel"),
        std::pair("heap_info_17_serial.txt", "Serial"), std::pair("heap_info_17_z.txt", "ZGC"),
        std::pair("heap_info_17_shenandoah.txt", "Shenandoah"),
        std::pair("heap_info_25_g1.txt", "G1"), std::pair("heap_info_25_parallel.txt", "Parallel"),
        std::pair("heap_info_25_serial.txt", "Serial"), std::pair("heap_info_25_z.txt", "ZGC"),
        std::pair("heap_info_25_shenandoah.txt", "Shenandoah")}) {
    const HeapText text = Text(file, "jvm");
    EXPECT_EQ(text.collector, collector) << file;
    ASSERT_TRUE(text.figures.heap_used && text.figures.heap_committed) << file;
    // The program keeps 70 MiB of 256.
    EXPECT_GE(*text.figures.heap_used, 70 * kMiB) << file;
    EXPECT_LE(*text.figures.heap_used, *text.figures.heap_committed) << file;
    EXPECT_LE(*text.figures.heap_committed, 256 * kMiB) << file;
    // JDK 25 has metaspace in a command of its own.
    EXPECT_EQ(text.figures.metaspace_used.has_value(),
              std::string_view(file).find("_25_") == std::string_view::npos)
        << file;
  }
  EXPECT_EQ(Text("heap_info_17_z.txt", "jvm").figures.heap_max, 256 * kMiB);
  EXPECT_EQ(Text("heap_info_17_g1.txt", "jvm").ranges.at(0).category, "Java Heap");
}

TEST(HeapInfoText, Metaspace) {
  const HeapText basic = Text("metaspace_basic_25.txt", "jvm_text");
  EXPECT_EQ(basic.figures.metaspace_used, 98 * kKiB);
  EXPECT_EQ(basic.figures.metaspace_committed, 320 * kKiB);
  EXPECT_EQ(basic.figures.class_space_used, 7 * kKiB);
  EXPECT_EQ(basic.figures.class_space_committed, 128 * kKiB);
  EXPECT_EQ(basic.compressed_class_space, kGiB);
  EXPECT_FALSE(basic.max_metaspace.has_value());
  const HeapText eleven = Text("metaspace_11.txt", "jvm_text");
  EXPECT_EQ(eleven.figures.metaspace_committed, 4 * kMiB + 768 * kKiB);
  EXPECT_NEAR(static_cast<double>(eleven.figures.metaspace_used->count), 3.02 * 1024 * 1024, 1024);
  EXPECT_EQ(eleven.figures.class_space_committed, 512 * kKiB);
  EXPECT_EQ(eleven.figures.class_space_used->count / 1024, 305);
  for (const char* name : {"metaspace_17.txt", "metaspace_25.txt", "metaspace_basic_11.txt",
                           "metaspace_basic_17.txt"}) {
    const HeapText text = Text(name, "jvm_text");
    ASSERT_TRUE(text.figures.metaspace_used && text.figures.metaspace_committed) << name;
    EXPECT_LE(*text.figures.metaspace_used, *text.figures.metaspace_committed) << name;
    EXPECT_LE(*text.figures.class_space_used, *text.figures.metaspace_used) << name;
  }
}

TEST(HeapInfoText, CodeCache) {
  for (const char* name : {"codecache_11.txt", "codecache_17.txt", "codecache_25.txt"}) {
    const HeapText text = Text(name, "jvm");
    ASSERT_EQ(text.figures.pools.size(), 3u) << name;
    EXPECT_EQ(text.ranges.size(), 3u) << name;
    EXPECT_EQ(text.ranges[0].category, "Code");
    for (const JvmPool& pool : text.figures.pools) {
      EXPECT_FALSE(pool.heap);
      EXPECT_LE(pool.used, *pool.committed) << name;
      EXPECT_LE(*pool.committed, *pool.max + 64 * kKiB) << name;
    }
    EXPECT_GT(*text.reserved_code_cache, 100 * kMiB) << name;
  }
  const HeapText one = Text("codecache_17_one_heap.txt", "jvm");
  ASSERT_EQ(one.figures.pools.size(), 1u);
  EXPECT_EQ(one.reserved_code_cache, one.figures.pools[0].max);
}

TEST(HeapInfoText, Jmap) {
  const HeapText parallel = Text("jmap_25_parallel.txt", "jvm_text");
  EXPECT_EQ(parallel.figures.heap_max, 128 * kMiB);
  EXPECT_EQ(parallel.figures.heap_used, Bytes{10106176 + 4309072 + 29506664});
  EXPECT_EQ(parallel.figures.heap_committed, 128 * kMiB);
  ASSERT_EQ(parallel.figures.pools.size(), 4u);
  EXPECT_EQ(parallel.figures.pools[0].name, "Eden Space");
  EXPECT_EQ(parallel.figures.pools[3].name, "PS Old Generation");
  const HeapText g1 = Text("jmap_25_g1.txt", "jvm_text");
  EXPECT_EQ(g1.figures.heap_used, Bytes{85179064});
  EXPECT_EQ(g1.figures.heap_committed, 128 * kMiB);
}

TEST(HeapInfoText, FiguresThatNoMachineHasAreNone) {
  std::string text = "Heap Usage:\nNew Generation\n";
  for (int i = 0; i < 70; ++i)
    text += "Space " + std::to_string(i) +
            ":\n   capacity = 8000000000000000000 (7PB)\n   used = 36028797018963968 (32PB)\n";
  for (int i = 0; i < 200; ++i) text += "CodeHeap 'a': size=36028797018963968 used=1Kb\n";
  const auto heap = ParseHeapText(text);
  EXPECT_EQ(heap.figures.heap_used, 64 * Bytes{std::int64_t{1} << 55});
  EXPECT_EQ(heap.figures.heap_committed, Bytes{});
}

TEST(HeapInfoText, AHistogramIsRecognisedOnly) {
  const std::string text = Sample("class_histogram_17.txt");
  ASSERT_TRUE(IsHeapText(FileOf("histogram.txt", text)));
  Evidence evidence;
  const auto said = AddHeapInfo(FileOf("histogram.txt", text), &evidence);
  ASSERT_TRUE(said.ok());
  EXPECT_THAT(said.value(), ::testing::HasSubstr("of live objects by class"));
  EXPECT_FALSE(evidence.jvm.has_value());
}

TEST(HeapInfoText, SeveralCommandsBecomeOneSetOfFigures) {
  Evidence evidence;
  for (const char* name : {"heap_info_25_g1.txt", "metaspace_basic_25.txt", "codecache_25.txt"}) {
    const std::string text = Sample(name, "jvm");
    ASSERT_TRUE(AddHeapInfo(FileOf(name, text), &evidence).ok()) << name;
  }
  ASSERT_TRUE(evidence.jvm.has_value());
  EXPECT_EQ(evidence.jvm->origin, "jcmd");
  EXPECT_EQ(evidence.jvm->collector, "G1");
  ASSERT_EQ(evidence.jvm->figures.size(), 1u);
  EXPECT_TRUE(evidence.jvm->Last()->heap_used && evidence.jvm->Last()->metaspace_used);
  EXPECT_EQ(evidence.jvm->ranges.size(), 4u);
}

TEST(HeapInfoText, OthersAreNotTaken) {
  for (const char* text : {"", "Metaspace is full\n", "garbage-first heap is what we use\n",
                           "[0.1s][info][gc,heap,exit] Heap\n"}) {
    EXPECT_FALSE(IsHeapText(FileOf("a", text))) << text;
  }
  EXPECT_FALSE(IsHeapText(FileOf("nmt.txt", Sample("nmt_17_summary.txt"))));
  EXPECT_FALSE(IsHeapText(FileOf("hs_err", Sample("hs_err/segv_17.log"))));
  Evidence evidence;
  EXPECT_FALSE(AddHeapInfo(FileOf("a", "CodeHeap 'x': size=?"), &evidence).ok());
}

}  // namespace
}  // namespace wrackline::test
