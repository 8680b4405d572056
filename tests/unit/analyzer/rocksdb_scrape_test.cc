#include "analyzer/evidence/rocksdb_scrape.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/analyzer/scrape_builder.h"

namespace wrackline::evidence {
namespace {

using testing::ScrapeBuilder;

FlinkScrape Read(const std::string& text) {
  const Result<FlinkScrape> scrape = ReadFlinkScrape(text);
  EXPECT_TRUE(scrape.ok());
  return scrape.ok() ? scrape.value() : FlinkScrape{};
}

TEST(RocksDbScrape, BothFormsOfNames) {
  const std::string labels = "job_id=\"j\",operator_name=\"op\",tm_id=\"tm\",subtask_index=\"3\"";
  const auto scrape =
      Read("flink_taskmanager_job_task_operator_my_state_rocksdb_block_cache_usage{" + labels +
           "} 5\n"
           "flink_taskmanager_job_task_operator_column_family_rocksdb_block_cache_"
           "usage{column_family=\"my-state/2\"," +
           labels + "} 6\n");
  ASSERT_EQ(scrape.task_managers.size(), 1u);
  ASSERT_EQ(scrape.task_managers[0].databases.size(), 1u);
  const ScrapedDatabase& database = scrape.task_managers[0].databases[0];
  EXPECT_EQ(database.Label(), "op[3]");
  ASSERT_EQ(database.families.size(), 2u);
  EXPECT_EQ(database.families[0].name, "my-state/2");
  EXPECT_EQ(database.families[0].cache_usage, Bytes{6});
  EXPECT_EQ(database.families[1].name, "my_state");
  EXPECT_EQ(database.families[1].cache_usage, Bytes{5});
}

TEST(RocksDbScrape, EveryGaugeAndTheJvm) {
  ScrapeBuilder builder;
  int amount = 10;
  for (const char* property :
       {"block_cache_capacity", "block_cache_usage", "block_cache_pinned_usage",
        "cur_size_active_mem_table", "cur_size_all_mem_tables", "size_all_mem_tables",
        "estimate_table_readers_mem", "num_immutable_mem_table", "estimate_num_keys"})
    builder.Gauge({}, "s", property, Bytes{amount++});
  builder.Status("JVM_Memory_Heap_Committed", 100 * kMiB)
      .Status("JVM_Memory_Heap_Max", Bytes{-1})
      .Status("JVM_Memory_Direct_MemoryUsed", 7 * kMiB)
      .Managed(Bytes{1000}, Bytes{0});
  const auto scrape = Read(builder.text());
  ASSERT_EQ(scrape.task_managers.size(), 1u);
  const ScrapedTaskManager& manager = scrape.task_managers[0];
  EXPECT_EQ(manager.id, "tm");
  ASSERT_EQ(manager.databases.size(), 1u);
  ASSERT_EQ(manager.databases[0].families.size(), 1u);
  const ScrapedFamily& family = manager.databases[0].families[0];
  EXPECT_EQ(family.cache_capacity, Bytes{10});
  EXPECT_EQ(family.cache_usage, Bytes{11});
  EXPECT_EQ(family.cache_pinned, Bytes{12});
  EXPECT_EQ(family.active_memtable, Bytes{13});
  EXPECT_EQ(family.unflushed_memtables, Bytes{14});
  EXPECT_EQ(family.all_memtables, Bytes{15});
  EXPECT_EQ(family.table_readers, Bytes{16});
  EXPECT_EQ(family.immutable_memtables, 17);
  EXPECT_EQ(manager.memory.heap_committed, 100 * kMiB);
  EXPECT_FALSE(manager.memory.heap_max);  // Java's -1: not defined
  EXPECT_EQ(manager.memory.direct, 7 * kMiB);
  EXPECT_EQ(manager.memory.managed_used, Bytes{0});
}

TEST(RocksDbScrape, WhatIsNoAmountIsMissing) {
  const std::string name = "flink_taskmanager_job_task_operator_s_rocksdb_block_cache_usage ";
  for (const char* value : {"NaN", "-1", "+Inf"}) {
    const auto scrape = Read(name + value + "\n");
    ASSERT_EQ(scrape.task_managers.size(), 1u);
    EXPECT_FALSE(scrape.task_managers[0].databases[0].families[0].cache_usage) << value;
  }
  // More than any machine has: cut, so that no sum overflows.
  const auto scrape = Read(name + "1e200\n");
  EXPECT_EQ(scrape.task_managers[0].databases[0].families[0].cache_usage, Bytes{(1LL << 51) - 1});
}

TEST(RocksDbScrape, TheLastSampleOfASeriesAndTheNewestAttemptCount) {
  ScrapeBuilder builder;
  builder.Gauge({}, "s", "block_cache_usage", Bytes{1})
      .Gauge({}, "s", "block_cache_usage", Bytes{2})
      .Gauge({.attempt = 1}, "s", "block_cache_usage", Bytes{3});
  const auto scrape = Read(builder.text());
  ASSERT_EQ(scrape.task_managers[0].databases.size(), 1u);
  EXPECT_EQ(scrape.task_managers[0].databases[0].families[0].cache_usage, Bytes{3});
  ASSERT_EQ(scrape.task_managers[0].remarks.size(), 1u);
  EXPECT_THAT(scrape.task_managers[0].remarks[0], ::testing::HasSubstr("earlier attempt"));
  const auto first = Read(ScrapeBuilder().Gauge({}, "s", "block_cache_usage", Bytes{1}).text() +
                          ScrapeBuilder().Gauge({}, "s", "block_cache_usage", Bytes{2}).text());
  EXPECT_EQ(first.task_managers[0].databases[0].families[0].cache_usage, Bytes{2});
}

TEST(RocksDbScrape, OtherMetricsAreNothing) {
  const auto scrape = Read(
      "up 1\nflink_taskmanager_job_task_operator_numRecordsIn{tm_id=\"a\"} 1\n"
      "flink_jobmanager_Status_JVM_Memory_Heap_Used 7\n"
      "flink_taskmanager_job_task_operator_s_rocksdb_bytes_written{tm_id=\"a\"} 1\n");
  EXPECT_TRUE(scrape.task_managers.empty());
}

TEST(RocksDbScrape, ErrorsAreTheTexts) {
  const auto scrape = ReadFlinkScrape("up 1\nflink{\n");
  ASSERT_FALSE(scrape.ok());
  EXPECT_THAT(scrape.error().message, ::testing::HasSubstr("line 2"));
}

}  // namespace
}  // namespace wrackline::evidence
