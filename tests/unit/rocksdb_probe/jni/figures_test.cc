#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/rocksdb_probe/jni/jni_libraries.h"

namespace wrackline::rocksdb_jni {
namespace {

using ::testing::Optional;

class FiguresTest : public JniLibraryTest {};
INSTANTIATE_TEST_SUITE_P(Libraries, FiguresTest, ::testing::ValuesIn(TestedLibraries()), NameOf);

TEST_P(FiguresTest, ALibraryIsKnownByAnAddressInIt) {
  const char* why = nullptr;
  EXPECT_EQ(FindJniLibrary(api().Code(), &why), &library());
  if (GetParam().version != "?") {
    EXPECT_EQ(Facts(library()).version, GetParam().version);
    EXPECT_EQ(Facts(library()).can_split, GetParam().splits);
    EXPECT_EQ(Facts(library()).why_no_split == nullptr, GetParam().splits);
  }
}

TEST_P(FiguresTest, WhatIsNoRocksDbIsRefusedWithAReason) {
  const char* why = nullptr;
  EXPECT_EQ(FindJniLibrary(reinterpret_cast<const void*>(&std::getenv), &why), nullptr);
  EXPECT_STREQ(why, "this library exports no RocksDB");
  int here = 0;
  why = nullptr;
  EXPECT_EQ(FindJniLibrary(&here, &why), nullptr);
  EXPECT_STREQ(why, "no loaded library has this address");
}

TEST_P(FiguresTest, EveryFigureIsTheOneOfTheCApi) {
  JniDatabase database(api(), folder_.path() + "/db", {});
  ASSERT_EQ(database.error(), "");
  for (std::size_t family = 0; family < database.size(); ++family) {
    database.Put(family, 0, 500 * (static_cast<int>(family) + 1));
    if (family == 2) database.Flush(family);
    database.Put(family, 0, 100);
  }
  database.Read(2, 100, 1000);
  for (std::size_t family = 0; family < database.size(); ++family) {
    FamilyFigures figures;
    ReadFamily(library(), FamilyOf(database, family), &figures);
    const auto expect = [&](const Figure& figure, const char* name) {
      const std::int64_t wanted = database.Property(family, name);
      EXPECT_EQ(figure ? static_cast<std::int64_t>(*figure) : -1, wanted) << name;
    };
    expect(figures.active_memtable, "rocksdb.cur-size-active-mem-table");
    expect(figures.unflushed_memtables, "rocksdb.cur-size-all-mem-tables");
    expect(figures.all_memtables, "rocksdb.size-all-mem-tables");
    expect(figures.immutable_memtables, "rocksdb.num-immutable-mem-table");
    expect(figures.table_readers, "rocksdb.estimate-table-readers-mem");
    expect(figures.cache_capacity, "rocksdb.block-cache-capacity");
    expect(figures.cache_usage, "rocksdb.block-cache-usage");
    expect(figures.cache_pinned, "rocksdb.block-cache-pinned-usage");
    expect(figures.live_versions, "rocksdb.num-live-versions");
    EXPECT_GT(figures.all_memtables.value_or(0), 40000u);
    EXPECT_THAT(figures.pinned_sst_bytes, Optional(0u));
  }
  FamilyFigures last;
  ReadFamily(library(), FamilyOf(database, 2), &last);
  EXPECT_GT(last.table_readers.value_or(0), 0u);
  EXPECT_GT(last.cache_usage.value_or(0), 100000u);

  DatabaseFigures counts;
  ReadDatabase(library(), FamilyOf(database, 0), &counts);
  EXPECT_THAT(counts.snapshots, Optional(0u));
  EXPECT_EQ(counts.oldest_snapshot_time, std::nullopt);
  EXPECT_THAT(counts.running_flushes, Optional(0u));
  EXPECT_THAT(counts.running_compactions, Optional(0u));
  EXPECT_EQ(ReadProperty(library(), FamilyOf(database, 0), "rocksdb.no-such-property"),
            std::nullopt);
}

TEST_P(FiguresTest, NamesIdsAndTheDefaultFamily) {
  const std::string path = folder_.path() + "/db";
  // Longer than a small string's own room, and than what FamilyFacts takes.
  const std::string longest(300, 'n');
  JniDatabase database(api(), path,
                       {.families = {"default", "a family with a long name", longest}});
  ASSERT_EQ(database.error(), "");
  FamilyFacts facts;
  ASSERT_TRUE(ReadFamilyFacts(library(), database.handle(1), &facts));
  EXPECT_STREQ(facts.name, "a family with a long name");
  EXPECT_EQ(facts.id, 1u);
  ASSERT_TRUE(ReadFamilyFacts(library(), database.handle(2), &facts));
  EXPECT_EQ(facts.name, longest.substr(0, kNameBytes - 1));
  void* all = DefaultFamily(library(), database.db());
  std::uint32_t id = 9;
  char name[16];
  ASSERT_TRUE(ReadFamilyName(library(), all, &id, name, sizeof name));
  EXPECT_STREQ(name, "default");
  EXPECT_EQ(id, 0u);
  DatabaseFacts database_facts;
  ASSERT_TRUE(ReadDatabaseFacts(library(), database.db(), &database_facts));
  EXPECT_EQ(database_facts.path, path);
}

TEST_P(FiguresTest, OptionsThatMatter) {
  const JniCache cache(api(), 8 << 20);
  JniDatabase database(api(), folder_.path() + "/db",
                       {.cache = &cache, .index_in_cache = true, .write_buffer_size = 12345678});
  ASSERT_EQ(database.error(), "");
  FamilyFacts facts;
  ASSERT_TRUE(ReadFamilyFacts(library(), database.handle(1), &facts));
  EXPECT_THAT(facts.write_buffer_size, Optional(12345678u));
  EXPECT_THAT(facts.max_write_buffer_number, Optional(2u));
  EXPECT_THAT(facts.min_write_buffer_number_to_merge, Optional(1u));
  EXPECT_GT(facts.arena_block_size.value_or(0), 0u);
  EXPECT_THAT(facts.cache_index_and_filter_blocks, Optional(true));
  EXPECT_THAT(facts.pin_l0_filter_and_index_blocks_in_cache, Optional(false));
  EXPECT_THAT(facts.partition_filters, Optional(false));
  EXPECT_THAT(facts.partitioned_index, Optional(false));
  DatabaseFacts database_facts;
  ASSERT_TRUE(ReadDatabaseFacts(library(), database.db(), &database_facts));
  EXPECT_THAT(database_facts.max_open_files, Optional(-1));
  EXPECT_THAT(database_facts.writable_file_max_buffer_size, Optional(1u << 20));
  EXPECT_EQ(database_facts.row_cache, nullptr);
  EXPECT_EQ(database_facts.write_buffer_manager, nullptr);
}

TEST_P(FiguresTest, ASharedCacheIsOneAndNoneIsNone) {
  const JniCache cache(api(), 8 << 20);
  JniDatabase shared(api(), folder_.path() + "/shared", {.cache = &cache});
  JniDatabase own(api(), folder_.path() + "/own", {});
  JniDatabase none(api(), folder_.path() + "/none", {.no_cache = true});
  ASSERT_EQ(shared.error() + own.error() + none.error(), "");
  FamilyFacts facts;
  for (std::size_t family = 0; family < shared.size(); ++family) {
    ASSERT_TRUE(ReadFamilyFacts(library(), shared.handle(family), &facts));
    EXPECT_EQ(facts.block_cache, cache.object());
    EXPECT_EQ(facts.blob_cache, nullptr);
  }
  ASSERT_TRUE(ReadFamilyFacts(library(), own.handle(1), &facts));
  EXPECT_NE(facts.block_cache, nullptr);
  EXPECT_NE(facts.block_cache, cache.object());
  ASSERT_TRUE(ReadFamilyFacts(library(), none.handle(1), &facts));
  EXPECT_EQ(facts.block_cache, nullptr);

  shared.Put(1, 0, 2000);
  shared.Flush(1);
  shared.Read(1, 0, 2000);
  CacheFigures figures;
  ReadCache(library(), cache.object(), true, &figures);
  EXPECT_THAT(figures.capacity, Optional(8u << 20));
  EXPECT_THAT(figures.usage, Optional(cache.Usage()));
  EXPECT_GT(figures.usage.value_or(0), 500000u);
  EXPECT_TRUE(figures.pinned_usage.has_value());
  EXPECT_THAT(figures.strict_capacity_limit, Optional(false));
}

TEST_P(FiguresTest, WhatIsNoObjectOfRocksDbGivesNothing) {
  std::uint64_t zeros[64] = {};
  std::uint64_t words[64];
  for (auto& word : words) word = reinterpret_cast<std::uint64_t>(&zeros);
  for (void* object : {static_cast<void*>(nullptr), reinterpret_cast<void*>(8),
                       reinterpret_cast<void*>(0x7f0000000000), static_cast<void*>(zeros),
                       static_cast<void*>(words), static_cast<void*>(&words[1])}) {
    FamilyFigures figures;
    ReadFamily(library(), {object, object}, &figures);
    EXPECT_EQ(figures.all_memtables, std::nullopt);
    FamilyFacts facts;
    EXPECT_FALSE(ReadFamilyFacts(library(), object, &facts));
    DatabaseFacts database_facts;
    EXPECT_FALSE(ReadDatabaseFacts(library(), object, &database_facts));
    EXPECT_EQ(DefaultFamily(library(), object), nullptr);
    CacheFigures cache;
    ReadCache(library(), object, true, &cache);
    EXPECT_EQ(cache.usage, std::nullopt);
    Held held;
    EXPECT_FALSE(Hold(library(), object, &held));
    CacheSplit split;
    EXPECT_FALSE(ScanCache(library(), object, {}, nullptr, 0, &split));
  }
}

TEST_P(FiguresTest, AManagerThatChargesACache) {
  const JniCache cache(api(), 64 << 20);
  const JniManager manager(api(), 32 << 20, cache);
  {
    JniDatabase database(api(), folder_.path() + "/db", {.cache = &cache, .manager = &manager});
    ASSERT_EQ(database.error(), "");
    database.Put(1, 0, 2000);
    DatabaseFacts facts;
    ASSERT_TRUE(ReadDatabaseFacts(library(), database.db(), &facts));
    ASSERT_EQ(facts.write_buffer_manager, manager.object());
    WriteBufferManagerFigures figures;
    ReadWriteBufferManager(library(), facts.write_buffer_manager, &figures);
    EXPECT_THAT(figures.buffer_size, Optional(32u << 20));
    std::int64_t memtables = 0;
    for (std::size_t family = 0; family < database.size(); ++family)
      memtables += database.Property(family, "rocksdb.size-all-mem-tables");
    // An arena's blocks, of which the newest is not used up.
    EXPECT_GE(figures.memory_usage.value_or(0), 800000u);
    EXPECT_LE(figures.memory_usage.value_or(0),
              static_cast<std::uint64_t>(memtables) + (16 << 20));             // 8 MiB each in 5.17
    const bool counted = !std::string_view(Facts(library()).version).empty();  // 6.20 and later
    EXPECT_EQ(figures.cache_reservation.has_value(), counted);
    if (counted) {
      EXPECT_THAT(figures.charged_to_cache, Optional(true));
      EXPECT_GE(*figures.cache_reservation, *figures.memory_usage);
      EXPECT_LE(*figures.cache_reservation, cache.Usage());
    }
  }
}

TEST_P(FiguresTest, AManagerThatOnlyBounds) {
  JniDatabase database(api(), folder_.path() + "/db", {.db_write_buffer_size = 48 << 20});
  ASSERT_EQ(database.error(), "");
  database.Put(1, 0, 2000);
  DatabaseFacts facts;
  ASSERT_TRUE(ReadDatabaseFacts(library(), database.db(), &facts));
  ASSERT_NE(facts.write_buffer_manager, nullptr);
  WriteBufferManagerFigures figures;
  ReadWriteBufferManager(library(), facts.write_buffer_manager, &figures);
  EXPECT_THAT(figures.buffer_size, Optional(48u << 20));
  EXPECT_GE(figures.memory_usage.value_or(0), 800000u);
  EXPECT_NE(figures.charged_to_cache, std::optional<bool>(true));
  if (figures.mutable_usage) {
    EXPECT_EQ(*figures.mutable_usage, *figures.memory_usage);
  }
}

// A TtlDB has the DB's functions in its own table; the C API can open one with families since 7.8.
TEST_P(FiguresTest, AWrappedDatabaseAnswersForItself) {
  const bool families = api().Has("rocksdb_open_column_families_with_ttl");
  const std::string path = folder_.path() + "/db";
  JniDatabase database(api(), path, {}, families ? OpenAs::kTtl : OpenAs::kPlain);
  ASSERT_EQ(database.error(), "");
  database.Put(1, 0, 1000);
  DatabaseFacts facts;
  ASSERT_TRUE(ReadDatabaseFacts(library(), database.db(), &facts));
  EXPECT_EQ(facts.path, path);
  FamilyFigures figures;
  ReadFamily(library(), FamilyOf(database, 1), &figures);
  EXPECT_EQ(static_cast<std::int64_t>(figures.all_memtables.value_or(0)),
            database.Property(1, "rocksdb.size-all-mem-tables"));
  EXPECT_GT(figures.all_memtables.value_or(0), 400000u);
  EXPECT_NE(DefaultFamily(library(), database.db()), nullptr);
}

}  // namespace
}  // namespace wrackline::rocksdb_jni
