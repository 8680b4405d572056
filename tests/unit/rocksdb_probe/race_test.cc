// What must hold at the moments when a program lets go of something that the probe is looking at: each moment is held open
// by a cache that stops the probe inside itself.
#include <gmock/gmock.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <fstream>
#include <memory>
#include <string>
#include <thread>

#include "tests/unit/rocksdb_probe/gated_cache.h"
#include "tests/unit/rocksdb_probe/test_database.h"
#include "wrackline/rocksdb_probe.h"

namespace wrackline::probe {
namespace {

using ::testing::SizeIs;

// Until the thread whose number stands in `thread` sleeps in the call that it is about to make, or ten seconds.
void WaitUntilItSleeps(const std::atomic<pid_t>& thread) {
  int asleep = 0;
  for (int tries = 0; tries < 2000 && asleep < 4; ++tries) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
    std::string stat;
    std::getline(std::ifstream("/proc/self/task/" + std::to_string(thread.load()) + "/stat"), stat);
    const std::size_t name_end = stat.rfind(") ");
    asleep = name_end != std::string::npos && stat[name_end + 2] == 'S' ? asleep + 1 : 0;
  }
}

class Races : public ::testing::Test {
 protected:
  Races() : probe_(Options()) {}
  static RocksDbProbeOptions Options() {
    RocksDbProbeOptions options;
    options.record_to_file = false;
    options.split_duty = 1e9;  // at every sample
    return options;
  }
  std::shared_ptr<rocksdb::Cache> NewGatedCache() const {
    return std::make_shared<GatedCache>(gates_, 8u << 20);
  }
  static void Fill(TestDatabase* database, rocksdb::ColumnFamilyHandle* family) {
    database->Write(family, 200);
    database->Flush(family);
    database->ReadAll(family);
  }
  static RocksDbCacheSplit SplitOf(const RocksDbMemory& memory, std::uint64_t cache) {
    for (const RocksDbCacheMemory& seen : memory.caches) {
      if (seen.id == cache) return seen.split.value_or(RocksDbCacheSplit{});
    }
    return {};
  }

  const std::shared_ptr<Gates> gates_ = std::make_shared<Gates>();
  RocksDbProbe probe_;
};

TEST_F(Races, ADatabaseAndItsCacheMayGoWhileTheCacheIsWalked) {
  DatabaseSetup setup;
  setup.shared_cache = NewGatedCache();
  auto database = std::make_unique<TestDatabase>(setup);
  Fill(database.get(), database->families()[0]);
  ASSERT_TRUE(probe_.Watch(database->db(), database->families()).ok());
  const auto id = reinterpret_cast<std::uintptr_t>(setup.shared_cache.get());
  const std::weak_ptr<rocksdb::Cache> cache = setup.shared_cache;

  gates_->walk.Shut();
  RocksDbMemory memory;
  std::thread sampler([&] { memory = probe_.SampleNow(); });
  gates_->walk.WaitForAVisitor();
  EXPECT_TRUE(
      probe_.Unwatch(database->db()).ok());  // does not wait for the walk: it would never end
  database.reset();
  setup = {};
  EXPECT_FALSE(cache.expired());  // the walk holds it
  gates_->walk.Open();
  sampler.join();
  EXPECT_TRUE(cache.expired());
  EXPECT_GT(SplitOf(memory, id).charged,
            100'000u);  // of its entries, which no database owned any more
}

TEST_F(Races, AFamilyMayGoWithItsOwnCacheBetweenTheSampleAndTheWalk) {
  DatabaseSetup setup;
  setup.families = {"first"};
  setup.shared_cache = NewGatedCache();
  TestDatabase database(setup);
  DatabaseSetup other;
  other.shared_cache = rocksdb::NewLRUCache(8u << 20);
  const auto id = reinterpret_cast<std::uintptr_t>(other.shared_cache.get());
  const std::weak_ptr<rocksdb::Cache> cache = other.shared_cache;
  rocksdb::ColumnFamilyHandle* second = nullptr;
  ASSERT_TRUE(database.db()
                  ->CreateColumnFamily(TestDatabase::FamilyOptions(other), "second", &second)
                  .ok());
  Fill(&database, second);
  ASSERT_TRUE(probe_.Watch(database.db(), database.families()).ok());
  ASSERT_TRUE(probe_.Watch(database.db(), {second}).ok());

  gates_->walk.Shut();  // the first cache's walk; the second's comes after it
  RocksDbMemory memory;
  std::thread sampler([&] { memory = probe_.SampleNow(); });
  gates_->walk.WaitForAVisitor();
  EXPECT_TRUE(database.db()->DropColumnFamily(second).ok());
  EXPECT_TRUE(probe_.UnwatchFamily(database.db(), second).ok());
  EXPECT_TRUE(database.db()->DestroyColumnFamilyHandle(second).ok());
  other = {};
  gates_->walk.Open();
  sampler.join();
  EXPECT_TRUE(cache.expired());
  EXPECT_GT(SplitOf(memory, id).charged, 100'000u);
  EXPECT_THAT(probe_.SampleNow().caches, SizeIs(1));
}

TEST_F(Races, UnwatchComesBackOnlyWhenTheSampleOfItsDatabaseIsOver) {
  DatabaseSetup setup;
  setup.shared_cache = NewGatedCache();
  TestDatabase database(setup);
  ASSERT_TRUE(probe_.Watch(database.db(), database.families()).ok());
  gates_->usage.Shut();
  std::thread sampler([&] { probe_.SampleNow(); });
  gates_->usage.WaitForAVisitor();
  std::atomic<bool> opened{false};
  std::atomic<bool> was_opened{false};
  std::atomic<pid_t> calling{0};
  std::thread closer([&] {
    calling = gettid();
    EXPECT_TRUE(probe_.Unwatch(database.db()).ok());
    was_opened = opened.load();
    database.Close();
  });
  WaitUntilItSleeps(calling);
  opened = true;
  gates_->usage.Open();
  sampler.join();
  closer.join();
  EXPECT_TRUE(was_opened);
  EXPECT_THAT(probe_.SampleNow().databases, SizeIs(0));
}

TEST_F(Races, ANewFamilyIsWatchedWhileItsDatabaseIsSampledAndThenClosed) {
  DatabaseSetup setup;
  setup.shared_cache = NewGatedCache();
  TestDatabase database(setup);
  ASSERT_TRUE(probe_.Watch(database.db(), database.families()).ok());
  gates_->usage.Shut();
  std::size_t families = 0;
  std::thread sampler([&] { families = probe_.SampleNow().databases.at(0).families.size(); });
  gates_->usage.WaitForAVisitor();
  std::atomic<bool> opened{false};
  std::atomic<bool> was_opened{false};
  std::atomic<pid_t> calling{0};
  std::thread maker([&] {
    rocksdb::ColumnFamilyHandle* added = nullptr;
    EXPECT_TRUE(database.db()
                    ->CreateColumnFamily(TestDatabase::FamilyOptions(setup), "added", &added)
                    .ok());
    database.handles().push_back(added);
    calling = gettid();
    EXPECT_TRUE(probe_.Watch(database.db(), {added}).ok());  // waits for the sample
    was_opened = opened.load();
    EXPECT_TRUE(probe_.Unwatch(database.db()).ok());
    database.Close();
  });
  WaitUntilItSleeps(calling);
  opened = true;
  gates_->usage.Open();
  sampler.join();
  maker.join();
  EXPECT_TRUE(was_opened);
  EXPECT_EQ(families, 2u);  // of the moment when it began
  EXPECT_THAT(probe_.SampleNow().databases, SizeIs(0));
}

TEST_F(Races, WhoSamplesDuringAWalkDoesNotWaitForIt) {
  DatabaseSetup setup;
  setup.shared_cache = NewGatedCache();
  TestDatabase database(setup);
  Fill(&database, database.families()[0]);
  ASSERT_TRUE(probe_.Watch(database.db(), database.families()).ok());
  const RocksDbMemory before = probe_.SampleNow();
  gates_->walk.Shut();
  std::thread walker([&] { probe_.SampleNow(); });
  gates_->walk.WaitForAVisitor();
  const RocksDbMemory meanwhile = probe_.SampleNow();
  gates_->walk.Open();
  walker.join();
  ASSERT_THAT(meanwhile.caches, SizeIs(1));
  EXPECT_EQ(meanwhile.caches[0].split->monotonic_ns, before.caches[0].split->monotonic_ns);
}

}  // namespace
}  // namespace wrackline::probe
