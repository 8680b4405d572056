// Everything at once: what can come, go and be looked at does so from many threads, for as long as one likes.
#include <gmock/gmock.h>
#include <rocksdb/c.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <mutex>
#include <thread>

#include "tests/unit/rocksdb_probe/test_database.h"
#include "wrackline/rocksdb_probe.h"
#include "wrackline/wrackline_rocksdb.h"

namespace wrackline::probe {
namespace {

using std::chrono::milliseconds;
using ::testing::SizeIs;

// Four seconds, or as many as WRACKLINE_STORM_SECONDS says.
std::chrono::seconds StormTime() {
  const char* wanted = std::getenv("WRACKLINE_STORM_SECONDS");
  return std::chrono::seconds(wanted == nullptr ? 4 : std::max(1, std::atoi(wanted)));
}

class Weather {
 public:
  bool Over() const { return std::chrono::steady_clock::now() >= end_; }

  // A database lives and goes: watched, written, read, flushed, compacted under an iterator, a family added and dropped.
  void OneDatabase(RocksDbProbe* probe, const DatabaseSetup& setup) {
    TestDatabase database(setup);
    EXPECT_TRUE(probe
                    ->Watch(database.db(), database.families(),
                            {.write_buffer_manager_cache = setup.shared_cache.get()})
                    .ok());
    database.Write(database.families()[0], 500);
    database.Flush(database.families()[0]);
    database.ReadAll(database.families()[0]);
    AddAndDropAFamily(probe, &database, setup);
    OldVersion(probe, &database);
    EXPECT_TRUE(probe->Unwatch(database.db()).ok());
    ++databases;
  }

  void AddAndDropAFamily(RocksDbProbe* probe, TestDatabase* database, DatabaseSetup setup) {
    setup.shared_cache.reset();  // a cache of its own, which goes with it
    rocksdb::ColumnFamilyHandle* extra = nullptr;
    EXPECT_TRUE(database->db()
                    ->CreateColumnFamily(TestDatabase::FamilyOptions(setup), "extra", &extra)
                    .ok());
    EXPECT_TRUE(probe->Watch(database->db(), {extra}).ok());
    database->Write(extra, 100);
    database->Flush(extra);
    database->ReadAll(extra);
    Look(probe->SampleNow());
    EXPECT_TRUE(database->db()->DropColumnFamily(extra).ok());
    EXPECT_TRUE(probe->UnwatchFamily(database->db(), extra).ok());
    EXPECT_TRUE(database->db()->DestroyColumnFamilyHandle(extra).ok());
  }

  // Files that only an iterator's older state of the family has.
  void OldVersion(RocksDbProbe* probe, TestDatabase* database) {
    rocksdb::ColumnFamilyHandle* family = database->families()[0];
    const std::unique_ptr<rocksdb::Iterator> reader(
        database->db()->NewIterator(rocksdb::ReadOptions(), family));
    reader->SeekToFirst();
    database->Write(family, 100);
    EXPECT_TRUE(database->db()
                    ->CompactRange(rocksdb::CompactRangeOptions(), family, nullptr, nullptr)
                    .ok());
    Look(probe->SampleNow());
    EXPECT_TRUE(reader->Valid());
  }

  // Two databases share a cache that nobody else has: it dies with the second of them.
  void TwoWithOneCache(RocksDbProbe* probe) {
    DatabaseSetup setup;
    setup.shared_cache = rocksdb::NewLRUCache(2u << 20);
    setup.manager = std::make_shared<rocksdb::WriteBufferManager>(2u << 20, setup.shared_cache);
    TestDatabase first(setup);
    TestDatabase second(setup);
    setup = {};
    for (TestDatabase* database : {&first, &second}) {
      EXPECT_TRUE(probe->Watch(database->db(), database->families()).ok());
      database->Write(database->families()[0], 300);
      database->Flush(database->families()[0]);
      database->ReadAll(database->families()[0]);
      Look(probe->SampleNow());
    }
    EXPECT_TRUE(probe->Unwatch(first.db()).ok());
    first.Close();
    EXPECT_TRUE(probe->Unwatch(second.db()).ok());
    second.Close();
    databases += 2;
  }

  // One that the callback lets go, or its owner, who comes first.
  void Bait(RocksDbProbe* probe) {
    TestDatabase database;
    EXPECT_TRUE(probe->Watch(database.db(), database.families()).ok());
    {
      const std::lock_guard lock(bait_mutex_);
      bait_.push_back(database.db());
    }
    database.Write(database.families()[0], 50);
    {
      const std::lock_guard lock(bait_mutex_);
      std::erase(bait_, database.db());
    }
    const rocksdb::Status status = probe->Unwatch(database.db());
    EXPECT_TRUE(status.ok() || status.IsNotFound()) << status.ToString();
    ++databases;
  }

  void Callback(RocksDbProbe* probe, const RocksDbMemory& memory) {
    Look(memory);
    // Held over Unwatch, so that the owner does not destroy what is let go here.
    const std::lock_guard lock(bait_mutex_);
    if (bait_.empty()) return;
    EXPECT_TRUE(probe->Unwatch(bait_.back()).ok());
    bait_.pop_back();
    ++let_go_by_callback;
  }

  void Look(const RocksDbMemory& memory) {
    std::uint64_t of_families = 0;
    for (const RocksDbDatabaseMemory& database : memory.databases) {
      for (const RocksDbFamilyMemory& family : database.families)
        of_families += family.cached_blocks.value_or(RocksDbBlockBytes{}).Total();
    }
    std::uint64_t charged = 0;
    for (const RocksDbCacheMemory& cache : memory.caches) {
      charged += cache.split.value_or(RocksDbCacheSplit{}).charged;
      splits += cache.split ? 1 : 0;
    }
    EXPECT_GE(memory.TotalBytes(), memory.CacheBytes());
    EXPECT_TRUE(of_families == 0 || charged > 0);
  }

  // The same through the C functions, each round with a probe of its own.
  void InC() {
    TemporaryFolder folder;
    wrackline_rocksdb_options settings = WRACKLINE_ROCKSDB_OPTIONS;
    settings.period_ms = 1;
    settings.record_to_file = 0;
    settings.split_duty = 1;
    settings.callback = [](void* context, const wrackline_rocksdb_sample* sample) {
      *static_cast<std::atomic<std::uint64_t>*>(context) += sample->family_count;
    };
    settings.context = &families_in_c;
    wrackline_rocksdb_probe* probe = wrackline_rocksdb_create(&settings);
    EXPECT_EQ(wrackline_rocksdb_start(probe), 0);
    rocksdb_options_t* options = rocksdb_options_create();
    rocksdb_options_set_create_if_missing(options, 1);
    rocksdb_writeoptions_t* write = rocksdb_writeoptions_create();
    char* error = nullptr;
    rocksdb_t* db = rocksdb_open(options, (folder.path() + "/db").c_str(), &error);
    rocksdb_column_family_handle_t* family =
        rocksdb_create_column_family(db, options, "orders", &error);
    EXPECT_EQ(wrackline_rocksdb_watch(probe, db, &family, 1, "in C", nullptr), 0);
    for (int i = 0; i < 200; ++i) {
      const std::string key = std::to_string(i);
      rocksdb_put_cf(db, write, family, key.data(), key.size(), key.data(), key.size(), &error);
    }
    EXPECT_EQ(wrackline_rocksdb_sample_now(probe, nullptr, nullptr), 0);
    rocksdb_drop_column_family(db, family, &error);
    EXPECT_EQ(wrackline_rocksdb_unwatch_family(probe, db, family), 0);
    rocksdb_column_family_handle_destroy(family);
    if (databases % 2 == 0) wrackline_rocksdb_stop(probe);
    EXPECT_EQ(wrackline_rocksdb_unwatch(probe, db), 0);
    rocksdb_close(db);
    wrackline_rocksdb_destroy(probe);
    EXPECT_EQ(error, nullptr) << error;
    rocksdb_writeoptions_destroy(write);
    rocksdb_options_destroy(options);
    ++databases;
  }

  std::atomic<std::uint64_t> databases{0};
  std::atomic<std::uint64_t> splits{0};
  std::atomic<std::uint64_t> families_in_c{0};
  std::uint64_t let_go_by_callback = 0;

 private:
  const std::chrono::steady_clock::time_point end_ = std::chrono::steady_clock::now() + StormTime();
  std::mutex bait_mutex_;
  std::vector<rocksdb::DB*> bait_;
};

TEST(Life, Storm) {
  Weather weather;
  TemporaryFolder folder;
  RocksDbProbe* self = nullptr;
  RocksDbProbeOptions options;
  options.period = milliseconds(1);
  options.callback = [&](const RocksDbMemory& memory) { weather.Callback(self, memory); };
  options.submit_to_shim = false;
  options.output_folder = folder.path();
  options.file_bytes = 1 << 20;
  options.split_duty = 1;
  RocksDbProbe probe(options);
  self = &probe;
  ASSERT_TRUE(probe.Start().ok());
  DatabaseSetup setup;
  setup.shared_cache = rocksdb::NewLRUCache(8u << 20);
  setup.manager = std::make_shared<rocksdb::WriteBufferManager>(16u << 20, setup.shared_cache);
  setup.write_buffer_size = 256 * 1024;
  std::vector<std::thread> threads;
  const auto storm = [&](auto&& round) {
    threads.emplace_back([&, round] {
      while (!weather.Over()) round();
    });
  };
  storm([&] { weather.OneDatabase(&probe, setup); });
  storm([&] { weather.OneDatabase(&probe, setup); });
  storm([&] { weather.TwoWithOneCache(&probe); });
  storm([&] { weather.Bait(&probe); });
  storm([&] { weather.InC(); });
  storm([&] {
    probe.Stop();
    EXPECT_TRUE(probe.Start().ok());
    std::this_thread::sleep_for(milliseconds(50));
  });
  for (std::thread& thread : threads) thread.join();
  EXPECT_GT(weather.databases, 5u);
  EXPECT_GT(weather.splits, 0u);
  EXPECT_GT(weather.families_in_c, 0u);
  EXPECT_THAT(probe.SampleNow().databases, SizeIs(0));
  const RocksDbProbeStatistics statistics = probe.statistics();
  std::printf(
      "storm: %lu databases, %lu samples, %lu splits looked at, %lu let go by the "
      "callback, %lu "
      "families in C\n",
      weather.databases.load(), statistics.samples, weather.splits.load(),
      weather.let_go_by_callback, weather.families_in_c.load());
}

}  // namespace
}  // namespace wrackline::probe
