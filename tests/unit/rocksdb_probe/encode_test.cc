// What nanopb wrote, read by libprotobuf.
#include "rocksdb_probe/encode.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lib/proto/wrackline.pb.h"

namespace wrackline::probe {
namespace {

std::vector<proto::Record> Encoded(const RocksDbMemory& memory, std::size_t database = 0) {
  std::vector<proto::Record> records;
  EncodeSample(memory, memory.databases[database], [&](std::string_view bytes) {
    EXPECT_LE(bytes.size(), kMaxEncodedBytes);
    EXPECT_TRUE(
        records.emplace_back().ParseFromArray(bytes.data(), static_cast<int>(bytes.size())));
  });
  return records;
}

TEST(EncodeSample, EveryFigureArrivesAndAnAbsentOneStaysAbsent) {
  RocksDbMemory memory;
  memory.time_ns = 11;
  memory.monotonic_ns = 12;
  memory.cost_ns = 13;
  memory.databases.push_back(
      {.id = 5, .name = "n", .path = "/p", .write_buffer_manager_id = 9, .families = {}});
  memory.databases[0].families.push_back({1, "value", 7, 100, 200, 0, 400, 3});
  memory.databases[0].families.push_back({2, "list", 0, {}, {}, {}, {}, {}});
  memory.caches.push_back({7, 1000, 900, 800, true});
  memory.caches.push_back({8, 1, 1, 1, false});  // of another database
  memory.write_buffer_managers.push_back({9, 64, 60, 50, true, 7, 61});

  const std::vector<proto::Record> records = Encoded(memory);
  ASSERT_EQ(records.size(), 1u);
  EXPECT_EQ(records[0].time_ns(), 11u);
  const proto::RocksDbSample& sample = records[0].rocksdb_sample();
  EXPECT_EQ(sample.database_id(), 5u);
  EXPECT_EQ(sample.monotonic_ns(), 12u);
  EXPECT_EQ(sample.cost_ns(), 13u);
  ASSERT_EQ(sample.families_size(), 2);
  EXPECT_EQ(sample.families(0).name(), "value");
  EXPECT_EQ(sample.families(0).cache_id(), 7u);
  EXPECT_EQ(sample.families(0).active_memtable(), 100u);
  EXPECT_EQ(sample.families(0).unflushed_memtables(), 200u);
  EXPECT_TRUE(sample.families(0).has_all_memtables());
  EXPECT_EQ(sample.families(0).all_memtables(), 0u);
  EXPECT_EQ(sample.families(0).table_readers(), 400u);
  EXPECT_EQ(sample.families(0).immutable_memtables(), 3u);
  EXPECT_FALSE(sample.families(1).has_active_memtable());
  EXPECT_FALSE(sample.families(1).has_immutable_memtables());
  ASSERT_EQ(sample.caches_size(), 1);
  EXPECT_EQ(sample.caches(0).id(), 7u);
  EXPECT_EQ(sample.caches(0).usage(), 900u);
  EXPECT_EQ(sample.caches(0).pinned_usage(), 800u);
  EXPECT_TRUE(sample.caches(0).strict_capacity_limit());
  ASSERT_EQ(sample.write_buffer_managers_size(), 1);
  EXPECT_EQ(sample.write_buffer_managers(0).buffer_size(), 64u);
  EXPECT_EQ(sample.write_buffer_managers(0).memory_usage(), 60u);
  EXPECT_EQ(sample.write_buffer_managers(0).mutable_memory_usage(), 50u);
  EXPECT_EQ(sample.write_buffer_managers(0).cache_reservation(), 61u);
  EXPECT_TRUE(sample.write_buffer_managers(0).charged_to_cache());
  EXPECT_EQ(sample.write_buffer_managers(0).cache_id(), 7u);
}

TEST(EncodeSample, TheSplitArrives) {
  RocksDbMemory memory;
  memory.databases.emplace_back().id = 5;
  memory.databases[0].snapshots = 3;
  memory.databases[0].oldest_snapshot_time = 1'700'000'000;
  memory.databases[0].running_flushes = 1;
  memory.databases[0].running_compactions = 2;
  memory.databases[0].row_cache_id = 8;
  RocksDbFamilyMemory& family = memory.databases[0].families.emplace_back();
  family.cache_id = 7;
  family.blob_cache_id = 9;
  family.cached_blocks = RocksDbBlockBytes{1, 2, 3, 4, 5, 6};
  family.former_blocks = RocksDbBlockBytes{7, 0, 0, 0, 0, 1};
  family.live_versions = 4;
  family.pinned_sst_bytes = 0;
  memory.databases[0].families.emplace_back();
  RocksDbCacheMemory cache{7, 1000, 900, 800, true};
  cache.split = RocksDbCacheSplit{10, 11, 12, 13, 14, 15, 16, 17, 18, {21, 22, 23, 24, 25, 26}};
  memory.caches.push_back(cache);
  memory.caches.push_back({8, 10, 9, 8, false, RocksDbCacheKind::kRow});
  memory.caches.push_back({9, 10, 9, 8, false, RocksDbCacheKind::kBlob});
  const std::vector<proto::Record> records = Encoded(memory);
  ASSERT_EQ(records.size(), 1u);
  const proto::RocksDbSample& sample = records[0].rocksdb_sample();
  EXPECT_EQ(sample.snapshots(), 3u);
  EXPECT_EQ(sample.oldest_snapshot_time(), 1'700'000'000u);
  EXPECT_EQ(sample.running_flushes(), 1u);
  EXPECT_EQ(sample.running_compactions(), 2u);
  const proto::RocksDbBlocks& blocks = sample.families(0).cached_blocks();
  EXPECT_EQ(blocks.data(), 1u);
  EXPECT_EQ(blocks.index(), 2u);
  EXPECT_EQ(blocks.filter(), 3u);
  EXPECT_EQ(blocks.blob(), 4u);
  EXPECT_EQ(blocks.other(), 5u);
  EXPECT_EQ(blocks.entries(), 6u);
  EXPECT_EQ(sample.families(0).live_versions(), 4u);
  EXPECT_TRUE(sample.families(0).has_pinned_sst_bytes());
  EXPECT_EQ(sample.families(0).former_blocks().data(), 7u);
  EXPECT_FALSE(sample.families(1).has_cached_blocks());
  EXPECT_FALSE(sample.families(1).has_former_blocks());
  EXPECT_FALSE(sample.families(1).has_live_versions());
  ASSERT_EQ(sample.caches_size(), 3);
  const proto::RocksDbCacheSplit& split = sample.caches(0).split();
  EXPECT_EQ(split.monotonic_ns(), 10u);
  EXPECT_EQ(split.duration_ns(), 11u);
  EXPECT_EQ(split.cpu_ns(), 12u);
  EXPECT_EQ(split.files_ns(), 13u);
  EXPECT_EQ(split.usage(), 14u);
  EXPECT_EQ(split.charged(), 15u);
  EXPECT_EQ(split.entries(), 16u);
  EXPECT_EQ(split.memtable_reservations(), 17u);
  EXPECT_EQ(split.other_reservations(), 18u);
  EXPECT_EQ(split.unknown().index(), 22u);
  EXPECT_EQ(split.unknown().entries(), 26u);
  EXPECT_EQ(sample.caches(1).kind(), proto::RocksDbCache::BLOB);
  EXPECT_EQ(sample.caches(2).kind(), proto::RocksDbCache::ROW);
  EXPECT_FALSE(sample.caches(1).has_split());
}

TEST(EncodeSample, ManyFamiliesAreSplitAndNoneIsLost) {
  RocksDbMemory memory;
  memory.monotonic_ns = 1;
  memory.databases.emplace_back().id = 3;
  const std::uint64_t huge = ~std::uint64_t{0};
  for (std::uint32_t i = 0; i < 1000; ++i) {  // the longest of everything
    memory.databases[0].families.push_back(
        {~i, std::string(300, 'n'), huge - i, huge, huge, huge, huge, ~0u,
         RocksDbBlockBytes{huge, huge, huge, huge, huge, huge}, ~0u, huge, i + 1,
         RocksDbBlockBytes{huge, huge, huge, huge, huge, huge}});
    const RocksDbCacheSplit split{huge, huge, huge, huge, huge,
                                  huge, huge, huge, huge, {huge, huge, huge, huge, huge, huge}};
    memory.caches.push_back({huge - i, huge, huge, huge, true, RocksDbCacheKind::kBlock, split});
    memory.caches.push_back({i + 1, huge, huge, huge, true, RocksDbCacheKind::kBlob, split});
  }
  const std::vector<proto::Record> records = Encoded(memory);
  EXPECT_EQ(records.size(), (1000 + kFamiliesPerSample - 1) / kFamiliesPerSample);
  std::uint32_t next = 0;
  for (const proto::Record& record : records) {
    EXPECT_EQ(record.rocksdb_sample().database_id(), 3u);
    EXPECT_EQ(2 * record.rocksdb_sample().families_size(), record.rocksdb_sample().caches_size());
    for (const auto& family : record.rocksdb_sample().families()) EXPECT_EQ(family.id(), ~next++);
  }
  EXPECT_EQ(next, 1000u);
}

TEST(EncodeDatabase, SaysTheOptionsAndKeepsWithinASubmission) {
  DatabaseFacts database;
  database.id = 4;
  database.name = "orders";
  database.path = "/data/orders";
  FamilyFacts facts;
  facts.id = 2;
  facts.name = "value";
  facts.cache_id = 77;
  facts.write_buffer_size = 64 << 20;
  facts.max_write_buffer_number = 2;
  facts.arena_block_size = 1 << 20;
  facts.cache_index_and_filter_blocks = true;
  database.families.push_back(facts);
  proto::Record record;
  ASSERT_TRUE(record.ParseFromString(EncodeDatabase(database, false, 99)));
  EXPECT_EQ(record.time_ns(), 99u);
  EXPECT_EQ(record.rocksdb_database().database_id(), 4u);
  EXPECT_EQ(record.rocksdb_database().path(), "/data/orders");
  EXPECT_EQ(record.rocksdb_database().name(), "orders");
  EXPECT_FALSE(record.rocksdb_database().closed());
  EXPECT_THAT(record.rocksdb_database().rocksdb_version(),
              ::testing::MatchesRegex("[0-9]+\\.[0-9]+\\.[0-9]+"));
  const proto::RocksDbFamily& family = record.rocksdb_database().families(0);
  EXPECT_EQ(family.write_buffer_size(), 64u << 20);
  EXPECT_EQ(family.max_write_buffer_number(), 2u);
  EXPECT_EQ(family.arena_block_size(), 1u << 20);
  EXPECT_TRUE(family.cache_index_and_filter_blocks());
  EXPECT_EQ(family.cache_id(), 77u);

  facts.name.assign(255, 'n');
  database.families.assign(2000, facts);
  const std::string bytes = EncodeDatabase(database, true, 1);
  EXPECT_LE(bytes.size(), kMaxEncodedBytes);
  ASSERT_TRUE(record.ParseFromString(bytes));
  EXPECT_TRUE(record.rocksdb_database().closed());
  EXPECT_GT(record.rocksdb_database().families_size(), 180);
}

std::string Copied(std::string_view text, std::size_t size) {
  std::string out(size, '#');
  CopyText(text, out.data(), size);
  EXPECT_EQ(out.back(), '\0');
  return out.c_str();
}

TEST(CopyText, KeepsUtf8AndReplacesTheRest) {
  EXPECT_EQ(Copied("plain", 16), "plain");
  EXPECT_EQ(Copied("caf\xC3\xA9 \xE2\x82\xAC \xF0\x9F\x8C\x8A", 32),
            "caf\xC3\xA9 \xE2\x82\xAC \xF0\x9F\x8C\x8A");
  EXPECT_EQ(Copied("cut \xE2\x82\xAC", 7), "cut ");
  EXPECT_EQ(Copied("cut", 3), "cu");
  EXPECT_EQ(Copied(std::string_view("a\0b", 3), 8), "a?b");
  EXPECT_EQ(Copied("\xFF\x80\xC0\xAF", 8), "????");
  EXPECT_EQ(Copied("\xED\xA0\x80", 8), "???");       // a surrogate
  EXPECT_EQ(Copied("\xE0\x80\x80", 8), "???");       // overlong
  EXPECT_EQ(Copied("\xF4\x90\x80\x80", 8), "????");  // beyond U+10FFFF
  EXPECT_EQ(Copied("\xE2\x82", 8), "??");            // torn
}

}  // namespace
}  // namespace wrackline::probe
