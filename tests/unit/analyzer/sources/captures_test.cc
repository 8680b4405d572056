// Real incidents, from a folder to the verdict. What each holds: tests/data/captures/README.md.
//
// Figures beside an expectation are the files' own.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "analyzer/cli/report_folder.h"
#include "analyzer/evidence/lacking.h"
#include "analyzer/evidence/source.h"
#include "analyzer/ledger/rocksdb_totals.h"
#include "analyzer/render/json.h"
#include "analyzer/render/text.h"
#include "analyzer/report/report.h"
#include "tests/unit/analyzer/sources/test_folder.h"

namespace wrackline {
namespace {

using diagnosis::Outcome;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr Bytes Mib(std::int64_t count) { return Bytes{count << 20}; }

report::Report ReportOn(const std::string& path) {
  cli::ReportOptions options;
  options.path = path;
  auto folder = cli::ReadEvidenceFolder(options, std::nullopt, nullptr);
  EXPECT_TRUE(folder.ok()) << (folder.ok() ? "" : folder.error().Text());
  if (!folder.ok()) return {};
  return report::BuildReport(std::move(folder.value().of.at(0)), folder.value().flink);
}

report::Report OnCapture(const std::string& name) { return ReportOn(evidence::kCaptures + name); }

const diagnosis::Finding* Find(const report::Report& report, const std::string& rule) {
  for (const diagnosis::Finding& finding : report.diagnosis.findings) {
    if (finding.rule == rule) return &finding;
  }
  return nullptr;
}

std::vector<std::string> Lacking(const report::Report& report) {
  std::vector<std::string> kinds;
  for (const evidence::Lack& lack : evidence::WhatLacks(report.evidence))
    kinds.push_back(lack.kind);
  return kinds;
}

void ExpectItAddsUp(const report::Report& report) {
  ASSERT_TRUE(report.ledger);
  EXPECT_EQ(report.ledger->Sum() + report.ledger->unexplained, report.ledger->total);
}

Bytes Line(const report::Report& report, const std::string& id) {
  Bytes sum;
  for (const ledger::Line& line : report.ledger->lines) {
    if (line.id == id) sum += line.amount;
  }
  return sum;
}

TEST(Captures, ManagedSharesOneCacheAndIsNotKilled) {
  const report::Report report = OnCapture("managed-1g");
  EXPECT_EQ(report.diagnosis.outcome, Outcome::kStillRunning);
  EXPECT_THAT(report.diagnosis.verdict, HasSubstr("Not a kill"));
  // The charge is at its limit through page cache, which is no danger.
  ASSERT_TRUE(Find(report, "page_cache_not_danger"));
  EXPECT_EQ(report.evidence.last_charge->amount, Bytes{1'073'741'824});
  // Eight families show the same cache; adding them up would give 1.54 GiB.
  ASSERT_TRUE(report.evidence.rocksdb);
  ASSERT_EQ(report.evidence.rocksdb->caches.size(), 1u);
  EXPECT_EQ(report.evidence.rocksdb->caches[0].usage, Bytes{201'140'648});
  const ledger::RocksDbTotals totals = ledger::TotalsOf(*report.evidence.rocksdb);
  EXPECT_LT(totals.total, Mib(193));
  ExpectItAddsUp(report);
  EXPECT_EQ(report.ledger->basis, ledger::Basis::kCharge);
  // smaps has the heap exactly.
  EXPECT_EQ(Line(report, "jvm.heap"), Bytes{124'964 * 1024});
  for (const diagnosis::Finding& finding : report.diagnosis.findings)
    EXPECT_NE(finding.role, diagnosis::Role::kCause) << finding.summary;
}

TEST(Captures, ManagedWithTwoSlotsHasTwoCaches) {
  const report::Report report = OnCapture("managed-1g-2slots");
  EXPECT_EQ(report.diagnosis.outcome, Outcome::kStillRunning);
  ASSERT_TRUE(report.evidence.rocksdb);
  EXPECT_EQ(report.evidence.rocksdb->caches.size(), 2u);
  const ledger::RocksDbTotals totals = ledger::TotalsOf(*report.evidence.rocksdb);
  EXPECT_LT(totals.total, Mib(193));
  ExpectItAddsUp(report);
}

TEST(Captures, UnmanagedAtItsLimitThroughPageCacheIsNotKilled) {
  const report::Report report = OnCapture("unmanaged-1g");
  EXPECT_EQ(report.diagnosis.outcome, Outcome::kStillRunning);
  ASSERT_TRUE(report.evidence.rocksdb);
  EXPECT_EQ(report.evidence.rocksdb->caches.size(), 8u);
  EXPECT_TRUE(Find(report, "page_cache_not_danger"));
  ExpectItAddsUp(report);
}

TEST(Captures, Flink23IsNotKilled) {
  const report::Report report = OnCapture("flink2.3-managed");
  EXPECT_EQ(report.diagnosis.outcome, Outcome::kStillRunning);
  ASSERT_TRUE(report.evidence.rocksdb);
  EXPECT_EQ(report.evidence.rocksdb->caches.size(), 1u);
  ExpectItAddsUp(report);
}

TEST(Captures, UnmanagedWithTwoSlotsIsKilledAndRocksDbHeldTheMost) {
  const report::Report report = OnCapture("unmanaged-1g-2slots");
  EXPECT_TRUE(diagnosis::IsOomKill(report.diagnosis.outcome));
  EXPECT_THAT(report.diagnosis.verdict, HasSubstr("OOM killer"));
  EXPECT_THAT(report.diagnosis.verdict, HasSubstr("RocksDB held"));
  ExpectItAddsUp(report);
  // Memtables of 600 MiB and caches of 32 MiB that no manager bounds.
  EXPECT_GT(report.ledger->Of(ledger::Holder::kRocksDb), Mib(620));
  EXPECT_LT(report.ledger->Of(ledger::Holder::kRocksDb), Mib(645));
  EXPECT_THAT(Lacking(report), Contains("allocator"));
  EXPECT_THAT(Lacking(report), Contains("smaps"));
}

TEST(Captures, RocksDbUnmanagedIsTheCauseOfTheKill) {
  const report::Report report = OnCapture("unmanaged-1g-2slots");
  EXPECT_EQ(report.diagnosis.outcome, Outcome::kOomKilled);
  ASSERT_TRUE(report.evidence.ending.kernel_kill);
  // The kernel's: anon-rss:1039464kB at the kill.
  EXPECT_EQ(report.ledger->basis, ledger::Basis::kCharge);
  EXPECT_EQ(report.evidence.timeline.back().charge, Bytes{1'073'741'824});
  const diagnosis::Finding* const unmanaged = Find(report, "rocksdb_unmanaged");
  ASSERT_TRUE(unmanaged);
  EXPECT_EQ(unmanaged->role, diagnosis::Role::kCause);
  // The kernel's anon-rss of 1,014.7 MiB less 367.9 that the VM committed (NMT) less 627.4 of RocksDB (the last scrape, 12 s
  // before; it did not move in that time) leaves 19.4 MiB. No allocator statistics were taken: what is left has no name.
  EXPECT_GT(report.ledger->unexplained, Bytes{});
  EXPECT_LT(20 * report.ledger->unexplained, report.ledger->total);
  EXPECT_THAT(report.ledger->notes, Contains(HasSubstr("allocator gave no statistics")));
  EXPECT_FALSE(Find(report, "allocator_retention"));
  EXPECT_THAT(Lacking(report), Contains("allocator"));
}

class CgroupV2 : public ::testing::TestWithParam<const char*> {};

TEST_P(CgroupV2, IsKilledAtItsLimit) {
  const std::string name = GetParam();
  const report::Report report = OnCapture("cgroup-v2/" + name);
  EXPECT_EQ(report.diagnosis.outcome, Outcome::kOomKilled) << report.diagnosis.verdict;
  ASSERT_TRUE(report.evidence.limit);
  ASSERT_TRUE(report.evidence.peak_charge);
  EXPECT_GE(report.evidence.peak_charge->amount, report.evidence.limit->amount - Mib(1));
  const bool pod = name.find("pod") != std::string::npos;
  if (pod) {
    EXPECT_EQ(report.evidence.limit->amount, Mib(160));
  }
  if (report.ledger) ExpectItAddsUp(report);
}

TEST_P(CgroupV2, TheKernelsReportIsTheLastPoint) {
  const report::Report report = OnCapture("cgroup-v2/" + std::string(GetParam()));
  ASSERT_TRUE(report.evidence.ending.kernel_kill);
  ASSERT_FALSE(report.evidence.timeline.empty());
  EXPECT_EQ(report.evidence.timeline.back().charge, report.evidence.ending.kernel_kill->usage);
  ASSERT_TRUE(report.ledger);
  EXPECT_EQ(report.ledger->basis, ledger::Basis::kCharge);
  ExpectItAddsUp(report);
  // Page cache fills this one; the others hold anonymous memory alone.
  if (std::string(GetParam()) != "psi") {
    EXPECT_GT(10 * *report.evidence.timeline.back().anon, 8 * report.ledger->total);
  }
}

INSTANTIATE_TEST_SUITE_P(Kernels, CgroupV2,
                         ::testing::Values("single", "group", "pod", "java", "psi", "k6.12-single",
                                           "k6.12-group", "k6.12-pod"),
                         [](const auto& param) {
                           std::string name = param.param;
                           std::replace_if(
                               name.begin(), name.end(),
                               [](char c) { return c == '-' || c == '.'; }, '_');
                           return name;
                         });

// Copies files of a capture into a folder of their own.
class PartOf {
 public:
  PartOf(const std::string& capture, const std::vector<std::string>& files) {
    for (const std::string& file : files)
      folder_.Write(file, evidence::Slurp(evidence::kCaptures + capture + "/" + file));
  }
  std::string path() const { return folder_.string(); }

 private:
  evidence::TestFolder folder_;
};

TEST(PartialEvidence, OnlyTheKernelsReportAndTheConfiguration) {
  const PartOf part("unmanaged-1g-2slots", {"dmesg.txt", "config.yaml"});
  const report::Report report = ReportOn(part.path());
  EXPECT_EQ(report.diagnosis.outcome, Outcome::kOomKilled);
  EXPECT_THAT(report.diagnosis.verdict, HasSubstr("1.00 of 1.00 GiB"));
  ExpectItAddsUp(report);
  // The configuration says that nothing bounds RocksDB.
  ASSERT_TRUE(report.evidence.flink);
  EXPECT_FALSE(report.evidence.flink->rocksdb_managed);
  EXPECT_THAT(Lacking(report), Contains("recording"));
  EXPECT_THAT(Lacking(report), Contains("rocksdb"));
  EXPECT_THAT(Lacking(report), Not(Contains("kernel_log")));
}

TEST(PartialEvidence, OnlyAScrape) {
  const PartOf part("unmanaged-1g-2slots", {"series.last.prom"});
  const report::Report report = ReportOn(part.path());
  EXPECT_EQ(report.diagnosis.outcome, Outcome::kMetricsOnly);
  EXPECT_THAT(report.diagnosis.verdict, HasSubstr("RocksDB held 627.4 MiB"));
  ASSERT_TRUE(report.ledger);
  EXPECT_EQ(report.ledger->basis, ledger::Basis::kMetrics);
  EXPECT_THAT(Lacking(report), Contains("cgroup"));
  EXPECT_THAT(Lacking(report), Contains("limit"));
}

TEST(PartialEvidence, OnlyNmtAndSmaps) {
  const PartOf part("managed-1g", {"nmt-end.txt", "smaps-end.txt"});
  const report::Report report = ReportOn(part.path());
  EXPECT_EQ(report.diagnosis.outcome, Outcome::kStillRunning);
  ExpectItAddsUp(report);
  EXPECT_EQ(report.ledger->basis, ledger::Basis::kResident);
  EXPECT_EQ(report.ledger->total, Bytes{588'460 * 1024});
  EXPECT_EQ(Line(report, "jvm.heap"), Bytes{124'964 * 1024});
  // The arenas hold most of it: whose that is only a recording would say.
  ASSERT_TRUE(report.evidence.allocator);
  EXPECT_GT(*report.evidence.allocator->heaps_resident, Mib(300));
  EXPECT_THAT(Lacking(report), Contains("recording"));
  EXPECT_THAT(Lacking(report), Contains("cgroup"));
  EXPECT_THAT(Lacking(report), Not(Contains("smaps")));
}

TEST(PartialEvidence, NmtIsUsed) {
  const PartOf part("managed-1g", {"nmt-end.txt", "smaps-end.txt"});
  const report::Report report = ReportOn(part.path());
  EXPECT_THAT(Lacking(report), Not(Contains("native_memory_tracking")));
}

// A report on files speaks of no recording but as what is lacking.
TEST(PartialEvidence, TheTextNamesEachFileAndWhatIsLacking) {
  const report::Report report = OnCapture("unmanaged-1g");
  const std::string text = render::RenderText(report, {});
  EXPECT_THAT(text, HasSubstr("wrackline: java, from files of "));
  EXPECT_THAT(text, HasSubstr("\nEvidence\n"));
  EXPECT_THAT(text, HasSubstr("cgroup-end.txt: the memory cgroup's files: v1, charge 1023.9 MiB"));
  EXPECT_THAT(text, HasSubstr("info.txt: not used: not recognised"));
  EXPECT_THAT(text, HasSubstr("\nLacking: what would have explained more\n"));
  EXPECT_THAT(text, Not(HasSubstr("pid 0")));
  EXPECT_THAT(text, Not(HasSubstr("Nothing was lost")));
  const std::string json = render::RenderJson(report);
  EXPECT_THAT(json, HasSubstr("\"recorded\": false"));
  EXPECT_THAT(json, HasSubstr("\"lacking\""));
}

}  // namespace
}  // namespace wrackline
