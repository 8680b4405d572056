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

constexpr Version kFlink1{1, 20, 3}, kFlink2{2, 0, 0};

// As rocksdb.cur-size-active-mem-table of real TaskManagers has it: 8,390,664 bytes at first in Flink 1.20, and steps of 1 MiB in 2.3.
TEST(RocksDbMemory, ArenaBlocksAreOneMebibyteAtMostFromFlinkTwoOn) {
  EXPECT_EQ(ArenaBlockSize(64 * kMiB, kFlink1), 8 * kMiB);
  EXPECT_EQ(ArenaBlockSize(64 * kMiB, kFlink2), 1 * kMiB);
  EXPECT_EQ(ArenaBlockSize(4 * kMiB, kFlink1), 512 * kKiB);
  EXPECT_EQ(ArenaBlockSize(4 * kMiB, kFlink2), 512 * kKiB);
}

// Measured: four states under 38.4 MiB flushed without end with 64 MiB write buffers, and not with 48, 36, 32 or 16.
TEST(RocksDbMemory, TheBlocksOfAllWrittenFamiliesFitTheManager) {
  const Bytes manager{38 * kMiB + 400 * kKiB};
  EXPECT_FALSE(ArenaBlocksFit(4, 8 * kMiB, manager));
  EXPECT_TRUE(ArenaBlocksFit(4, 6 * kMiB, manager));
  EXPECT_EQ(LargestWriteBuffer(64 * kMiB, 4, manager, kFlink1), 32 * kMiB);
  EXPECT_EQ(LargestWriteBuffer(48 * kMiB, 4, manager, kFlink1), 48 * kMiB);
  EXPECT_EQ(LargestWriteBuffer(64 * kMiB, 3, 32 * kMiB, kFlink1), 64 * kMiB);
  EXPECT_EQ(LargestWriteBuffer(64 * kMiB, 4, 32 * kMiB, kFlink1), 16 * kMiB);
  EXPECT_EQ(LargestWriteBuffer(100 * kMiB, 4, manager, kFlink1), 32 * kMiB);
  EXPECT_EQ(LargestWriteBuffer(64 * kMiB, 15, 32 * kMiB, kFlink1), 8 * kMiB);
  EXPECT_EQ(LargestWriteBuffer(64 * kMiB, 31, 32 * kMiB, kFlink2), 64 * kMiB);
  EXPECT_EQ(LargestWriteBuffer(64 * kMiB, 32, 32 * kMiB, kFlink2), 2 * kMiB);
  EXPECT_EQ(LargestWriteBuffer(64 * kMiB, 1000, 32 * kMiB, kFlink1), Bytes{});
  EXPECT_EQ(LargestWriteBuffer(512 * kKiB, 1000, 32 * kMiB, kFlink1), Bytes{});
  EXPECT_EQ(LargestWriteBuffer(64 * kMiB, 0, Bytes{}, kFlink1), Bytes{});
}

}  // namespace
}  // namespace wrackline::flink
