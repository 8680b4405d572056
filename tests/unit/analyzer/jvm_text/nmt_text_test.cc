#include "analyzer/evidence/nmt_text.h"

#include "tests/unit/analyzer/jvm_text/sample.h"

namespace wrackline::test {
namespace {

using namespace evidence;

NmtReport Report(const std::string& name) {
  const std::string text = Sample(name);
  EXPECT_TRUE(IsNmt(FileOf(name, text))) << name;
  Result<NmtReport> report = ParseNmt(text);
  EXPECT_TRUE(report.ok()) << name;
  return report.ok() ? std::move(report.value()) : NmtReport{};
}

const JvmNativeMemory* Category(const NmtReport& report, std::string_view name) {
  for (const JvmNativeMemory& category : report.figures.native_memory) {
    if (category.category == name) return &category;
  }
  return nullptr;
}

Bytes Sum(const NmtReport& report) {
  Bytes sum;
  for (const JvmNativeMemory& category : report.figures.native_memory) sum += category.committed;
  return sum;
}

// The categories of one report add up to its total, but for the rounding of each.
TEST(NmtText, CategoriesAddUpToTheTotal) {
  for (const char* java : {"11", "17", "21", "25"}) {
    for (const auto& [kind, unit] : {std::pair("_summary.txt", kKiB), std::pair("_mb.txt", kMiB)}) {
      const std::string name = std::string("nmt_") + java + kind;
      const NmtReport report = Report(name);
      ASSERT_TRUE(report.figures.native_committed.has_value()) << name;
      EXPECT_GT(report.figures.native_memory.size(), 5u) << name;
      const Bytes apart = *report.figures.native_committed - Sum(report);
      // Categories below one unit are left out.
      EXPECT_LE(std::abs(apart.count), 30 * unit.count) << name;
      EXPECT_FALSE(report.comparison) << name;
      EXPECT_EQ(report.unit, unit == kKiB ? "KB" : "MB") << name;
      ASSERT_NE(Category(report, "Java Heap"), nullptr) << name;
      EXPECT_EQ(Category(report, "Java Heap")->committed, 128 * kMiB) << name;
      // The program's one direct buffer.
      ASSERT_NE(Category(report, "Other"), nullptr) << name;
      EXPECT_EQ(Category(report, "Other")->malloc, 8 * kMiB) << name;
    }
  }
}

TEST(NmtText, Jdk17Summary) {
  const NmtReport report = Report("nmt_17_summary.txt");
  EXPECT_EQ(report.figures.native_memory.size(), 18u);
  const JvmNativeMemory* const thread = Category(report, "Thread");
  ASSERT_NE(thread, nullptr);
  EXPECT_EQ(report.figures.threads, 20u);
  EXPECT_GT(thread->malloc->count, 0);
  EXPECT_LT(*thread->malloc, thread->committed);
  EXPECT_GT(*report.figures.metaspace_committed, *report.figures.class_space_committed);
  EXPECT_GE(*report.figures.metaspace_committed, *report.figures.metaspace_used);
  EXPECT_GT(*report.figures.classes_loaded, 400u);
}

TEST(NmtText, BytesAreExact) {
  const NmtReport report = Report("nmt_25_b.txt");
  EXPECT_EQ(report.unit, "");
  EXPECT_EQ(Sum(report), *report.figures.native_committed);
}

// "Total: reserved=1GB, committed=0GB": what is rounded away is not a figure of metaspace.
TEST(NmtText, WholeGigabytesSayLittle) {
  const NmtReport report = Report("nmt_21_gb.txt");
  EXPECT_EQ(report.unit, "GB");
  EXPECT_EQ(report.figures.native_reserved, kGiB);
  EXPECT_FALSE(report.figures.metaspace_used.has_value());
  EXPECT_FALSE(report.figures.class_space_committed.has_value());
  EXPECT_FALSE(Report("nmt_17_mb.txt").figures.metaspace_used.has_value());
  Evidence evidence;
  const std::string text = Sample("nmt_21_gb.txt");
  const auto said = AddNmt(FileOf("nmt.txt", text), &evidence);
  ASSERT_TRUE(said.ok());
  EXPECT_THAT(said.value(), ::testing::HasSubstr("in whole GB: scale=KB says more"));
}

TEST(NmtText, AComparisonKeepsItsChanges) {
  for (const char* java : {"11", "17", "21", "25"}) {
    const NmtReport report = Report(std::string("nmt_") + java + "_summary_diff.txt");
    EXPECT_TRUE(report.comparison) << java;
    ASSERT_TRUE(report.figures.native_committed_change.has_value()) << java;
    const JvmNativeMemory* const internal = Category(report, "Internal");
    ASSERT_NE(internal, nullptr) << java;
    EXPECT_FALSE(Category(report, "Java Heap")->committed_change.has_value()) << java;
  }
  const NmtReport report = Report("nmt_25_summary_diff.txt");
  EXPECT_EQ(report.figures.native_committed, 209981 * kKiB);
  EXPECT_EQ(report.figures.native_committed_change, 5150 * kKiB);
  EXPECT_EQ(Category(report, "Internal")->committed_change, 4931 * kKiB);
  EXPECT_EQ(Category(report, "GC")->committed_change, -3 * kKiB);
}

TEST(NmtText, DetailHasRangesAndSites) {
  for (const char* name : {"nmt_17_detail.txt", "nmt_25_detail.txt"}) {
    const NmtReport report = Report(name);
    ASSERT_GT(report.ranges.size(), 7u) << name;
    bool heap = false;
    for (const VmRange& range : report.ranges) {
      EXPECT_LT(range.begin, range.end);
      EXPECT_FALSE(range.category.empty());
      if (range.category != "Java Heap") continue;
      heap = true;
      EXPECT_EQ(range.end - range.begin, 128u << 20) << name;
      EXPECT_EQ(range.begin, 0xf8000000u) << name;
    }
    EXPECT_TRUE(heap) << name;
    EXPECT_TRUE(
        std::is_sorted(report.ranges.begin(), report.ranges.end(),
                       [](const VmRange& a, const VmRange& b) { return a.begin < b.begin; }));
    ASSERT_GT(report.sites.size(), 4u) << name;
    const JvmNativeSite& largest = report.sites.front();
    EXPECT_EQ(largest.category, "Other") << name;
    EXPECT_EQ(largest.amount, 8 * kMiB) << name;
    EXPECT_FALSE(largest.mapped);
    EXPECT_FALSE(report.figures.native_memory.empty());
  }
}

TEST(NmtText, SitesOfAComparisonHaveTheirChange) {
  const NmtReport report = Report("nmt_25_detail_diff.txt");
  EXPECT_TRUE(report.comparison);
  bool less = false, more = false;
  for (const JvmNativeSite& site : report.sites) {
    if (site.frames.empty() || !site.change) continue;
    if (site.amount == 3262 * kKiB && site.category == "Internal") {
      more = true;
      EXPECT_EQ(site.change, 3262 * kKiB);
      EXPECT_EQ(site.frames.front(), "ElfSection::ElfSection(_IO_FILE*, Elf64_Shdr const&)+0x74");
    }
    if (site.category == "GC" && site.change == -3 * kKiB) less = true;
  }
  EXPECT_TRUE(more);
  EXPECT_TRUE(less);
}

TEST(NmtText, TheLastOfSeveralReportsCounts) {
  const std::string text = Sample("nmt_17_summary.txt") + "\nSat Nov 28 20:15:01 UTC 2026\n" +
                           Sample("nmt_25_summary.txt");
  const auto report = ParseNmt(text);
  ASSERT_TRUE(report.ok());
  EXPECT_EQ(report.value().reports, 2);
  EXPECT_EQ(report.value().figures.native_memory.size(),
            Report("nmt_25_summary.txt").figures.native_memory.size());
}

TEST(NmtText, WhatIsNoReportIsNotTaken) {
  EXPECT_FALSE(IsNmt(FileOf("a", "")));
  EXPECT_FALSE(IsNmt(FileOf("a", "Native Memory Tracking: is a thing\n")));
  EXPECT_FALSE(IsNmt(FileOf("hs_err",
                            "#\n# A fatal error has been detected by the Java Runtime\n\n"
                            "Native Memory Tracking:\n\nTotal: reserved=1KB, "
                            "committed=1KB\n")));
  const std::string off = "9392:\nNative memory tracking is not enabled\n";
  EXPECT_TRUE(IsNmt(FileOf("a", off)));
  Evidence evidence;
  const auto added = AddNmt(FileOf("a", off), &evidence);
  ASSERT_FALSE(added.ok());
  EXPECT_THAT(added.error().Text(), ::testing::HasSubstr("-XX:NativeMemoryTracking=summary"));
  EXPECT_FALSE(evidence.jvm.has_value());
  EXPECT_FALSE(
      ParseNmt("Native Memory Tracking:\n\n-  Java Heap (reserved=1KB, committed=1KB)").ok());
}

TEST(NmtText, FillsTheEvidence) {
  Evidence evidence;
  const std::string text = Sample("nmt_17_detail.txt");
  const auto said = AddNmt(FileOf("jcmd/nmt.txt", text), &evidence);
  ASSERT_TRUE(said.ok());
  EXPECT_THAT(said.value(), ::testing::HasSubstr(" committed in 18 categories, "));
  ASSERT_TRUE(evidence.jvm.has_value());
  EXPECT_EQ(evidence.jvm->origin, "Native Memory Tracking");
  EXPECT_EQ(evidence.jvm->native_memory_tracking, "detail");
  EXPECT_EQ(evidence.jvm->Last()->time, kTaken);
  EXPECT_EQ(evidence.jvm->Last()->file, "jcmd/nmt.txt");
  EXPECT_FALSE(evidence.jvm->ranges.empty());
  // What was known stays: a second report of the same minute adds nothing.
  const JvmFigures before = *evidence.jvm->Last();
  const std::string other = Sample("nmt_25_summary.txt");
  ASSERT_TRUE(AddNmt(FileOf("b", other), &evidence).ok());
  EXPECT_EQ(evidence.jvm->figures.size(), 1u);
  EXPECT_EQ(evidence.jvm->Last()->native_committed, before.native_committed);
}

}  // namespace
}  // namespace wrackline::test
