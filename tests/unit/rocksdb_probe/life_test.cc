// Who may be gone when: databases, families and caches that come and go under a sampling probe.
#include <gmock/gmock.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdlib>
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

// Four seconds, or as many as WRACKLINE_STORM_SECONDS says.
std::chrono::seconds StormTime() {
  const char* wanted = std::getenv("WRACKLINE_STORM_SECONDS");
  return std::chrono::seconds(wanted == nullptr ? 4 : std::max(1, std::atoi(wanted)));
}

// Databases and families open, close, are watched, written, read, flushed and let go by several
// threads, while the probe samples and walks their cache as fast as it can, into a file of its own.
TEST(Life, Storm) {
  TemporaryFolder folder;
  RocksDbProbeOptions options =
      Quick([](const RocksDbMemory& memory) { (void)memory.TotalBytes(); });
  options.record_to_file = true;
  options.submit_to_shim = false;
  options.output_folder = folder.path();
  options.file_bytes = 1 << 20;
  options.split_duty = 1;
  RocksDbProbe probe(options);
  ASSERT_TRUE(probe.Start().ok());
  DatabaseSetup setup;
  setup.shared_cache = rocksdb::NewLRUCache(8u << 20);
  setup.manager = std::make_shared<rocksdb::WriteBufferManager>(16u << 20, setup.shared_cache);
  setup.write_buffer_size = 256 * 1024;
  const auto end = std::chrono::steady_clock::now() + StormTime();
  std::atomic<int> rounds{0};
  std::atomic<int> splits{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 3; ++t) {
    threads.emplace_back([&] {
      while (std::chrono::steady_clock::now() < end) {
        TestDatabase database(setup);
        EXPECT_TRUE(probe
                        .Watch(database.db(), database.families(),
                               {.write_buffer_manager_cache = setup.shared_cache.get()})
                        .ok());
        database.Write(database.families()[0], 500);
        database.Flush(database.families()[0]);
        database.ReadAll(database.families()[0]);
        rocksdb::ColumnFamilyHandle* extra = nullptr;
        EXPECT_TRUE(database.db()
                        ->CreateColumnFamily(TestDatabase::FamilyOptions(setup), "extra", &extra)
                        .ok());
        EXPECT_TRUE(probe.Watch(database.db(), {extra}).ok());
        database.Write(extra, 100);
        for (const RocksDbCacheMemory& cache : probe.SampleNow().caches)
          splits += cache.split ? 1 : 0;
        EXPECT_TRUE(database.db()->DropColumnFamily(extra).ok());
        EXPECT_TRUE(probe.UnwatchFamily(database.db(), extra).ok());
        EXPECT_TRUE(database.db()->DestroyColumnFamilyHandle(extra).ok());
        EXPECT_TRUE(probe.Unwatch(database.db()).ok());
        ++rounds;
      }
    });
  }
  threads.emplace_back([&] {
    while (std::chrono::steady_clock::now() < end) {
      probe.Stop();
      EXPECT_TRUE(probe.Start().ok());
      std::this_thread::sleep_for(milliseconds(50));
    }
  });
  for (std::thread& thread : threads) thread.join();
  EXPECT_GT(rounds, 3);
  EXPECT_GT(splits, 0);
  EXPECT_THAT(probe.SampleNow().databases, SizeIs(0));
}

}  // namespace
}  // namespace wrackline::probe
