#include "analyzer/flink/rocksdb_memory.h"

#include "tests/unit/flink/recorded_rows.h"

namespace wrackline::flink {
namespace {

class RocksDbMemoryRows : public ::testing::TestWithParam<RecordedFile> {};

TEST_P(RocksDbMemoryRows, EveryRowIsEqual) {
  for (const auto& row : LoadRows("rocksdb-memory", GetParam().file)) {
    const Bytes managed{row.at("managed_bytes").get<std::int64_t>()};
    const Bytes write_buffer{row.at("write_buffer_size").get<std::int64_t>()};
    const RocksDbMemory memory =
        DivideForRocksDb(managed, row.at("write_buffer_ratio").get<double>());
    EXPECT_EQ(memory.cache_capacity.count, row.at("cache_capacity").get<std::int64_t>()) << row;
    EXPECT_EQ(memory.write_buffer_manager_capacity.count,
              row.at("write_buffer_manager_capacity").get<std::int64_t>())
        << row;
    if (!row.contains("default_arena_block_size")) continue;
    EXPECT_EQ(ArenaBlockSize(write_buffer).count,
              row.at("default_arena_block_size").get<std::int64_t>())
        << row;
    if (!row.contains("mutable_limit")) continue;
    EXPECT_EQ(MutableLimit(memory.write_buffer_manager_capacity).count,
              row.at("mutable_limit").get<std::int64_t>())
        << row;
    EXPECT_EQ(ArenaBlockFits(write_buffer, memory.write_buffer_manager_capacity),
              row.at("arena_block_size_valid").get<bool>())
        << row;
  }
}

INSTANTIATE_TEST_SUITE_P(Releases, RocksDbMemoryRows,
                         ::testing::Values(RecordedFile{"1.10.0", "1.10.0"},
                                           RecordedFile{"1.12.7", "1.12.7"}),
                         NameOf);

TEST(RocksDbMemory, OneGigabyteTaskManager) {
  const RocksDbMemory memory = DivideForRocksDb({308700779}, 0.5);
  EXPECT_EQ(memory.cache_capacity.count, 257250649);
  EXPECT_EQ(memory.write_buffer_manager_capacity.count, 102900259);
  EXPECT_EQ(ManagedPerSlot({308700779}, 2).count, 154350389);
}

}  // namespace
}  // namespace wrackline::flink
