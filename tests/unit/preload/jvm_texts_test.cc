// The texts in tests/data/jvm were written by real VMs: JDK 11, 17 and 25 with -Xmx256m, a program that keeps 70 MiB.
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <string>

#include "lib/jvm/perf_data.h"
#include "preload/jvm/heap_info.h"
#include "preload/jvm/native_memory.h"
#include "preload/jvm/perf_memory.h"
#include "preload/jvm/vm_ranges.h"

namespace wrackline::preload {
namespace {

constexpr std::uint64_t kKi = 1024, kMi = 1024 * 1024;

std::string Data(const std::string& name) {
  std::ifstream file(std::string(WRACKLINE_TEST_DATA) + "/jvm/" + name, std::ios::binary);
  EXPECT_TRUE(file.good()) << name;
  return {std::istreambuf_iterator<char>(file), {}};
}

HeapInfo Heap(const std::string& name) {
  const std::string text = Data(name);
  return ParseHeapInfo(text.data(), text.size());
}

const HeapPart* Part(const HeapInfo& info, const std::string& name) {
  for (int i = 0; i < info.part_count; ++i) {
    if (info.parts[i].name == name) return &info.parts[i];
  }
  return nullptr;
}

TEST(HeapInfo, G1) {
  const HeapInfo info = Heap("heap_info_17_g1.txt");
  EXPECT_EQ(info.used, 144889 * kKi);
  EXPECT_EQ(info.committed, 262144 * kKi);
  EXPECT_EQ(info.metaspace_used, 79 * kKi);
  EXPECT_EQ(info.metaspace_committed, 320 * kKi);
  EXPECT_EQ(info.metaspace_reserved, 1114112 * kKi);
  EXPECT_EQ(info.class_space_used, 3 * kKi);
  EXPECT_EQ(info.class_space_committed, 128 * kKi);
  ASSERT_EQ(info.range_count, 1);
  EXPECT_EQ(info.ranges[0].start, 0xf0000000u);
  EXPECT_EQ(info.ranges[0].end, 0x100000000u);
  ASSERT_NE(Part(info, "old and humongous"), nullptr);
  EXPECT_EQ(Part(info, "eden")->used, kMi);
  EXPECT_EQ(Part(info, "survivors")->used, 0u);
  EXPECT_EQ(Part(info, "old and humongous")->used, 143865 * kKi);
}

TEST(HeapInfo, G1OfTheNewestVersionNamesWhatIsReservedFirst) {
  const HeapInfo info = Heap("heap_info_25_g1.txt");
  EXPECT_EQ(info.used, 145096 * kKi);
  EXPECT_EQ(info.committed, 262144 * kKi);
  EXPECT_EQ(info.range_count, 1);
  EXPECT_FALSE(info.metaspace_used.has_value());
}

TEST(HeapInfo, G1OfAnOldVersion) {
  const HeapInfo info = Heap("heap_info_11_g1.txt");
  EXPECT_EQ(info.used, 143751 * kKi);
  EXPECT_EQ(info.metaspace_used, 3080 * kKi);
  EXPECT_EQ(info.metaspace_committed, 4864 * kKi);
}

TEST(HeapInfo, TwoGenerationsAddUp) {
  for (const char* version : {"17", "25"}) {
    const HeapInfo serial = Heap("heap_info_" + std::string(version) + "_serial.txt");
    EXPECT_EQ(serial.committed, (78656 + 174784) * kKi);
    EXPECT_EQ(serial.range_count, 2);
    ASSERT_NE(Part(serial, "eden space"), nullptr);
    EXPECT_EQ(Part(serial, "eden space")->committed, 69952 * kKi);
    ASSERT_NE(Part(serial, "to space"), nullptr);
    const HeapInfo parallel = Heap("heap_info_" + std::string(version) + "_parallel.txt");
    EXPECT_EQ(parallel.committed, (76288 + 175104) * kKi);
    EXPECT_EQ(parallel.range_count, 2);
    EXPECT_NE(Part(parallel, "PSYoungGen"), nullptr);
    EXPECT_NE(Part(parallel, "ParOldGen"), nullptr);
  }
  const HeapInfo serial = Heap("heap_info_17_serial.txt");
  EXPECT_EQ(serial.used, (21501 + 51652) * kKi);
  EXPECT_EQ(Part(serial, "eden space")->used, 0x14ff778u);
  EXPECT_EQ(Part(serial, "tenured generation")->used, 51652 * kKi);
}

TEST(HeapInfo, ZgcSaysItsMaximumAndNoAddress) {
  const HeapInfo info = Heap("heap_info_17_z.txt");
  EXPECT_EQ(info.used, 144 * kMi);
  EXPECT_EQ(info.committed, 256 * kMi);
  EXPECT_EQ(info.max, 256 * kMi);
  EXPECT_EQ(info.range_count, 0);
  EXPECT_EQ(Heap("heap_info_25_z.txt").used, 146 * kMi);
}

TEST(HeapInfo, Shenandoah) {
  for (const char* name : {"heap_info_17_shenandoah.txt", "heap_info_25_shenandoah.txt"}) {
    const HeapInfo info = Heap(name);
    EXPECT_EQ(info.committed, 256 * kMi) << name;
    EXPECT_EQ(info.max, 256 * kMi) << name;
    ASSERT_EQ(info.range_count, 1) << name;
    EXPECT_EQ(info.ranges[0].end, 0x100000000u) << name;
  }
  EXPECT_EQ(Heap("heap_info_17_shenandoah.txt").used, 72388 * kKi);
}

TEST(HeapInfo, MetaspaceOfTheNewestVersionIsInAnotherText) {
  const std::string text = Data("metaspace_basic_25.txt");
  HeapInfo info;
  ParseMetaspaceLines(text.data(), text.size(), &info);
  EXPECT_EQ(info.metaspace_used, 93 * kKi);
  EXPECT_EQ(info.metaspace_reserved, 1114112 * kKi);
  EXPECT_EQ(info.class_space_used, 6 * kKi);
  EXPECT_FALSE(info.used.has_value());
}

TEST(HeapInfo, WhatIsNotThereIsAbsent) {
  for (const std::string& text : {std::string(), std::string("Heap: 12 bananas\n total , used K\n"),
                                  std::string("x total 99999999999999999999K, used 1K [0x")}) {
    const HeapInfo info = ParseHeapInfo(text.data(), text.size());
    EXPECT_FALSE(info.used.has_value()) << text;
    EXPECT_FALSE(info.committed.has_value()) << text;
    EXPECT_EQ(info.range_count, 0);
  }
}

TEST(CodeHeaps, Segmented) {
  const std::string text = Data("codecache_17.txt");
  CodeHeap heaps[8];
  ASSERT_EQ(ParseCodeHeaps(text.data(), text.size(), heaps, 8), 3);
  EXPECT_STREQ(heaps[0].name, "non-profiled nmethods");
  EXPECT_STREQ(heaps[2].name, "non-nmethods");
  EXPECT_EQ(heaps[2].range.end - heaps[2].range.start, 5692 * kKi);
  EXPECT_EQ(heaps[2].committed, 2496 * kKi);
  EXPECT_EQ(heaps[2].used, 1037 * kKi);
}

TEST(CodeHeaps, TheSumOfAllIsNoHeap) {
  const std::string text = Data("codecache_25.txt");
  CodeHeap heaps[8];
  EXPECT_EQ(ParseCodeHeaps(text.data(), text.size(), heaps, 8), 3);
  EXPECT_EQ(ParseCodeHeaps(text.data(), text.size(), heaps, 2), 2);
}

TEST(CodeHeaps, OneForAllCode) {
  const std::string text = Data("codecache_17_one_heap.txt");
  CodeHeap heaps[8];
  ASSERT_EQ(ParseCodeHeaps(text.data(), text.size(), heaps, 8), 1);
  EXPECT_STREQ(heaps[0].name, "CodeCache");
  EXPECT_EQ(heaps[0].range.end - heaps[0].range.start, 48 * kMi);
}

TEST(MetaspaceNodes, TellClassSpaceApart) {
  for (const char* name : {"metaspace_nodes_17.txt", "metaspace_nodes_25.txt"}) {
    const std::string text = Data(name);
    MetaspaceNode nodes[8];
    ASSERT_EQ(ParseMetaspaceNodes(text.data(), text.size(), nodes, 8), 2) << name;
    EXPECT_FALSE(nodes[0].class_space) << name;
    EXPECT_EQ(nodes[0].range.end - nodes[0].range.start, 64 * kMi) << name;
    EXPECT_TRUE(nodes[1].class_space) << name;
    EXPECT_EQ(nodes[1].range.end - nodes[1].range.start, 1024 * kMi) << name;
  }
}

TEST(NativeMemory, Summary) {
  const std::string text = Data("native_memory_17.txt");
  const NativeMemory memory = ParseNativeMemory(text.data(), text.size());
  EXPECT_EQ(memory.reserved, 1727812 * kKi);
  EXPECT_EQ(memory.committed, 342752 * kKi);
  ASSERT_EQ(memory.count, 19);
  EXPECT_STREQ(memory.categories[0].name, "Java Heap");
  EXPECT_FALSE(memory.categories[0].malloc.has_value());
  EXPECT_STREQ(memory.categories[2].name, "Thread");
  EXPECT_EQ(memory.categories[2].reserved, 27702 * kKi);
  EXPECT_EQ(memory.categories[2].committed, 882 * kKi);
  EXPECT_EQ(memory.categories[2].malloc, (31 + 23) * kKi);
  std::uint64_t sum = 0;
  for (int i = 0; i < memory.count; ++i) sum += memory.categories[i].committed;
  // All but the categories below 1 KiB, which the VM leaves out.
  EXPECT_NEAR(static_cast<double>(sum), static_cast<double>(*memory.committed), 1e6);
}

TEST(NativeMemory, OfTheNewestVersion) {
  const std::string text = Data("native_memory_25.txt");
  const NativeMemory memory = ParseNativeMemory(text.data(), text.size());
  EXPECT_EQ(memory.committed, 339728 * kKi);
  EXPECT_EQ(memory.count, 20);
}

TEST(NativeMemory, Off) {
  const std::string text = "Native memory tracking is not enabled\n";
  const NativeMemory memory = ParseNativeMemory(text.data(), text.size());
  EXPECT_FALSE(memory.committed.has_value());
  EXPECT_EQ(memory.count, 0);
}

TEST(PerfData, OfARealVm) {
  for (const char* name : {"hsperfdata_17_g1", "hsperfdata_25_g1"}) {
    const std::string bytes = Data(name);
    const jvm::PerfData data(bytes.data(), bytes.size());
    ASSERT_TRUE(data.ok()) << name;
    EXPECT_EQ(data.Number("sun.os.hrt.frequency"), 1'000'000'000) << name;
    ASSERT_TRUE(data.Text("java.property.java.vm.name").has_value());
    const jvm::PerfText vm = *data.Text("java.property.java.vm.name");
    EXPECT_EQ(std::string(vm.data, vm.size), "OpenJDK 64-Bit Server VM") << name;
    EXPECT_FALSE(data.Number("java.property.java.vm.name").has_value());
    EXPECT_FALSE(data.Number("no.such.counter").has_value());
    const Collections collections = CollectionsOf(data, true);
    EXPECT_EQ(collections.count, 5u) << name;  // 2 young, 1 full, 2 pauses of a concurrent cycle
    ASSERT_TRUE(collections.used_after.has_value());
    EXPECT_GT(*collections.used_after, 50 * kMi) << name;
    EXPECT_LT(*collections.used_after, 256 * kMi) << name;
    EXPECT_FALSE(CollectionsOf(data, false).used_after.has_value());
  }
}

TEST(PerfData, ACutOrDamagedFileIsNoFault) {
  const std::string whole = Data("hsperfdata_17_g1");
  for (std::size_t size = 0; size < whole.size(); size += 97) {
    const std::string cut = whole.substr(0, size);
    jvm::PerfData(cut.data(), cut.size()).Number("no.such.counter");
  }
  std::string damaged = whole;
  damaged[0] = 0;
  EXPECT_FALSE(jvm::PerfData(damaged.data(), damaged.size()).ok());
}

}  // namespace
}  // namespace wrackline::preload
