// Who may be gone when: databases, families and caches that come and go under a sampling probe.
#include <gmock/gmock.h>
#include <rocksdb/listener.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <set>
#include <thread>

#include "tests/unit/rocksdb_probe/test_database.h"
#include "wrackline/rocksdb_probe.h"

namespace wrackline::probe {
namespace {

using std::chrono::milliseconds;
using ::testing::SizeIs;

RocksDbProbeOptions Quick(std::function<void(const RocksDbMemory&)> callback = {}) {
  RocksDbProbeOptions options;
  options.period = milliseconds(1);
  options.record_to_file = false;
  options.callback = std::move(callback);
  return options;
}

TEST(Life, TheProbeKeepsNoCacheAndNoManagerAlive) {
  DatabaseSetup setup;
  setup.shared_cache = rocksdb::NewLRUCache(8u << 20);
  setup.manager = std::make_shared<rocksdb::WriteBufferManager>(8u << 20, setup.shared_cache);
  const std::weak_ptr<rocksdb::Cache> cache = setup.shared_cache;
  const std::weak_ptr<rocksdb::WriteBufferManager> manager = setup.manager;
  RocksDbProbe probe(Quick());
  {
    TestDatabase database(setup);
    ASSERT_TRUE(probe.Watch(database.db(), database.families()).ok());
    setup = {};
    EXPECT_THAT(probe.SampleNow().caches, SizeIs(1));
    ASSERT_TRUE(probe.Unwatch(database.db()).ok());
    EXPECT_FALSE(cache.expired());
  }
  EXPECT_TRUE(cache.expired());
  EXPECT_TRUE(manager.expired());
}

TEST(Life, AnUnwatchedDatabaseIsNoLongerSampled) {
  TestDatabase database;
  RocksDbProbe probe(Quick());
  ASSERT_TRUE(probe.Watch(database.db(), database.families()).ok());
  EXPECT_THAT(probe.SampleNow().databases, SizeIs(1));
  ASSERT_TRUE(probe.Unwatch(database.db()).ok());
  database.Close();
  EXPECT_THAT(probe.SampleNow().databases, SizeIs(0));
}

TEST(Life, WatchingAgainAddsFamilies) {
  TestDatabase database;
  RocksDbProbe probe(Quick());
  ASSERT_TRUE(probe.Watch(database.db(), {database.families()[0]}, {.name = "orders"}).ok());
  const std::uint64_t id = probe.SampleNow().databases[0].id;
  rocksdb::ColumnFamilyHandle* later = nullptr;
  ASSERT_TRUE(database.db()->CreateColumnFamily({}, "later", &later).ok());
  database.handles().push_back(later);
  ASSERT_TRUE(probe.Watch(database.db(), {later, database.families()[0]}).ok());
  const RocksDbMemory memory = probe.SampleNow();
  ASSERT_THAT(memory.databases, SizeIs(1));
  EXPECT_EQ(memory.databases[0].id, id);
  EXPECT_EQ(memory.databases[0].name, "orders");
  ASSERT_THAT(memory.databases[0].families, SizeIs(2));
  EXPECT_EQ(memory.databases[0].families[1].name, "later");
}

TEST(Life, AFamilyMayBeDroppedWhileItIsWatched) {
  TestDatabase database;
  auto* family = database.families()[1];
  database.Write(family, 1000);
  RocksDbProbe probe(Quick());
  ASSERT_TRUE(probe.Watch(database.db(), database.families()).ok());
  ASSERT_TRUE(probe.Start().ok());
  ASSERT_TRUE(database.db()->DropColumnFamily(family).ok());
  // Its memory is there until its handle goes.
  const RocksDbMemory memory = probe.SampleNow();
  EXPECT_GT(*memory.databases[0].families[1].all_memtables, 1'000'000u);
  ASSERT_TRUE(probe.UnwatchFamily(database.db(), family).ok());
  EXPECT_TRUE(probe.UnwatchFamily(database.db(), family).IsNotFound());
  ASSERT_TRUE(database.db()->DestroyColumnFamilyHandle(family).ok());
  std::erase(database.handles(), family);
  EXPECT_THAT(probe.SampleNow().databases[0].families, SizeIs(1));
}

TEST(Life, ADatabaseIdIsNeverUsedAgain) {
  RocksDbProbe first(Quick());
  RocksDbProbe second(Quick());
  TestDatabase database;
  std::set<std::uint64_t> ids;
  for (int i = 0; i < 10; ++i) {
    for (RocksDbProbe* probe : {&first, &second}) {
      ASSERT_TRUE(probe->Watch(database.db(), {}).ok());
      ids.insert(probe->SampleNow().databases[0].id);
      ASSERT_TRUE(probe->Unwatch(database.db()).ok());
    }
  }
  EXPECT_THAT(ids, SizeIs(20));
}

TEST(Life, TheThreadCallsTheCallbackAndMayUnwatchAndStopFromIt) {
  TestDatabase database;
  std::mutex mutex;
  std::condition_variable stopped;
  bool done = false;
  RocksDbProbe* self = nullptr;
  RocksDbProbe probe(Quick([&](const RocksDbMemory& memory) {
    const std::lock_guard lock(mutex);
    if (done || memory.databases.empty()) return;
    EXPECT_TRUE(self->Unwatch(database.db()).ok());
    self->Stop();
    EXPECT_TRUE(self->Start().IsBusy());
    done = true;
    stopped.notify_all();
  }));
  self = &probe;
  ASSERT_TRUE(probe.Watch(database.db(), database.families()).ok());
  ASSERT_TRUE(probe.Start().ok());
  {
    std::unique_lock lock(mutex);
    ASSERT_TRUE(stopped.wait_for(lock, std::chrono::seconds(30), [&] { return done; }));
  }
  database.Close();
  ASSERT_TRUE(probe.Start().ok());  // after the thread that its callback stopped
  const std::uint64_t before = probe.statistics().samples;
  for (int i = 0; i < 3000 && probe.statistics().samples == before; ++i)
    std::this_thread::sleep_for(milliseconds(10));
  EXPECT_GT(probe.statistics().samples, before);
  probe.Stop();
  probe.Stop();
}

TEST(Life, UnwatchWaitsForTheSampleInProgress) {
  // Sampled by a second thread without a pause; closing the database right after Unwatch must be
  // safe every time.
  RocksDbProbe probe(Quick());
  std::atomic<bool> stop{false};
  std::thread sampler([&] {
    while (!stop) probe.SampleNow();
  });
  for (int round = 0; round < 20; ++round) {
    TestDatabase database;
    ASSERT_TRUE(probe.Watch(database.db(), database.families()).ok());
    const std::uint64_t from = probe.statistics().samples;
    while (probe.statistics().samples < from + 5) std::this_thread::yield();
    ASSERT_TRUE(probe.Unwatch(database.db()).ok());
    database.Close();
  }
  stop = true;
  sampler.join();
}

TEST(Life, AForkedChildMayDestroyTheProbe) {
  TestDatabase database;
  auto probe = std::make_unique<RocksDbProbe>(Quick());
  ASSERT_TRUE(probe->Watch(database.db(), database.families()).ok());
  ASSERT_TRUE(probe->Start().ok());
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    const bool refused =
        probe->Unwatch(database.db()).IsNotSupported() && probe->SampleNow().databases.empty();
    probe.reset();
    _exit(refused ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
}

TEST(Life, ASampleThatTheCallbackTakesIsNotShownToItAgain) {
  int calls = 0;
  std::size_t databases = 0;
  RocksDbProbe* self = nullptr;
  RocksDbProbe probe(Quick([&](const RocksDbMemory&) {
    ++calls;
    databases = self->SampleNow().databases.size();
  }));
  self = &probe;
  TestDatabase database;
  ASSERT_TRUE(probe.Watch(database.db(), database.families()).ok());
  probe.SampleNow();
  probe.SampleNow();
  EXPECT_EQ(calls, 2);
  EXPECT_EQ(databases, 1u);
}

// Lets a family go when its handle is destroyed, whoever does that.
struct LetGo : rocksdb::EventListener {
  void OnColumnFamilyHandleDeletionStarted(rocksdb::ColumnFamilyHandle* handle) override {
    if (probe->UnwatchFamily(db, handle).ok()) ++families;
  }
  RocksDbProbe* probe = nullptr;
  rocksdb::DB* db = nullptr;
  int families = 0;
};

TEST(Life, AListenerMayUnwatchFamiliesWhoseHandlesAreDestroyed) {
  RocksDbProbe probe(Quick());
  ASSERT_TRUE(probe.Start().ok());
  const auto let_go = std::make_shared<LetGo>();
  DatabaseSetup setup;
  setup.listeners.push_back(let_go);
  TestDatabase database(setup);
  rocksdb::DB* db = let_go->db = database.db();
  let_go->probe = &probe;
  for (int i = 0; i < 20; ++i) {
    rocksdb::ColumnFamilyHandle* family = nullptr;
    ASSERT_TRUE(db->CreateColumnFamily({}, "family" + std::to_string(i), &family).ok());
    ASSERT_TRUE(probe.Watch(db, {family}).ok());
    database.Write(family, 10);
    probe.SampleNow();
    ASSERT_TRUE(db->DropColumnFamily(family).ok());
    ASSERT_TRUE(db->DestroyColumnFamilyHandle(family).ok());
  }
  EXPECT_EQ(let_go->families, 20);
  EXPECT_THAT(probe.SampleNow().databases[0].families, SizeIs(0));
  ASSERT_TRUE(probe.Unwatch(db).ok());
}

}  // namespace
}  // namespace wrackline::probe
