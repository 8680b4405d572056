#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <string_view>
#include <thread>

#include "tests/unit/rocksdb_probe/jni/jni_libraries.h"

namespace wrackline::rocksdb_jni {
namespace {

// The files and the blocks of some databases' families.
class Owners {
 public:
  explicit Owners(const JniLibrary& library) : library_(library) {}
  ~Owners() {
    for (FamilyFiles& files : files_) files.Forget();
    table_.Forget();
    trail_.Forget();
  }
  Owners(const Owners&) = delete;
  Owners& operator=(const Owners&) = delete;

  void Add(const JniDatabase& database, bool splits = true) {
    for (std::size_t i = 0; i < database.size(); ++i) {
      files_.push_back({});
      EXPECT_EQ(files_.back().Refresh(library_, {database.db(), database.handle(i)}), splits);
    }
  }
  // Of the only database.
  void Refresh(const JniDatabase& database) {
    for (std::size_t i = 0; i < database.size(); ++i)
      EXPECT_TRUE(files_[i].Refresh(library_, {database.db(), database.handle(i)}));
  }
  bool Scan(void* cache) {
    std::size_t count = 0;
    for (const FamilyFiles& files : files_) count += files.size();
    EXPECT_TRUE(table_.Reset(count));
    for (std::uint32_t owner = 0; owner < files_.size(); ++owner) {
      for (std::size_t i = 0; i < files_[owner].size(); ++i)
        table_.Add(files_[owner].key(i), owner);
    }
    blocks.assign(files_.size(), {});
    return ScanCache(library_, cache, table_, blocks.data(), blocks.size(), &split, &trail_);
  }
  // What must hold of every split.
  void ExpectWhole() const {
    std::uint64_t sum =
        split.unknown.Total() + split.memtable_reservations + split.other_reservations;
    std::uint64_t entries = split.unknown.entries;
    for (const BlockBytes& of_family : blocks) {
      sum += of_family.Total();
      entries += of_family.entries;
    }
    EXPECT_EQ(sum, split.charged);
    EXPECT_LE(entries, split.entries);
    EXPECT_EQ(split.charged + split.Metadata(), split.usage);
  }
  const FamilyFiles& files(std::size_t owner) const { return files_[owner]; }

  std::vector<BlockBytes> blocks;
  CacheSplit split{};

 private:
  const JniLibrary& library_;
  std::vector<FamilyFiles> files_;
  OwnerTable table_{};
  WalkTrail trail_{};
};

class SplitTest : public JniLibraryTest {
 protected:
  // True: it cannot be split, and that is as expected and said.
  bool CannotSplit() {
    if (Facts(library()).can_split) return false;
    EXPECT_TRUE(!GetParam().splits || GetParam().version == "?");
    const JniCache cache(api(), 16 << 20);
    JniDatabase database(api(), folder_.path() + "/none", {.cache = &cache});
    EXPECT_EQ(database.error(), "");
    FamilyFiles files{};
    EXPECT_FALSE(files.Refresh(library(), FamilyOf(database, 0)));
    CacheSplit split;
    EXPECT_FALSE(ScanCache(library(), cache.object(), {}, nullptr, 0, &split));
    EXPECT_EQ(split.usage, cache.Usage());  // the total all the same
    EXPECT_NE(Facts(library()).why_no_split, nullptr);
    return true;
  }
};
INSTANTIATE_TEST_SUITE_P(Libraries, SplitTest, ::testing::ValuesIn(TestedLibraries()), NameOf);

TEST_P(SplitTest, EveryBlockOfFilesOfAllOriginsHasItsFamily) {
  if (CannotSplit()) return;
  const JniCache cache(api(), 64 << 20);
  const std::string path = folder_.path() + "/db";
  const DatabaseSetup setup{.cache = &cache, .index_in_cache = true, .filters = true};
  {  // an earlier session
    JniDatabase database(api(), path, {.index_in_cache = true, .filters = true});
    ASSERT_EQ(database.error(), "");
    for (std::size_t family = 0; family < 3; ++family) {
      database.Put(family, 0, 1000);
      database.Flush(family);
    }
  }
  {  // and another
    JniDatabase database(api(), path, {.index_in_cache = true, .filters = true});
    ASSERT_EQ(database.error(), "");
    database.Put(1, 1000, 1000);
    database.Flush(1);
  }
  JniDatabase database(api(), path, setup);
  ASSERT_EQ(database.error(), "");
  database.Put(2, 1000, 2000);
  database.Flush(2);
  database.Ingest(0, folder_.path() + "/outside.sst", 5000, 1500);
  database.Read(0, 0, 1000);
  database.Read(0, 5000, 1500);
  database.Read(1, 0, 2000);
  database.Read(2, 0, 3000);

  Owners owners(library());
  owners.Add(database);
  EXPECT_EQ(owners.files(0).size(), 2u);
  EXPECT_EQ(owners.files(1).size(), 2u);
  EXPECT_EQ(owners.files(2).size(), 2u);
  ASSERT_TRUE(owners.Scan(cache.object()));
  owners.ExpectWhole();
  EXPECT_EQ(owners.split.unknown.entries, 0u);
  EXPECT_EQ(owners.split.unknown.Total(), 0u);
  EXPECT_EQ(owners.split.memtable_reservations, 0u);
  // 400 bytes a value, a little more with keys; blocks are charged with what malloc makes of them.
  const std::size_t keys[] = {2500, 2000, 3000};
  for (std::size_t family = 0; family < 3; ++family) {
    EXPECT_GT(owners.blocks[family].data, keys[family] * 400);
    EXPECT_LT(owners.blocks[family].data, keys[family] * 600);
    EXPECT_GT(owners.blocks[family].index, 0u);
    EXPECT_GT(owners.blocks[family].filter, keys[family]);  // 10 bits a key
    EXPECT_EQ(owners.blocks[family].blob, 0u);
  }
  // What the cache itself costs: some hundred bytes an entry of 4 KiB.
  EXPECT_LT(owners.split.Metadata(), owners.split.usage / 10);
  EXPECT_EQ(owners.split.usage, cache.Usage());
}

TEST_P(SplitTest, TwoDatabasesOfOneCacheAndACheckpoint) {
  if (CannotSplit()) return;
  const JniCache cache(api(), 64 << 20);
  const DatabaseSetup setup{.cache = &cache};
  JniDatabase first(api(), folder_.path() + "/first", setup);
  JniDatabase second(api(), folder_.path() + "/second", setup);
  ASSERT_EQ(first.error() + second.error(), "");
  first.Put(1, 0, 1000);
  first.Flush(1);
  second.Put(1, 0, 2000);
  second.Flush(1);
  const std::string restored_path = folder_.path() + "/restored";
  second.Checkpoint(restored_path);
  first.Read(1, 0, 1000);
  second.Read(1, 0, 2000);
  JniDatabase restored(api(), restored_path, setup);
  ASSERT_EQ(restored.error(), "");
  restored.Put(2, 0, 500);
  restored.Flush(2);
  restored.Read(1, 0, 2000);
  restored.Read(2, 0, 500);

  Owners owners(library());
  owners.Add(first);
  owners.Add(second);
  owners.Add(restored);
  ASSERT_TRUE(owners.Scan(cache.object()));
  owners.ExpectWhole();
  EXPECT_EQ(owners.split.unknown.Total(), 0u);
  EXPECT_GT(owners.blocks[1].data, 400000u);
  EXPECT_GT(owners.blocks[4].data, 800000u);
  EXPECT_LT(owners.blocks[4].data, 1200000u);
  EXPECT_EQ(owners.blocks[7].data, 0u);  // the same files: counted for who came first
  EXPECT_GT(owners.blocks[8].data, 200000u);
}

TEST_P(SplitTest, BlocksOfDeletedFilesAndOfStrangersAreUnknown) {
  if (CannotSplit()) return;
  const JniCache cache(api(), 64 << 20);
  const DatabaseSetup setup{.cache = &cache};
  JniDatabase database(api(), folder_.path() + "/db", setup);
  JniDatabase stranger(api(), folder_.path() + "/stranger", setup);
  ASSERT_EQ(database.error() + stranger.error(), "");
  for (int i = 0; i < 2; ++i) {
    database.Put(1, 0, 1000);
    database.Flush(1);
  }
  database.Read(1, 0, 1000);
  stranger.Put(1, 0, 500);
  stranger.Flush(1);
  stranger.Read(1, 0, 500);
  Owners owners(library());
  owners.Add(database);
  EXPECT_EQ(owners.files(1).size(), 2u);
  ASSERT_TRUE(owners.Scan(cache.object()));
  owners.ExpectWhole();
  EXPECT_GT(owners.split.unknown.data, 200000u);
  EXPECT_LT(owners.split.unknown.data, 300000u);
  EXPECT_GT(owners.blocks[1].data, 400000u);

  database.CompactAll(1);
  Owners compacted(library());
  compacted.Add(database);
  EXPECT_EQ(compacted.files(1).size(), 1u);
}

TEST_P(SplitTest, FilesAreFollowedAsTheyChange) {
  if (CannotSplit()) return;
  JniDatabase database(api(), folder_.path() + "/db", {});
  ASSERT_EQ(database.error(), "");
  FamilyFiles files{};
  const Family family = FamilyOf(database, 1);
  ASSERT_TRUE(files.Refresh(library(), family));
  EXPECT_EQ(files.size(), 0u);
  for (std::size_t i = 1; i <= 3; ++i) {
    database.Put(1, 0, 100);
    database.Flush(1);
    ASSERT_TRUE(files.Refresh(library(), family));
    EXPECT_EQ(files.size(), i);
    ASSERT_TRUE(files.Refresh(library(), family));
    EXPECT_EQ(files.size(), i);
  }
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_NE(files.key(i).first, 0u);
    for (std::size_t j = 0; j < i; ++j) {
      EXPECT_FALSE(files.key(i).first == files.key(j).first &&
                   files.key(i).rest == files.key(j).rest);
    }
  }
  database.CompactAll(1);
  ASSERT_TRUE(files.Refresh(library(), family));
  EXPECT_EQ(files.size(), 1u);
  files.Forget();
  EXPECT_EQ(files.size(), 0u);
}

TEST_P(SplitTest, AWalkAlongTheLastOneSeesWhatIsThere) {
  if (CannotSplit()) return;
  // Small enough that reading pushes out what was there, and entries' memory is used again.
  const JniCache cache(api(), 4 << 20);
  // Enough entries for a trail.
  JniDatabase database(api(), folder_.path() + "/db", {.cache = &cache, .block_size = 256});
  ASSERT_EQ(database.error(), "");
  database.Put(1, 0, 10000);
  database.Flush(1);
  Owners owners(library());
  owners.Add(database);
  for (int round = 0; round < 12; ++round) {
    database.Read(1, round % 5 * 1500, round % 3 == 0 ? 4000 : 100);
    ASSERT_TRUE(owners.Scan(cache.object()));
    owners.ExpectWhole();
    const CacheSplit with = owners.split;
    OwnerTable nobody{};
    CacheSplit without;
    ASSERT_TRUE(ScanCache(library(), cache.object(), nobody, nullptr, 0, &without));
    EXPECT_EQ(with.entries, without.entries);
    EXPECT_EQ(with.charged, without.charged);
    EXPECT_EQ(owners.blocks[1].data, without.unknown.data);
    EXPECT_EQ(with.unknown.Total(), 0u);
  }
  EXPECT_GT(owners.blocks[1].data, 1000000u);
  EXPECT_GT(owners.split.entries, 5000u);
}

TEST_P(SplitTest, MemtablesThatAreChargedAreReservations) {
  if (CannotSplit()) return;
  const JniCache cache(api(), 64 << 20);
  const JniManager manager(api(), 32 << 20, cache);
  {
    JniDatabase database(api(), folder_.path() + "/db", {.cache = &cache, .manager = &manager});
    ASSERT_EQ(database.error(), "");
    database.Put(1, 0, 1000);
    database.Flush(1);
    database.Read(1, 0, 1000);
    database.Put(2, 0, 2000);
    Owners owners(library());
    owners.Add(database);
    ASSERT_TRUE(owners.Scan(cache.object()));
    owners.ExpectWhole();
    DatabaseFacts facts;
    ASSERT_TRUE(ReadDatabaseFacts(library(), database.db(), &facts));
    WriteBufferManagerFigures figures;
    ReadWriteBufferManager(library(), facts.write_buffer_manager, &figures);
    EXPECT_EQ(owners.split.memtable_reservations, figures.cache_reservation.value_or(0));
    EXPECT_GE(owners.split.memtable_reservations, 800000u);
    EXPECT_EQ(owners.split.unknown.Total(), 0u);
    EXPECT_GT(owners.blocks[1].data, 400000u);
  }
}

TEST_P(SplitTest, ReadsWhileTheDatabaseWorks) {
  const JniCache cache(api(), 32 << 20);
  const JniManager manager(api(), 256 << 20, cache);
  JniDatabase database(api(), folder_.path() + "/db", {.cache = &cache, .manager = &manager});
  ASSERT_EQ(database.error(), "");
  std::atomic<bool> done{false};
  std::thread work([&] {
    for (int round = 0; round < 6; ++round) {
      for (std::size_t family = 0; family < 3; ++family) {
        database.Put(family, round * 100, 300);
        database.Flush(family);
        database.Read(family, round * 100, 300);
      }
      database.CompactAll(static_cast<std::size_t>(round) % 3);
    }
    done = true;
  });
  const bool splits = Facts(library()).can_split;
  Owners owners(library());
  owners.Add(database, splits);
  for (bool last = false; !last;) {
    last = done;
    // A period, as a reader has one: without it the database's mutex has no other owner.
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
    for (std::size_t family = 0; family < 3; ++family) {
      FamilyFigures figures;
      ReadFamily(library(), FamilyOf(database, family), &figures);
      EXPECT_TRUE(figures.all_memtables.has_value());
      FamilyFacts facts;
      EXPECT_TRUE(ReadFamilyFacts(library(), database.handle(family), &facts));
      EXPECT_EQ(facts.block_cache, cache.object());
    }
    DatabaseFacts facts;
    EXPECT_TRUE(ReadDatabaseFacts(library(), database.db(), &facts));
    EXPECT_EQ(facts.write_buffer_manager, manager.object());
    if (!splits) continue;
    owners.Refresh(database);
    EXPECT_TRUE(owners.Scan(cache.object()));
    std::uint64_t sum = owners.split.unknown.Total() + owners.split.memtable_reservations +
                        owners.split.other_reservations;
    for (const BlockBytes& blocks : owners.blocks) sum += blocks.Total();
    EXPECT_EQ(sum, owners.split.charged);
  }
  work.join();
}

TEST_P(SplitTest, AHeldCacheOutlivesItsDatabase) {
  const std::string path = folder_.path() + "/db";
  auto database = std::make_unique<JniDatabase>(api(), path, DatabaseSetup{});
  ASSERT_EQ(database->error(), "");
  database->Put(1, 0, 1000);
  database->Flush(1);
  database->Read(1, 0, 1000);
  Owners owners(library());
  if (Facts(library()).can_split) owners.Add(*database);
  Held held;
  ASSERT_TRUE(Hold(library(), database->handle(1), &held));
  ASSERT_NE(held.block_cache, nullptr);
  database.reset();
  CacheFigures figures;
  ReadCache(library(), held.block_cache, true, &figures);
  EXPECT_GT(figures.usage.value_or(0), 400000u);
  EXPECT_EQ(owners.Scan(held.block_cache), Facts(library()).can_split);
  if (Facts(library()).can_split) {
    EXPECT_GT(owners.blocks[1].data, 400000u);
  }
  Release(library(), &held);
  EXPECT_EQ(held.block_cache, nullptr);
  Release(library(), &held);  // nothing more to let go of
}

TEST_P(SplitTest, AHyperClockCacheTooWhereThereIsOne) {
  if (!Facts(library()).can_split || !api().Has("rocksdb_cache_create_hyper_clock")) {
    EXPECT_NE(GetParam().version, "8.10.0");  // which has it
    EXPECT_NE(GetParam().version, "9.10.0");
    return;
  }
  const JniCache cache(api(), 32 << 20, true);
  JniDatabase database(api(), folder_.path() + "/db", {.cache = &cache});
  ASSERT_EQ(database.error(), "");
  database.Put(1, 0, 1000);
  database.Flush(1);
  database.Read(1, 0, 1000);
  FamilyFacts facts;
  ASSERT_TRUE(ReadFamilyFacts(library(), database.handle(1), &facts));
  ASSERT_EQ(facts.block_cache, cache.object());
  Owners owners(library());
  owners.Add(database);
  ASSERT_TRUE(owners.Scan(cache.object()));
  owners.ExpectWhole();
  EXPECT_EQ(owners.split.unknown.Total(), 0u);
  EXPECT_GT(owners.blocks[1].data, 400000u);
}

TEST(OwnerTableTest, TheFirstOwnerStaysAndOthersAreNobody) {
  OwnerTable table{};
  EXPECT_EQ(table.Find({5, 0}), OwnerTable::kNobody);
  ASSERT_TRUE(table.Reset(1000));
  for (std::uint64_t i = 1; i <= 1000; ++i)
    table.Add({i << 48 | 7, i << 40}, static_cast<std::uint32_t>(i));
  table.Add({1ull << 48 | 7, 1ull << 40}, 77);
  for (std::uint64_t i = 1; i <= 1000; ++i) {
    EXPECT_EQ(table.Find({i << 48 | 7, i << 40}), i);
    EXPECT_EQ(table.Find({i << 48 | 7, 0}), OwnerTable::kNobody);
  }
  EXPECT_EQ(table.Find({0, 0}), OwnerTable::kNobody);
  ASSERT_TRUE(table.Reset(1));
  EXPECT_EQ(table.Find({1ull << 48 | 7, 1ull << 40}), OwnerTable::kNobody);
  // More than there was room for: nobody's, and no endless search.
  for (std::uint64_t i = 1; i <= 5000; ++i) table.Add({i, 0}, 1);
  EXPECT_EQ(table.Find({999999, 0}), OwnerTable::kNobody);
  table.Forget();
}

}  // namespace
}  // namespace wrackline::rocksdb_jni
