// Recorded demands of real processes: recordings and captures as they were left.
#include "analyzer/report/run_of.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "analyzer/cli/report_folder.h"
#include "analyzer/evidence/from_scrape.h"
#include "analyzer/evidence/run_file.h"
#include "analyzer/ledger/rocksdb_totals.h"
#include "analyzer/render/run_file.h"

namespace wrackline::report {
namespace {

using sizing::Moment;

struct Case {
  evidence::Evidence evidence;
  std::optional<ledger::Ledger> ledger;
  sizing::Run run;
};

Case Of(const std::string& name) {
  cli::ReportOptions options;
  options.path = std::string(WRACKLINE_TEST_DATA) + "/" + name;
  auto folder = cli::ReadEvidenceFolder(options, std::nullopt, nullptr);
  EXPECT_TRUE(folder.ok()) << name;
  Case c;
  if (!folder.ok()) return c;
  c.evidence = std::move(folder.value().of.at(0));
  c.ledger = ledger::BuildLedger(c.evidence);
  const auto run = RunOf(c.evidence, c.ledger, name);
  EXPECT_TRUE(run) << name;
  if (run) c.run = *run;
  return c;
}

Bytes Named(const Moment& m) {
  return m.heap.value_or(Bytes{}) + m.metaspace.value_or(Bytes{}) + m.direct.value_or(Bytes{}) +
         m.RocksDb();
}

double Ratio(Bytes a, Bytes b) {
  return static_cast<double>(a.count) / static_cast<double>(b.count);
}

Bytes Of(const ledger::Ledger& ledger, const char* group) {
  const ledger::Group* const found = ledger.Find(group);
  return found == nullptr ? Bytes{} : found->amount;
}

class RunOfTaskManager : public ::testing::TestWithParam<const char*> {
 protected:
  const Case c = Of(std::string("recordings/taskmanager_") + GetParam() + "_killed.wrackpack");
};

TEST_P(RunOfTaskManager, EveryMomentsPartsAreWithinItsWorkingSet) {
  ASSERT_GT(c.run.moments.size(), 60u);
  for (std::size_t i = 0; i < c.run.moments.size(); ++i) {
    const Moment& moment = c.run.moments[i];
    EXPECT_LE(Named(moment), moment.working_set) << moment.at.count();
    EXPECT_EQ(Named(moment) + moment.Rest(), moment.working_set);
    if (i > 0) {
      EXPECT_GT(moment.at, c.run.moments[i - 1].at);
    }
  }
  EXPECT_LE(c.run.moments.back().at, c.run.lifetime);
}

TEST_P(RunOfTaskManager, TheLastMomentsPartsAreTheLedgersGroups) {
  const Moment& last = c.run.moments.back();
  const ledger::Ledger& ledger = *c.ledger;
  EXPECT_EQ(*last.heap, Of(ledger, "jvm.heap"));
  // Committed against resident.
  EXPECT_NEAR(Ratio(*last.metaspace, Of(ledger, "jvm.metaspace")), 1, 0.02);
  // The VM's counter against what was sampled, with a standard error of 8 %.
  EXPECT_NEAR(Ratio(*last.direct, Of(ledger, "direct")), 1, 0.16);
  // RocksDB's own figures: what of a memtable's arena was never touched is in them and not in the ledger.
  const ledger::RocksDbTotals totals = ledger::TotalsOf(*c.evidence.rocksdb);
  EXPECT_EQ(*last.caches, totals.cache_blocks);
  EXPECT_EQ(*last.memtables, totals.memtables);
  EXPECT_EQ(*last.table_readers, totals.table_readers);
  // All else, page cache left out, whatever its name is there: 2 % of the whole are of another second.
  Bytes cache;
  for (const ledger::Line& line : ledger.lines) {
    if (line.id == "file.page_cache") cache += line.amount;
  }
  EXPECT_NEAR(Ratio(last.working_set, ledger.total - cache), 1, 0.02);
}

TEST_P(RunOfTaskManager, WhatItRanWithIsOnItsCommandLine) {
  ASSERT_TRUE(c.run.granted);
  EXPECT_EQ(c.run.granted->total_process, kGiB);
  EXPECT_EQ(c.run.granted->managed, Bytes{241'591'914});
  EXPECT_EQ(c.run.slots, 2);
  EXPECT_EQ(c.run.limit, 1100 * kMiB);
  EXPECT_EQ(c.run.rocksdb_managed, true);
  EXPECT_EQ(c.run.databases, 4);
  EXPECT_EQ(c.run.families.size(), 10u);
  EXPECT_FALSE(c.run.killed);  // by a signal, and not by its limit
  EXPECT_FALSE(c.run.partial);
  EXPECT_TRUE(c.run.leaks.empty());
}

// The Serial collector keeps no figure of its own: 17 MiB of a heap of 154 that has 66 MiB of pages.
TEST_P(RunOfTaskManager, WhatTheHeapCannotBeSmallerThanIsKnown) {
  const Moment& last = c.run.moments.back();
  ASSERT_TRUE(last.heap_live);
  EXPECT_GT(*last.heap_live, 15 * kMiB);
  EXPECT_LT(*last.heap_live, 20 * kMiB);
}

TEST_P(RunOfTaskManager, IsTheSameFromAFile) {
  const auto runs = evidence::ReadRuns(render::RenderRun(c.run), "a.jsonl");
  ASSERT_TRUE(runs.ok()) << runs.error().Text();
  EXPECT_EQ(render::RenderRun(runs.value().at(0)), render::RenderRun(c.run));
}

INSTANTIATE_TEST_SUITE_P(Allocators, RunOfTaskManager, ::testing::Values("glibc", "jemalloc"));

TEST(RunOf, AProcessThatItsLimitEndedAndWhoseFamiliesNothingBounds) {
  const Case c = Of("recordings/four_states_killed.wrackpack");
  EXPECT_TRUE(c.run.killed);
  EXPECT_EQ(c.run.rocksdb_managed, false);
  ASSERT_EQ(c.run.families.size(), 4u);
  for (const sizing::FamilyDemand& family : c.run.families) {
    EXPECT_EQ(family.write_buffer_size, 64 * kMiB);
    EXPECT_GT(family.own_cache_capacity, Bytes{});
  }
  EXPECT_FALSE(c.run.granted);
  const Moment& last = c.run.moments.back();
  EXPECT_FALSE(last.heap || last.metaspace || last.direct || last.heap_live);
  // The kernel killed it at 350 MiB, RocksDB held 294.6 MiB.
  EXPECT_GT(last.working_set, 345 * kMiB);
  EXPECT_NEAR(Ratio(last.RocksDb(), Bytes{308'900'000}), 1, 0.01);
}

TEST(RunOf, AFolderOfFilesIsARunToo) {
  const Case killed = Of("captures/unmanaged-1g-2slots");
  EXPECT_TRUE(killed.run.killed);
  EXPECT_EQ(killed.run.rocksdb_managed, false);
  EXPECT_EQ(killed.run.flink_version, "1.20.3");
  EXPECT_EQ(killed.run.limit, kGiB);
  ASSERT_TRUE(killed.run.granted);
  EXPECT_EQ(killed.run.granted->total_process, kGiB);
  ASSERT_FALSE(killed.run.moments.empty());
  const Moment& last = killed.run.moments.back();
  // anon-rss:1039464kB by the kernel; memtables of 588 MiB by the last scrape.
  EXPECT_GE(last.working_set, 1015 * kMiB);
  EXPECT_EQ(last.memtables->count >> 20, 588);
  EXPECT_FALSE(last.heap_live);
}

TEST(RunOf, PageCacheIsNoDemand) {
  for (const char* name : {"managed-1g", "unmanaged-1g", "managed-1g-2slots", "flink2.3-managed"}) {
    const Case c = Of(std::string("captures/") + name);
    ASSERT_FALSE(c.run.moments.empty()) << name;
    EXPECT_FALSE(c.run.killed) << name;
    const Moment& last = c.run.moments.back();
    const evidence::TimelinePoint& point = c.evidence.timeline.back();
    // What is anonymous, and what the kernel keeps; all four were charged up to their limit at some time.
    EXPECT_LT(last.working_set, *point.anon + 40 * kMiB) << name;
    EXPECT_GE(last.working_set, *point.anon) << name;
    EXPECT_EQ(c.run.rocksdb_managed, std::string(name) != "unmanaged-1g") << name;
    EXPECT_EQ(c.run.managed_used.has_value(), true) << name;
  }
}

constexpr char kScrape[] = R"(flink_taskmanager_Status_JVM_Memory_Heap_Used{tm_id="a"} 30000000
flink_taskmanager_Status_JVM_Memory_Heap_Committed{tm_id="a"} 160000000
flink_taskmanager_Status_JVM_Memory_NonHeap_Committed{tm_id="a"} 70000000
flink_taskmanager_Status_JVM_Memory_Metaspace_Committed{tm_id="a"} 50000000
flink_taskmanager_Status_JVM_Memory_Direct_MemoryUsed{tm_id="a"} 71000000
flink_taskmanager_Status_Shuffle_Netty_UsedMemory{tm_id="a"} %
flink_taskmanager_Status_Flink_Memory_Managed_Used{tm_id="a"} 241591914
)";

evidence::ScrapeInput Scrape(const char* network_used, int second) {
  std::string text = kScrape;
  text.replace(text.find('%'), 1, network_used);
  auto scrape = evidence::ReadFlinkScrape(text);
  EXPECT_TRUE(scrape.ok());
  return {"a.prom", evidence::Time{std::chrono::seconds(second)}, std::move(scrape.value())};
}

TEST(RunOf, MetricsAloneAreAPartAndSaySo) {
  const auto evidence = evidence::EvidenceFromScrapes(
      {Scrape("900000", 1000), Scrape("720896", 1060)}, std::nullopt, std::nullopt, Bytes{kGiB});
  ASSERT_TRUE(evidence.ok());
  const auto run = RunOf(evidence.value(), ledger::BuildLedger(evidence.value()), "a.prom");
  ASSERT_TRUE(run);
  EXPECT_TRUE(run->partial);
  EXPECT_EQ(run->network_used, Bytes{900'000});  // the most of both
  EXPECT_EQ(run->managed_used, Bytes{241'591'914});
  ASSERT_EQ(run->moments.size(), 1u);
  EXPECT_EQ(run->moments[0].working_set, Bytes{160'000'000 + 70'000'000 + 71'000'000});
  EXPECT_EQ(run->moments[0].Rest(), Bytes{20'000'000});  // code
  EXPECT_FALSE(run->rocksdb_managed);
}

TEST(RunOf, NothingSaysHowMuchItHeld) { EXPECT_FALSE(RunOf({}, std::nullopt, "x")); }

}  // namespace
}  // namespace wrackline::report
