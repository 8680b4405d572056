#include "analyzer/evidence/scrape_caches.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <numeric>

#include "analyzer/flink/config_file.h"
#include "analyzer/flink/rocksdb_memory.h"
#include "analyzer/ledger/rocksdb_totals.h"
#include "tests/unit/analyzer/scrape_builder.h"

namespace wrackline::evidence {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::ScrapeBuilder;
using Budget = flink::RocksDbBudgetKind;

struct Told {
  RocksDb rocksdb;
  std::vector<std::string> notes;

  std::vector<std::size_t> FamiliesOfCaches() const {
    std::vector<std::size_t> counts;
    for (const RocksDbCache& cache : rocksdb.caches) counts.push_back(cache.families.size());
    return counts;
  }
  ledger::RocksDbTotals Totals() const { return ledger::TotalsOf(rocksdb); }
};

Told Tell(const std::string& text, std::optional<Budget> configured = std::nullopt) {
  const Result<FlinkScrape> scrape = ReadFlinkScrape(text);
  EXPECT_TRUE(scrape.ok() && scrape.value().task_managers.size() == 1);
  std::optional<ConfiguredRocksDb> configuration;
  if (configured) configuration = ConfiguredRocksDb{{*configured, {}, 1, 0.5}, {}, {}};
  Told told;
  const auto rocksdb = RocksDbFromScrape(scrape.value().task_managers.front(), configuration,
                                         Time{std::chrono::seconds(1)}, &told.notes);
  EXPECT_TRUE(rocksdb);
  if (rocksdb) told.rocksdb = *rocksdb;
  return told;
}

std::string Capture(const std::string& name) {
  std::ifstream file(WRACKLINE_TEST_DATA "/metrics/" + name, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

// The case that misleads people: eight families show 191.8 MiB each.
TEST(ScrapeCaches, ARealManagedSlotHasOneCache) {
  const Told told = Tell(Capture("managed-1g/end.prom"));
  EXPECT_EQ(told.rocksdb.databases, 2);
  EXPECT_EQ(told.rocksdb.families.size(), 8u);
  ASSERT_THAT(told.FamiliesOfCaches(), ElementsAre(8u));
  const RocksDbCache& cache = told.rocksdb.caches[0];
  EXPECT_EQ(cache.usage, Bytes{201140648});
  EXPECT_EQ(cache.capacity, Bytes{201326595});
  EXPECT_EQ(cache.pinned_usage, Bytes{108989048});
  // Five memtables of 8,390,664 bytes and three of 2,048, all charged to the cache.
  EXPECT_EQ(cache.reservations, Bytes{41959464});
  EXPECT_EQ(told.Totals().total, Bytes{201140648 + 1456});
  EXPECT_EQ(told.Totals().caches_again, Bytes{7LL * 201140648});
  EXPECT_EQ(told.Totals().memtables_again, Bytes{41959464});
  EXPECT_EQ(told.Totals().naive, Bytes{8LL * 201140648 + 41959464 + 1456});
  EXPECT_THAT(told.notes, ElementsAre(HasSubstr("230.4 MiB managed memory for 1 slot")));
}

TEST(ScrapeCaches, TwoRealSlotsHaveTwoCaches) {
  const Told told = Tell(Capture("managed-1g-2slots/end.prom"));
  ASSERT_THAT(told.FamiliesOfCaches(), ElementsAre(8u, 8u));
  EXPECT_EQ(told.rocksdb.caches[0].usage, Bytes{96075840});
  EXPECT_EQ(told.rocksdb.caches[1].usage, Bytes{72911440});
  for (const RocksDbFamily& family : told.rocksdb.families)
    EXPECT_EQ(family.cache_id, family.database.find("[0]") != std::string::npos ? 1u : 2u);
  EXPECT_THAT(told.notes, ElementsAre(HasSubstr("for 2 slots")));
}

TEST(ScrapeCaches, RealUnmanagedFamiliesHaveTheirOwn) {
  const Told told = Tell(Capture("unmanaged-1g/end.prom"));
  EXPECT_EQ(told.rocksdb.caches.size(), 8u);
  EXPECT_TRUE(told.rocksdb.managers.empty());
  const ledger::RocksDbTotals totals = told.Totals();
  EXPECT_EQ(totals.cache_blocks, Bytes{8349736 + 8340800});
  EXPECT_EQ(totals.naive, totals.total);
}

TEST(ScrapeCaches, TheOtherFormOfNamesGivesTheSame) {
  std::string text = Capture("managed-1g/end.prom"), other;
  const std::string head = "flink_taskmanager_job_task_operator_";
  std::size_t begin = 0;
  while (begin < text.size()) {
    const std::size_t end = text.find('\n', begin);
    std::string line = text.substr(begin, end - begin);
    begin = end + 1;
    const std::size_t property = line.find("_rocksdb_");
    if (line.rfind(head, 0) == 0 && property != std::string::npos) {
      const std::string family = line.substr(head.size(), property - head.size());
      const std::size_t brace = line.find('{');
      line = head + "column_family" + line.substr(property, brace - property) +
             "{column_family=\"" + family + "\"," + line.substr(brace + 1);
    }
    other += line + "\n";
  }
  const Told one = Tell(text), two = Tell(other);
  EXPECT_NE(text, other);
  EXPECT_THAT(two.FamiliesOfCaches(), ElementsAre(8u));
  EXPECT_EQ(one.Totals().total, two.Totals().total);
  EXPECT_EQ(one.Totals().naive, two.Totals().naive);
}

constexpr Bytes kManaged = 600 * kMiB;
Bytes ShareOf(int slots) {
  return flink::DivideForRocksDb(flink::ManagedPerSlot(kManaged, slots), 0.5).cache_capacity;
}

TEST(ScrapeCaches, SubtasksOfATaskAreInDifferentSlotsHoweverAlikeTheyLook) {
  ScrapeBuilder builder;
  builder.Managed(kManaged, kManaged);
  for (int subtask = 0; subtask < 3; ++subtask) {
    builder.Family({.op = "a", .subtask = subtask}, "s", ShareOf(3), 100 * kMiB);
    builder.Family({.op = "b", .subtask = subtask}, "s", ShareOf(3), 100 * kMiB);
  }
  EXPECT_THAT(Tell(builder.text()).FamiliesOfCaches(), ElementsAre(2u, 2u, 2u));
}

TEST(ScrapeCaches, SubtaskNumbersNeedNotAgreeWithinASlot) {
  ScrapeBuilder builder;
  builder.Managed(kManaged, kManaged)
      .Family({.op = "a", .subtask = 0}, "s", ShareOf(2), 50 * kMiB)
      .Family({.op = "a", .subtask = 1}, "s", ShareOf(2), 200 * kMiB)
      .Family({.op = "b", .subtask = 7}, "s", ShareOf(2), 200 * kMiB)
      .Family({.op = "b", .subtask = 8}, "s", ShareOf(2), 50 * kMiB + Bytes{4096});
  const Told told = Tell(builder.text());
  ASSERT_THAT(told.FamiliesOfCaches(), ElementsAre(2u, 2u));
  EXPECT_EQ(told.rocksdb.families[0].cache_id, told.rocksdb.families[3].cache_id);
  EXPECT_EQ(told.rocksdb.families[1].cache_id, told.rocksdb.families[2].cache_id);
  EXPECT_NE(told.rocksdb.families[0].cache_id, told.rocksdb.families[1].cache_id);
}

// The gauges of one cache, read while it filled: with one slot there is one cache.
TEST(ScrapeCaches, NoMoreCachesThanSlots) {
  ScrapeBuilder builder;
  builder.Managed(kManaged, kManaged)
      .Family({.op = "a"}, "s", ShareOf(1), 50 * kMiB)
      .Family({.op = "b"}, "s", ShareOf(1), 250 * kMiB);
  EXPECT_THAT(Tell(builder.text()).FamiliesOfCaches(), ElementsAre(2u));
}

TEST(ScrapeCaches, JobsDoNotShareASlot) {
  ScrapeBuilder builder;
  builder.Managed(kManaged, kManaged)
      .Family({.op = "a", .job = "j1"}, "s", ShareOf(2), 100 * kMiB)
      .Family({.op = "b", .job = "j2"}, "s", ShareOf(2), 100 * kMiB);
  EXPECT_THAT(Tell(builder.text()).FamiliesOfCaches(), ElementsAre(1u, 1u));
}

// A family that was just made shows 0 for everything until Flink first reads it.
TEST(ScrapeCaches, AFamilyNotYetReadDoesNotSplitTheCache) {
  ScrapeBuilder builder;
  builder.Managed(kManaged, kManaged)
      .Family({}, "old", ShareOf(1), 400 * kMiB)
      .Family({}, "new", Bytes{}, Bytes{});
  const Told told = Tell(builder.text());
  ASSERT_THAT(told.FamiliesOfCaches(), ElementsAre(2u));
  EXPECT_EQ(told.Totals().total, 400 * kMiB);
}

TEST(ScrapeCaches, FixedMemoryPerSlotIsSeenByEqualReadings) {
  ScrapeBuilder builder;
  builder.Managed(kManaged, Bytes{})
      .Family({}, "a", 100 * kMiB, 70 * kMiB, 20 * kMiB)
      .Family({}, "b", 100 * kMiB, 70 * kMiB, 10 * kMiB);
  const Told told = Tell(builder.text());
  ASSERT_THAT(told.FamiliesOfCaches(), ElementsAre(2u));
  EXPECT_EQ(told.rocksdb.caches[0].reservations, 30 * kMiB);
  EXPECT_EQ(told.Totals().total, 70 * kMiB);
}

// Flink reads the gauges one after the other, and a scrape may fall into that.
TEST(ScrapeCaches, AScrapeBetweenTwoReadingsShowsTwoUsagesOfOneCache) {
  ScrapeBuilder builder;
  builder.Family({}, "a", 100 * kMiB, 90 * kMiB)
      .Family({}, "b", 100 * kMiB, 90 * kMiB)
      .Family({}, "c", 100 * kMiB, 60 * kMiB)
      .Family({}, "d", 100 * kMiB, 60 * kMiB);
  EXPECT_THAT(Tell(builder.text()).FamiliesOfCaches(), ElementsAre(4u));
}

TEST(ScrapeCaches, ClearlyDifferentUsagesOfOneDatabaseAreOwnCaches) {
  ScrapeBuilder builder;
  builder.Family({}, "a", 100 * kMiB, 90 * kMiB).Family({}, "b", 100 * kMiB, 60 * kMiB);
  EXPECT_THAT(Tell(builder.text()).FamiliesOfCaches(), ElementsAre(1u, 1u));
  // Unless they are Flink's share of managed memory to the byte.
  builder = ScrapeBuilder();
  builder.Managed(kManaged, kManaged)
      .Family({}, "a", ShareOf(1), 90 * kMiB)
      .Family({}, "b", ShareOf(1), 60 * kMiB);
  EXPECT_THAT(Tell(builder.text()).FamiliesOfCaches(), ElementsAre(2u));
}

TEST(ScrapeCaches, FixedMemoryPerTaskManagerIsOneCacheForAllSlotsAndJobs) {
  ScrapeBuilder builder;
  for (int subtask = 0; subtask < 2; ++subtask) {
    builder.Family({.subtask = subtask, .job = "j1"}, "a", 100 * kMiB, 70 * kMiB);
    builder.Family({.subtask = subtask, .job = "j2"}, "a", 100 * kMiB, 70 * kMiB);
  }
  EXPECT_THAT(Tell(builder.text(), Budget::kFixedPerTaskManager).FamiliesOfCaches(),
              ElementsAre(4u));
  EXPECT_THAT(Tell(builder.text(), Budget::kFixedPerSlot).FamiliesOfCaches().size(), 4u);
  // Without the configuration these may be one cache: counted once, and said.
  const Told unknown = Tell(builder.text());
  EXPECT_THAT(unknown.FamiliesOfCaches(), ElementsAre(4u));
  EXPECT_THAT(unknown.notes, Contains(HasSubstr("lower bound")));
}

TEST(ScrapeCaches, WhatFiguresDoNotTellTheConfigurationDoes) {
  // Two families near their capacity, not the same: two full caches, or one.
  ScrapeBuilder builder;
  builder.Family({}, "a", 64 * kMiB, 63 * kMiB).Family({}, "b", 64 * kMiB, 63 * kMiB + kKiB);
  EXPECT_EQ(Tell(builder.text(), Budget::kNone).Totals().total, 126 * kMiB + kKiB);
  EXPECT_EQ(Tell(builder.text(), Budget::kManaged).rocksdb.caches.size(), 1u);
  const Told unknown = Tell(builder.text());
  EXPECT_EQ(unknown.rocksdb.caches.size(), 1u);
  EXPECT_THAT(unknown.notes, Contains(HasSubstr("lower bound")));
  // The configuration asks for managed memory, and nothing of it is in use: the job's code decides.
  builder.Managed(kManaged, Bytes{});
  EXPECT_EQ(Tell(builder.text(), Budget::kManaged).rocksdb.caches.size(), 2u);
}

TEST(ScrapeCaches, RocksDbsOwnDefaultSizesAreOwnCaches) {
  for (const Bytes capacity : {8 * kMiB, 32 * kMiB}) {
    ScrapeBuilder builder;
    builder.Family({}, "a", capacity, capacity - kKiB).Family({}, "b", capacity, capacity);
    EXPECT_EQ(Tell(builder.text()).rocksdb.caches.size(), 2u);
  }
}

TEST(ScrapeCaches, SaysWhichGaugesAreNotSwitchedOn) {
  const Told told = Tell(ScrapeBuilder().Gauge({}, "a", "size_all_mem_tables", kMiB).text());
  EXPECT_TRUE(told.rocksdb.caches.empty());
  EXPECT_EQ(told.Totals().total, kMiB);
  EXPECT_THAT(told.notes, Contains(HasSubstr("block-cache-usage, block-cache-capacity, "
                                             "estimate-table-readers-mem")));
}

ConfiguredRocksDb Configured(const std::string& lines) {
  const auto configuration = flink::ParseConfigFile("taskmanager.memory.process.size: 1g\n" + lines,
                                                    "flink-conf.yaml", flink::Version{1, 18, 0});
  EXPECT_TRUE(configuration.ok());
  const auto configured = ReadConfiguredRocksDb(configuration.value(), flink::Version{1, 18, 0});
  EXPECT_TRUE(configured);
  return *configured;
}

TEST(ScrapeCaches, OptionsThatTheConfigurationDecides) {
  EXPECT_EQ(Configured("").write_buffer_size, 64 * kMiB);
  EXPECT_EQ(Configured("").max_write_buffers, 2);
  const ConfiguredRocksDb set = Configured(
      "state.backend.rocksdb.writebuffer.size: 32mb\nstate.backend.rocksdb.writebuffer.count: 4\n"
      "state.backend.rocksdb.memory.managed: false\n");
  EXPECT_EQ(set.write_buffer_size, 32 * kMiB);
  EXPECT_EQ(set.max_write_buffers, 4);
  EXPECT_EQ(set.budget.kind, Budget::kNone);
  const ConfiguredRocksDb predefined =
      Configured("state.backend.rocksdb.predefined-options: FLASH_SSD_OPTIMIZED\n");
  EXPECT_FALSE(predefined.write_buffer_size);
  EXPECT_FALSE(predefined.max_write_buffers);
}

}  // namespace
}  // namespace wrackline::evidence
