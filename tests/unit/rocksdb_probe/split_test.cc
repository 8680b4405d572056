// Whose the blocks of a shared cache are, on real databases.
#include <gmock/gmock.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/sst_file_writer.h>
#include <rocksdb/utilities/checkpoint.h>

#include <functional>

#include "rocksdb_probe/block_keys.h"
#include "rocksdb_probe/cache_scan.h"
#include "tests/unit/rocksdb_probe/test_database.h"
#include "wrackline/rocksdb_probe.h"

namespace wrackline::probe {
namespace {

using ::testing::SizeIs;

// A database at a path of its own choosing, that can be opened again.
struct Place {
  std::string path;
  std::shared_ptr<rocksdb::Cache> cache;
  std::function<void(rocksdb::ColumnFamilyOptions*, rocksdb::BlockBasedTableOptions*)> change{};
};

class Opened {
 public:
  explicit Opened(const Place& place, const std::vector<std::string>& names = {"value", "list"}) {
    rocksdb::DBOptions options;
    options.create_if_missing = true;
    options.create_missing_column_families = true;
    rocksdb::ColumnFamilyOptions family;
    rocksdb::BlockBasedTableOptions table;
    table.block_cache = place.cache;
    table.cache_index_and_filter_blocks = true;
    table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));
    if (place.change) place.change(&family, &table);
    family.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
    std::vector<rocksdb::ColumnFamilyDescriptor> descriptors = {
        {rocksdb::kDefaultColumnFamilyName, family}};
    for (const std::string& name : names) descriptors.emplace_back(name, family);
    rocksdb::DB* opened = nullptr;
    const auto status = rocksdb::DB::Open(options, place.path, descriptors, &handles, &opened);
    EXPECT_TRUE(status.ok()) << status.ToString();
    db.reset(opened);
  }
  ~Opened() {
    for (auto* handle : handles) EXPECT_TRUE(db->DestroyColumnFamilyHandle(handle).ok());
  }
  void Fill(std::size_t family, int from, int count) {
    for (int i = from; i < from + count; ++i) {
      ASSERT_TRUE(db->Put(rocksdb::WriteOptions(), handles[family], "key-" + std::to_string(i),
                          std::string(1000, 'x'))
                      .ok());
    }
    ASSERT_TRUE(db->Flush(rocksdb::FlushOptions(), handles[family]).ok());
  }
  // Every key is looked up too: that is what reads filters.
  void Read(std::size_t family, int count = 0) {
    const std::unique_ptr<rocksdb::Iterator> it(
        db->NewIterator(rocksdb::ReadOptions(), handles[family]));
    for (it->SeekToFirst(); it->Valid(); it->Next()) {
    }
    ASSERT_TRUE(it->status().ok());
    std::string value;
    for (int i = 0; i < count; ++i) {
      ASSERT_TRUE(
          db->Get(rocksdb::ReadOptions(), handles[family], "key-" + std::to_string(i), &value)
              .ok());
    }
  }

  std::vector<rocksdb::ColumnFamilyHandle*> handles;
  std::unique_ptr<rocksdb::DB> db;
};

RocksDbProbeOptions Always() {
  RocksDbProbeOptions options;
  options.record_to_file = false;
  options.split_duty = 1;
  return options;
}

// The one cache's split; checks that its parts are all of it.
RocksDbCacheSplit CheckedSplit(const RocksDbMemory& memory) {
  EXPECT_THAT(memory.caches, SizeIs(1));
  if (memory.caches.empty() || !memory.caches[0].split) {
    ADD_FAILURE() << "no split";
    return {};
  }
  const RocksDbCacheSplit split = *memory.caches[0].split;
  std::uint64_t sum =
      split.unknown.Total() + split.memtable_reservations + split.other_reservations;
  for (const auto& database : memory.databases) {
    for (const auto& family : database.families) {
      EXPECT_TRUE(family.cached_blocks.has_value()) << family.name;
      if (family.cached_blocks) sum += family.cached_blocks->Total();
    }
  }
  EXPECT_EQ(sum, split.charged);
  EXPECT_EQ(split.charged + split.Metadata(), split.usage);
  EXPECT_EQ(split.usage, memory.caches[0].usage);  // nobody else is at work
  return split;
}

TEST(Split, SaysWhoseTheBlocksOfASharedCacheAre) {
  TemporaryFolder folder;
  const Place place{folder.path() + "/db", rocksdb::NewLRUCache(64u << 20)};
  Opened database(place);
  database.Fill(1, 0, 3000);
  database.Fill(2, 0, 1000);
  RocksDbProbe probe(Always());
  ASSERT_TRUE(probe.Watch(database.db.get(), database.handles).ok());

  database.Read(1, 3000);
  RocksDbMemory memory = probe.SampleNow();
  EXPECT_EQ(CheckedSplit(memory).unknown.Total(), 0u);
  const auto blocks = [&](std::size_t family) {
    return memory.databases[0].families[family].cached_blocks.value_or(RocksDbBlockBytes{});
  };
  EXPECT_EQ(blocks(0).Total(), 0u);
  EXPECT_GT(blocks(1).data, 3'000'000u);
  EXPECT_GT(blocks(1).filter, 3000u);  // ten bits a key
  EXPECT_GT(blocks(1).index, 0u);
  EXPECT_EQ(blocks(2).data, 0u);
  const std::uint64_t first = blocks(1).Total();

  database.Read(2, 1000);
  memory = probe.SampleNow();
  EXPECT_EQ(CheckedSplit(memory).unknown.Total(), 0u);
  EXPECT_EQ(blocks(1).Total(), first);
  EXPECT_GT(blocks(2).data, 1'000'000u);
  EXPECT_LT(blocks(2).data, 1'300'000u);
}

TEST(Split, ACacheOfTwoDatabasesIsWalkedOnceAndSplitBetweenThem) {
  TemporaryFolder folder;
  const auto cache = rocksdb::NewLRUCache(64u << 20);
  Opened a({folder.path() + "/a", cache});
  Opened b({folder.path() + "/b", cache});
  for (Opened* database : {&a, &b}) {
    database->Fill(1, 0, 1000);
    database->Read(1);
  }
  RocksDbProbe probe(Always());
  ASSERT_TRUE(probe.Watch(a.db.get(), a.handles).ok());
  const std::uint64_t not_watched = CheckedSplit(probe.SampleNow()).unknown.Total();
  EXPECT_GT(not_watched, 1'000'000u);
  ASSERT_TRUE(probe.Watch(b.db.get(), b.handles).ok());
  const RocksDbMemory memory = probe.SampleNow();
  EXPECT_EQ(CheckedSplit(memory).unknown.Total(), 0u);
  EXPECT_EQ(memory.databases[1].families[1].cached_blocks->Total(), not_watched);
}

TEST(Split, FilesOfEarlierSessionsOfACheckpointAndFromOutsideAreKnown) {
  TemporaryFolder folder;
  const Place place{folder.path() + "/db", rocksdb::NewLRUCache(64u << 20)};
  const Place restored{folder.path() + "/restored", place.cache};
  for (int session = 0; session < 3; ++session) {
    Opened database(place);
    database.Fill(1, session * 1000, 1000);
    if (session < 2) continue;
    rocksdb::Checkpoint* checkpoint = nullptr;
    ASSERT_TRUE(rocksdb::Checkpoint::Create(database.db.get(), &checkpoint).ok());
    const std::unique_ptr<rocksdb::Checkpoint> owned(checkpoint);
    ASSERT_TRUE(checkpoint->CreateCheckpoint(restored.path).ok());
  }
  Opened database(restored);
  RocksDbProbe probe(Always());
  ASSERT_TRUE(probe.Watch(database.db.get(), database.handles).ok());
  database.Read(1);
  RocksDbMemory memory = probe.SampleNow();
  EXPECT_EQ(CheckedSplit(memory).unknown.Total(), 0u);
  const std::uint64_t before = memory.databases[0].families[1].cached_blocks->data;
  EXPECT_GT(before, 3'000'000u);

  // Made elsewhere, and taken in after the family's files were first read.
  rocksdb::SstFileWriter writer(rocksdb::EnvOptions(),
                                database.db->GetOptions(database.handles[2]));
  const std::string outside = folder.path() + "/outside.sst";
  ASSERT_TRUE(writer.Open(outside).ok());
  for (int i = 1000; i < 2000; ++i)
    ASSERT_TRUE(writer.Put("key-" + std::to_string(i), std::string(1000, 'y')).ok());
  ASSERT_TRUE(writer.Finish().ok());
  ASSERT_TRUE(database.db->IngestExternalFile(database.handles[2], {outside}, {}).ok());
  database.Read(2);
  memory = probe.SampleNow();
  EXPECT_EQ(CheckedSplit(memory).unknown.Total(), 0u);
  EXPECT_GT(memory.databases[0].families[2].cached_blocks->data, 1'000'000u);
  EXPECT_EQ(memory.databases[0].families[1].cached_blocks->data, before);
}

TEST(Split, BlocksOfDeletedFilesAreUnknownAndNewFilesAreKnown) {
  TemporaryFolder folder;
  Opened database({folder.path() + "/db", rocksdb::NewLRUCache(64u << 20)});
  database.Fill(1, 0, 1000);
  database.Fill(1, 500, 1000);
  database.Read(1);
  RocksDbProbe probe(Always());
  ASSERT_TRUE(probe.Watch(database.db.get(), database.handles).ok());
  const std::uint64_t before =
      probe.SampleNow().databases[0].families[1].cached_blocks.value_or(RocksDbBlockBytes{}).data;
  EXPECT_GT(before, 1'900'000u);
  ASSERT_TRUE(
      database.db
          ->CompactRange(rocksdb::CompactRangeOptions(), database.handles[1], nullptr, nullptr)
          .ok());
  RocksDbMemory memory = probe.SampleNow();
  EXPECT_EQ(CheckedSplit(memory).unknown.data, before);
  EXPECT_EQ(memory.databases[0].families[1].cached_blocks->data, 0u);
  database.Read(1);
  memory = probe.SampleNow();
  EXPECT_EQ(CheckedSplit(memory).unknown.data, before);
  EXPECT_GT(memory.databases[0].families[1].cached_blocks->data, 1'400'000u);
}

TEST(Split, BlocksOfFilesThatAFamilyHadAreSaidToHaveBeenItsUntilTheyAreEvicted) {
  TemporaryFolder folder;
  const auto cache = rocksdb::NewLRUCache(64u << 20);
  Opened database({folder.path() + "/db", cache});
  for (std::size_t family : {1, 2}) {
    database.Fill(family, 0, 1000);
    database.Fill(family, 500, 1000);
    database.Read(family);
  }
  RocksDbProbe probe(Always());
  ASSERT_TRUE(probe.Watch(database.db.get(), database.handles).ok());
  RocksDbMemory memory = probe.SampleNow();
  const std::uint64_t before = memory.databases[0].families[1].cached_blocks->Total();
  EXPECT_EQ(memory.databases[0].families[1].former_blocks->Total(), 0u);
  // An entry of no bytes for the database's own figures of the cache, and nothing else.
  EXPECT_LT(CheckedSplit(memory).PinnedBlocks(), 200u);

  std::unique_ptr<rocksdb::Iterator> reader(
      database.db->NewIterator(rocksdb::ReadOptions(), database.handles[1]));
  reader->SeekToFirst();
  ASSERT_TRUE(
      database.db
          ->CompactRange(rocksdb::CompactRangeOptions(), database.handles[1], nullptr, nullptr)
          .ok());
  memory = probe.SampleNow();
  EXPECT_EQ(memory.databases[0].families[1].former_blocks->Total(), before);
  EXPECT_EQ(memory.databases[0].families[2].former_blocks->Total(), 0u);
  EXPECT_EQ(CheckedSplit(memory).unknown.Total(), before);
  EXPECT_GT(CheckedSplit(memory).PinnedBlocks(), 1000u);  // the iterator is in the middle of one
  EXPECT_GT(memory.databases[0].families[1].live_versions, 1u);

  // What the iterator does not hold goes, then the rest.
  cache->EraseUnRefEntries();
  memory = probe.SampleNow();
  const std::uint64_t held = memory.databases[0].families[1].former_blocks->Total();
  EXPECT_GT(held, 1000u);
  EXPECT_LT(held, before / 10);
  reader.reset();
  cache->EraseUnRefEntries();
  for (int i = 0; i < 2; ++i) {
    memory = probe.SampleNow();
    EXPECT_EQ(memory.databases[0].families[1].former_blocks->Total(), 0u);
    EXPECT_EQ(CheckedSplit(memory).unknown.Total(), 0u);
  }
}

TEST(Split, PartitionedFiltersAreFiltersAndTheirIndexIsIndex) {
  TemporaryFolder folder;
  Place place{folder.path() + "/db", rocksdb::NewLRUCache(64u << 20)};
  place.change = [](auto*, rocksdb::BlockBasedTableOptions* table) {
    table->index_type = rocksdb::BlockBasedTableOptions::kTwoLevelIndexSearch;
    table->partition_filters = true;
    table->metadata_block_size = 512;
  };
  Opened database(place);
  database.Fill(1, 0, 2000);
  RocksDbProbe probe(Always());
  ASSERT_TRUE(probe.Watch(database.db.get(), database.handles).ok());
  database.Read(1, 2000);
  const RocksDbMemory memory = probe.SampleNow();
  EXPECT_EQ(CheckedSplit(memory).unknown.Total(), 0u);
  const RocksDbBlockBytes blocks = *memory.databases[0].families[1].cached_blocks;
  EXPECT_GT(blocks.filter, 2000u);
  EXPECT_GT(blocks.index, 2000u);
  EXPECT_LT(blocks.index + blocks.filter, blocks.data / 4);
}

TEST(Split, HyperClockCachesAreWalkedToo) {
  TemporaryFolder folder;
  const rocksdb::HyperClockCacheOptions cache(16u << 20, 4096);
  Opened database({folder.path() + "/db", cache.MakeSharedCache()});
  database.Fill(1, 0, 1000);
  database.Read(1);
  RocksDbProbe probe(Always());
  ASSERT_TRUE(probe.Watch(database.db.get(), database.handles).ok());
  const RocksDbMemory memory = probe.SampleNow();
  EXPECT_EQ(CheckedSplit(memory).unknown.Total(), 0u);
  EXPECT_GT(memory.databases[0].families[1].cached_blocks->data, 1'000'000u);
  // To say what is pinned it would go through all of its entries, with the database's mutex held.
  ASSERT_THAT(memory.caches, SizeIs(1));
  EXPECT_FALSE(memory.caches[0].pinned_usage.has_value());
  EXPECT_TRUE(memory.caches[0].usage.has_value());
}

TEST(Split, ReservationsForMemtablesAreNobodysBlocks) {
  DatabaseSetup setup;
  setup.shared_cache = rocksdb::NewLRUCache(64u << 20);
  setup.manager = std::make_shared<rocksdb::WriteBufferManager>(32u << 20, setup.shared_cache);
  TestDatabase database(setup);
  database.Write(database.families()[0], 8000);
  RocksDbProbe probe(Always());
  ASSERT_TRUE(probe.Watch(database.db(), database.families()).ok());
  const RocksDbMemory memory = probe.SampleNow();
  const RocksDbCacheSplit split = CheckedSplit(memory);
  EXPECT_GT(split.memtable_reservations, 8'000'000u);
  EXPECT_EQ(split.memtable_reservations, setup.manager->dummy_entries_in_cache_usage());
  EXPECT_EQ(split.unknown.Total(), 0u);
}

TEST(Split, BlobValuesAreTheirFamilysAndABlobCacheIsItsOwn) {
  TemporaryFolder folder;
  const auto blobs = rocksdb::NewLRUCache(32u << 20, -1, true);
  Place place{folder.path() + "/db", rocksdb::NewLRUCache(32u << 20)};
  place.change = [&](rocksdb::ColumnFamilyOptions* family, auto*) {
    family->enable_blob_files = true;
    family->blob_cache = blobs;
  };
  Opened database(place);
  database.Fill(1, 0, 1000);
  RocksDbProbe probe(Always());
  ASSERT_TRUE(probe.Watch(database.db.get(), database.handles).ok());
  database.Read(1);
  const RocksDbMemory memory = probe.SampleNow();
  ASSERT_THAT(memory.caches, SizeIs(2));
  EXPECT_EQ(memory.caches[1].kind, RocksDbCacheKind::kBlob);
  EXPECT_EQ(memory.caches[1].usage, blobs->GetUsage());
  EXPECT_TRUE(memory.caches[1].strict_capacity_limit);
  EXPECT_TRUE(memory.caches[1].pinned_usage.has_value());
  ASSERT_TRUE(memory.caches[1].split.has_value());
  EXPECT_EQ(memory.caches[1].split->unknown.Total(), 0u);
  const RocksDbBlockBytes held = *memory.databases[0].families[1].cached_blocks;
  EXPECT_GT(held.blob, 1'000'000u);
  EXPECT_EQ(held.blob, memory.caches[1].split->charged);
}

TEST(Split, IsMadeNoMoreOftenThanItsDutyAllowsAndTheLastOneStays) {
  TemporaryFolder folder;
  Opened database({folder.path() + "/db", rocksdb::NewLRUCache(64u << 20)});
  database.Fill(1, 0, 1000);
  database.Read(1);
  RocksDbProbeOptions rarely = Always();
  rarely.split_duty = 1e-9;
  RocksDbProbe probe(rarely);
  ASSERT_TRUE(probe.Watch(database.db.get(), database.handles).ok());
  const RocksDbCacheSplit first = CheckedSplit(probe.SampleNow());
  EXPECT_GT(first.duration_ns, 0u);
  EXPECT_GT(first.cpu_ns, 0u);
  const RocksDbCacheSplit second = CheckedSplit(probe.SampleNow());
  EXPECT_EQ(second.monotonic_ns, first.monotonic_ns);

  RocksDbProbeOptions never = Always();
  never.split_duty = 0;
  RocksDbProbe without(never);
  ASSERT_TRUE(without.Watch(database.db.get(), database.handles).ok());
  const RocksDbMemory memory = without.SampleNow();
  EXPECT_FALSE(memory.caches[0].split.has_value());
  EXPECT_FALSE(memory.databases[0].families[1].cached_blocks.has_value());
}

TEST(Held, OlderVersionsAndTheirFilesAndSnapshotsAreCounted) {
  TemporaryFolder folder;
  Opened database({folder.path() + "/db", rocksdb::NewLRUCache(8u << 20)});
  database.Fill(1, 0, 1000);
  database.Fill(1, 0, 1000);
  RocksDbProbe probe(Always());
  ASSERT_TRUE(probe.Watch(database.db.get(), database.handles).ok());
  RocksDbMemory memory = probe.SampleNow();
  EXPECT_EQ(memory.databases[0].snapshots, 0u);
  EXPECT_FALSE(memory.databases[0].oldest_snapshot_time.has_value());
  EXPECT_EQ(memory.databases[0].families[1].live_versions, 1u);
  EXPECT_EQ(memory.databases[0].families[1].pinned_sst_bytes, 0u);

  const rocksdb::Snapshot* snapshot = database.db->GetSnapshot();
  std::unique_ptr<rocksdb::Iterator> reader(
      database.db->NewIterator(rocksdb::ReadOptions(), database.handles[1]));
  database.Fill(1, 0, 1000);
  ASSERT_TRUE(
      database.db
          ->CompactRange(rocksdb::CompactRangeOptions(), database.handles[1], nullptr, nullptr)
          .ok());
  memory = probe.SampleNow();
  EXPECT_EQ(memory.databases[0].snapshots, 1u);
  EXPECT_GT(memory.databases[0].oldest_snapshot_time, 1'600'000'000u);
  EXPECT_GT(memory.databases[0].families[1].live_versions, 1u);
  EXPECT_GT(memory.databases[0].families[1].pinned_sst_bytes, 0u);
  reader.reset();
  database.db->ReleaseSnapshot(snapshot);
}

TEST(FileOwners, TheFirstOwnerStaysAndWhatWasNotAddedIsNobodys) {
  FileOwners owners;
  EXPECT_EQ(owners.Find(5), FileOwners::kNobody);
  owners.Reset(1000);
  for (std::uint32_t i = 0; i < 1000; ++i) owners.Add((std::uint64_t{i} + 1) << 40, i);
  owners.Add(std::uint64_t{1} << 40, 77);
  for (std::uint32_t i = 0; i < 1000; ++i) EXPECT_EQ(owners.Find((std::uint64_t{i} + 1) << 40), i);
  EXPECT_EQ(owners.Find(3), FileOwners::kNobody);
  EXPECT_TRUE(owners.WasFound(std::uint64_t{1} << 40));
  owners.Add(std::uint64_t{2000} << 40, 7 | FileOwners::kFormer);
  EXPECT_FALSE(owners.WasFound(std::uint64_t{2000} << 40));
  EXPECT_EQ(owners.Find(std::uint64_t{2000} << 40), 7 | FileOwners::kFormer);
  EXPECT_TRUE(owners.WasFound(std::uint64_t{2000} << 40));
  EXPECT_TRUE(owners.WasFound(3));  // nobody added it
  owners.Reset(0);
  EXPECT_EQ(owners.Find(std::uint64_t{1} << 40), FileOwners::kNobody);
}

TEST(BlockKeys, ThisRocksDbSaysThemAndTheyAreTheFilesOwn) {
  ASSERT_TRUE(BlockKeysAreKnown());
  const std::string session = "ABCDEFGHIJKLMNOPQRST";
  const std::uint64_t one = BlockKeyPrefixOfOwnFile("db", session, 1);
  EXPECT_NE(one, 0u);
  EXPECT_NE(one, BlockKeyPrefixOfOwnFile("db", session, 2));
  EXPECT_EQ(one, BlockKeyPrefixOfOwnFile("db", session, 1));
}

}  // namespace
}  // namespace wrackline::probe
