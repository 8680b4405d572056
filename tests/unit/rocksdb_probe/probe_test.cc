// The probe's figures against what RocksDB itself says.
#include "wrackline/rocksdb_probe.h"

#include <gmock/gmock.h>
#include <cerrno>

#include "lib/proto/wrackline.pb.h"
#include "preload/include/wrackline/shim.h"
#include "tests/unit/rocksdb_probe/fake_shim.h"
#include "tests/unit/rocksdb_probe/test_database.h"

namespace wrackline::probe {
namespace {

using ::testing::SizeIs;

RocksDbProbeOptions NoSink() {
  RocksDbProbeOptions options;
  options.record_to_file = false;
  return options;
}

TEST(RocksDbProbe, FiguresAreThoseOfThePropertiesAtTheSameMoment) {
  TestDatabase database;
  const auto families = database.families();
  database.Write(families[0], 3000);
  database.Write(families[1], 500);
  database.Flush(families[0]);
  database.ReadAll(families[0]);
  database.Write(families[0], 100);
  ASSERT_TRUE(database.db()->PauseBackgroundWork().ok());

  RocksDbProbe probe(NoSink());
  ASSERT_TRUE(probe.Watch(database.db(), families, {.name = "orders"}).ok());
  const RocksDbMemory memory = probe.SampleNow();

  ASSERT_THAT(memory.databases, SizeIs(1));
  EXPECT_EQ(memory.databases[0].name, "orders");
  EXPECT_EQ(memory.databases[0].path, database.db()->GetName());
  EXPECT_EQ(memory.databases[0].write_buffer_manager_id, 0u);
  ASSERT_THAT(memory.databases[0].families, SizeIs(2));
  std::uint64_t memtables = 0;
  for (std::size_t i = 0; i < 2; ++i) {
    const RocksDbFamilyMemory& family = memory.databases[0].families[i];
    SCOPED_TRACE(family.name);
    EXPECT_EQ(family.name, families[i]->GetName());
    EXPECT_EQ(family.id, families[i]->GetID());
    EXPECT_EQ(family.active_memtable,
              database.Property(families[i], "rocksdb.cur-size-active-mem-table"));
    EXPECT_EQ(family.unflushed_memtables,
              database.Property(families[i], "rocksdb.cur-size-all-mem-tables"));
    EXPECT_EQ(family.all_memtables, database.Property(families[i], "rocksdb.size-all-mem-tables"));
    EXPECT_EQ(family.table_readers,
              database.Property(families[i], "rocksdb.estimate-table-readers-mem"));
    EXPECT_EQ(family.immutable_memtables,
              database.Property(families[i], "rocksdb.num-immutable-mem-table"));
    EXPECT_GT(family.active_memtable, 0u);
    memtables += *family.all_memtables;
  }
  EXPECT_GT(memory.databases[0].families[0].table_readers, 0u);
  EXPECT_EQ(memory.MemtableBytes(), memtables);
  ASSERT_THAT(memory.caches, SizeIs(2));
  EXPECT_EQ(memory.caches[0].capacity, 8u << 20);
  EXPECT_GT(memory.caches[0].usage, 1'000'000u);  // ReadAll has filled it
  EXPECT_EQ(memory.caches[0].usage, database.Property(families[0], "rocksdb.block-cache-usage"));
  EXPECT_EQ(memory.caches[0].pinned_usage,
            database.Property(families[0], "rocksdb.block-cache-pinned-usage"));
  EXPECT_EQ(memory.TotalBytes(), memtables + *memory.caches[0].usage + *memory.caches[1].usage +
                                     *memory.databases[0].families[0].table_readers +
                                     *memory.databases[0].families[1].table_readers);
  ASSERT_TRUE(database.db()->ContinueBackgroundWork().ok());
}

TEST(RocksDbProbe, MemtablesKeptByAReaderShowInAllButNotInUnflushed) {
  TestDatabase database;
  auto* family = database.families()[0];
  database.Write(family, 2000);
  const std::unique_ptr<rocksdb::Iterator> reader(
      database.db()->NewIterator(rocksdb::ReadOptions(), family));
  database.Flush(family);
  RocksDbProbe probe(NoSink());
  ASSERT_TRUE(probe.Watch(database.db(), {family}).ok());
  const RocksDbMemory memory = probe.SampleNow();
  const RocksDbFamilyMemory& figures = memory.databases[0].families[0];
  EXPECT_GT(*figures.all_memtables, *figures.unflushed_memtables + 1'000'000);
}

TEST(RocksDbProbe, ASharedCacheIsCountedOnceAcrossFamiliesAndDatabases) {
  DatabaseSetup setup;
  setup.families = {"value", "list", "map"};
  setup.shared_cache = rocksdb::NewLRUCache(16u << 20);
  TestDatabase first(setup);
  TestDatabase second(setup);
  for (auto* family : first.families()) {
    first.Write(family, 1000);
    first.Flush(family);
    first.ReadAll(family);
  }
  RocksDbProbe probe(NoSink());
  ASSERT_TRUE(probe.Watch(first.db(), first.families()).ok());
  ASSERT_TRUE(probe.Watch(second.db(), second.families()).ok());
  const RocksDbMemory memory = probe.SampleNow();
  ASSERT_THAT(memory.databases, SizeIs(2));
  EXPECT_NE(memory.databases[0].id, memory.databases[1].id);
  ASSERT_THAT(memory.caches, SizeIs(1));
  EXPECT_EQ(memory.caches[0].id, reinterpret_cast<std::uintptr_t>(setup.shared_cache.get()));
  EXPECT_EQ(memory.CacheBytes(), setup.shared_cache->GetUsage());
  EXPECT_GT(memory.CacheBytes(), 2'000'000u);
  for (const auto& database : memory.databases) {
    for (const auto& family : database.families) EXPECT_EQ(family.cache_id, memory.caches[0].id);
  }
}

TEST(RocksDbProbe, AWriteBufferManagerChargedToTheCacheIsSeenAndNotAddedToIt) {
  DatabaseSetup setup;
  setup.shared_cache = rocksdb::NewLRUCache(64u << 20);
  setup.manager = std::make_shared<rocksdb::WriteBufferManager>(32u << 20, setup.shared_cache);
  TestDatabase database(setup);
  database.Write(database.families()[0], 8000);
  RocksDbProbe probe(NoSink());
  ASSERT_TRUE(probe
                  .Watch(database.db(), database.families(),
                         {.write_buffer_manager_cache = setup.shared_cache.get()})
                  .ok());
  const RocksDbMemory memory = probe.SampleNow();
  ASSERT_THAT(memory.write_buffer_managers, SizeIs(1));
  const RocksDbWriteBufferManagerMemory& manager = memory.write_buffer_managers[0];
  EXPECT_EQ(manager.id, memory.databases[0].write_buffer_manager_id);
  EXPECT_TRUE(manager.charged_to_cache);
  EXPECT_EQ(manager.cache_id, memory.caches[0].id);
  EXPECT_EQ(manager.buffer_size, 32u << 20);
  EXPECT_EQ(manager.memory_usage, setup.manager->memory_usage());
  EXPECT_EQ(manager.mutable_usage, setup.manager->mutable_memtable_memory_usage());
  EXPECT_GT(manager.memory_usage, 8'000'000u);
  // The reservation covers the memtables, and is in the cache's usage.
  EXPECT_GE(*manager.cache_reservation, *manager.memory_usage);
  EXPECT_LE(*manager.cache_reservation, *memory.caches[0].usage);
  EXPECT_LT(memory.TotalBytes(), memory.CacheBytes() + 1'000'000);
}

TEST(RocksDbProbe, AnUnchargedManagerIsAddedBesideTheCache) {
  DatabaseSetup setup;
  setup.manager = std::make_shared<rocksdb::WriteBufferManager>(32u << 20);
  TestDatabase database(setup);
  database.Write(database.families()[0], 2000);
  RocksDbProbe probe(NoSink());
  ASSERT_TRUE(probe.Watch(database.db(), database.families()).ok());
  const RocksDbMemory memory = probe.SampleNow();
  ASSERT_THAT(memory.write_buffer_managers, SizeIs(1));
  EXPECT_FALSE(memory.write_buffer_managers[0].charged_to_cache);
  EXPECT_FALSE(memory.write_buffer_managers[0].cache_reservation.has_value());
  EXPECT_EQ(memory.write_buffer_managers[0].cache_id, 0u);
  EXPECT_GE(memory.TotalBytes(), memory.MemtableBytes() + memory.CacheBytes());
}

TEST(RocksDbProbe, TheDefaultFamilyIsWatchedWhenNoneIsNamed) {
  TestDatabase database;
  RocksDbProbe probe(NoSink());
  ASSERT_TRUE(probe.Watch(database.db(), {}).ok());
  const RocksDbMemory memory = probe.SampleNow();
  ASSERT_THAT(memory.databases[0].families, SizeIs(1));
  EXPECT_EQ(memory.databases[0].families[0].name, "default");
}

TEST(RocksDbProbe, AFamilyWithoutACacheHasNone) {
  TestDatabase database;
  rocksdb::BlockBasedTableOptions table;
  table.no_block_cache = true;
  rocksdb::ColumnFamilyOptions options;
  options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  rocksdb::ColumnFamilyHandle* family = nullptr;
  ASSERT_TRUE(database.db()->CreateColumnFamily(options, "uncached", &family).ok());
  database.handles().push_back(family);
  RocksDbProbe probe(NoSink());
  ASSERT_TRUE(probe.Watch(database.db(), {family}).ok());
  const RocksDbMemory memory = probe.SampleNow();
  EXPECT_EQ(memory.databases[0].families[0].cache_id, 0u);
  EXPECT_THAT(memory.caches, SizeIs(0));
}

TEST(RocksDbProbe, WhatCannotBeWatchedIsSaid) {
  TestDatabase database;
  RocksDbProbe probe(NoSink());
  EXPECT_TRUE(probe.Watch(nullptr, {}).IsInvalidArgument());
  EXPECT_TRUE(probe.Watch(database.db(), {nullptr}).IsInvalidArgument());
  EXPECT_TRUE(probe.Unwatch(database.db()).IsNotFound());
  EXPECT_TRUE(probe.UnwatchFamily(database.db(), database.families()[0]).IsNotFound());
  EXPECT_THAT(probe.SampleNow().databases, SizeIs(0));
}

TEST(RocksDbProbe, TheShimGetsStateOnceAndThenSamples) {
  FakeShim shim;
  TestDatabase database;
  RocksDbProbe probe;
  ASSERT_TRUE(probe.Watch(database.db(), database.families(), {.name = "orders"}).ok());
  probe.SampleNow();
  probe.SampleNow();
  ASSERT_TRUE(probe.Unwatch(database.db()).ok());
  probe.SampleNow();
  const std::vector<Submitted> submitted = shim.Take();
  ASSERT_THAT(submitted, SizeIs(4));
  EXPECT_EQ(submitted[0].kind, WRACKLINE_SUBMIT_STATE);
  EXPECT_EQ(submitted[1].kind, WRACKLINE_SUBMIT_HISTORY);
  EXPECT_EQ(submitted[1].key, submitted[2].key);
  EXPECT_EQ(submitted[3].kind, WRACKLINE_SUBMIT_ENDED);
  EXPECT_EQ(submitted[0].key, submitted[3].key);
  EXPECT_NE(submitted[0].key, submitted[1].key);
  proto::Record state;
  ASSERT_TRUE(state.ParseFromString(submitted[0].record));
  EXPECT_EQ(state.rocksdb_database().name(), "orders");
  EXPECT_FALSE(state.rocksdb_database().closed());
  ASSERT_TRUE(state.ParseFromString(submitted[3].record));
  EXPECT_TRUE(state.rocksdb_database().closed());
  EXPECT_EQ(probe.statistics().records_submitted, 4u);
}

TEST(RocksDbProbe, StateThatTheShimRefusedIsOfferedAgain) {
  FakeShim shim;
  shim.AnswerWith(EAGAIN);
  TestDatabase database;
  RocksDbProbe probe;
  ASSERT_TRUE(probe.Watch(database.db(), database.families()).ok());
  EXPECT_EQ(probe.statistics().records_refused, 1u);
  shim.AnswerWith(0);
  probe.SampleNow();
  EXPECT_THAT(shim.Take(), SizeIs(2));
  shim.AnswerWith(EAGAIN);
  ASSERT_TRUE(probe.Unwatch(database.db()).ok());
  shim.AnswerWith(0);
  probe.SampleNow();
  const std::vector<Submitted> submitted = shim.Take();
  ASSERT_THAT(submitted, SizeIs(1));
  proto::Record state;
  ASSERT_TRUE(state.ParseFromString(submitted[0].record));
  EXPECT_TRUE(state.rocksdb_database().closed());
}

}  // namespace
}  // namespace wrackline::probe
