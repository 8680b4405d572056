// A database at work, with the probe or without it: as many puts and gets as are asked for, on families that share a cache
// and a write buffer manager. Prints one line; processor times are nanoseconds:
//
//   result operations=2000000 wall_ns=9100000000 cpu_ns=11800000000 probe_cpu_ns=8100000 samples=10 splits=3
//
//   busy_database --path FOLDER [--operations 200k] [--keys 50k] [--families 8] [--probe MILLISECONDS]
//
// The same operations in the same order every time. Memtables are small and nothing is compacted, so that counts of
// instructions repeat. --probe: samples once in so many milliseconds; 0, as without it: no probe.
#include <rocksdb/cache.h>
#include <rocksdb/db.h>
#include <rocksdb/table.h>
#include <rocksdb/write_buffer_manager.h>
#include <time.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "bench/programs/arguments.h"
#include "wrackline/rocksdb_probe.h"

namespace {

void Check(const rocksdb::Status& status) {
  if (status.ok() || status.IsNotFound()) return;
  std::fprintf(stderr, "busy_database: %s\n", status.ToString().c_str());
  std::exit(1);
}

std::uint64_t Now(clockid_t clock) {
  timespec now{};
  clock_gettime(clock, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000u +
         static_cast<std::uint64_t>(now.tv_nsec);
}

class Database {
 public:
  Database(const std::string& path, std::uint64_t families) {
    cache_ = rocksdb::NewLRUCache(64 << 20);
    rocksdb::DBOptions options;
    options.create_if_missing = true;
    options.create_missing_column_families = true;
    options.write_buffer_manager = std::make_shared<rocksdb::WriteBufferManager>(32 << 20, cache_);
    rocksdb::ColumnFamilyOptions family;
    family.write_buffer_size = 256 << 10;
    family.compression = rocksdb::kNoCompression;
    family.disable_auto_compactions = true;
    family.level0_slowdown_writes_trigger = family.level0_stop_writes_trigger = 1 << 20;
    rocksdb::BlockBasedTableOptions table;
    table.block_cache = cache_;
    table.cache_index_and_filter_blocks = true;
    family.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
    std::vector<rocksdb::ColumnFamilyDescriptor> descriptors = {
        {rocksdb::kDefaultColumnFamilyName, family}};
    for (std::uint64_t i = 1; i < families; ++i)
      descriptors.emplace_back("family" + std::to_string(i), family);
    rocksdb::DB* db = nullptr;
    Check(rocksdb::DB::Open(options, path, descriptors, &families_, &db));
    db_.reset(db);
  }
  ~Database() {
    for (rocksdb::ColumnFamilyHandle* family : families_)
      Check(db_->DestroyColumnFamilyHandle(family));
  }

  // Once a write of every key; then of ten operations one writes and nine read.
  void Work(std::uint64_t operations, std::uint64_t keys) {
    const std::string value(400, 'x');
    std::string read;
    std::uint64_t random = 20240229;
    for (std::uint64_t i = 0; i < operations; ++i) {
      random = random * 6364136223846793005u + 1442695040888963407u;
      char key[24];
      const int length =
          std::snprintf(key, sizeof key, "key%012lu", i < keys ? i : (random >> 33) % keys);
      const rocksdb::Slice slice(key, static_cast<std::size_t>(length));
      rocksdb::ColumnFamilyHandle* family = families_[i % families_.size()];
      Check(i < keys || i % 10 == 0 ? db_->Put(rocksdb::WriteOptions(), family, slice, value)
                                    : db_->Get(rocksdb::ReadOptions(), family, slice, &read));
    }
  }

  rocksdb::DB* db() const { return db_.get(); }
  const std::vector<rocksdb::ColumnFamilyHandle*>& families() const { return families_; }
  const rocksdb::Cache* cache() const { return cache_.get(); }

 private:
  std::shared_ptr<rocksdb::Cache> cache_;
  std::unique_ptr<rocksdb::DB> db_;
  std::vector<rocksdb::ColumnFamilyHandle*> families_;
};

struct Seen {
  std::atomic<std::uint64_t> probe_cpu_ns{0};
  std::atomic<std::uint64_t> splits{0};
  std::uint64_t last_split_ns = 0;
};

}  // namespace

int main(int argc, char** argv) {
  wrackline::bench::Arguments arguments(argc, argv);
  const char* path = arguments.Text("--path", nullptr);
  const std::uint64_t operations = arguments.Number("--operations", 200 << 10);
  const std::uint64_t keys = arguments.Number("--keys", 50 << 10);
  const std::uint64_t families = arguments.Number("--families", 8);
  const std::uint64_t period = arguments.Number("--probe", 0);
  arguments.Done();
  if (path == nullptr || keys == 0 || families == 0) {
    std::fprintf(stderr,
                 "busy_database: --path names a folder; --keys and --families are at least 1\n");
    return 2;
  }
  Database database(path, families);
  Seen seen;
  wrackline::RocksDbProbeOptions options;
  options.period = std::chrono::milliseconds(period);
  options.record_to_file = false;
  options.submit_to_shim = false;
  options.callback = [&seen](const wrackline::RocksDbMemory& memory) {
    seen.probe_cpu_ns = Now(CLOCK_THREAD_CPUTIME_ID);
    if (memory.caches.empty() || !memory.caches[0].split) return;
    if (memory.caches[0].split->monotonic_ns != seen.last_split_ns) ++seen.splits;
    seen.last_split_ns = memory.caches[0].split->monotonic_ns;
  };
  wrackline::RocksDbProbe probe(options);
  if (period > 0) {
    Check(probe.Watch(database.db(), database.families(),
                      {.write_buffer_manager_cache = database.cache()}));
    Check(probe.Start());
  }
  const std::uint64_t begin = Now(CLOCK_MONOTONIC);
  const std::uint64_t begin_cpu = Now(CLOCK_PROCESS_CPUTIME_ID);
  database.Work(operations, keys);
  const std::uint64_t wall = Now(CLOCK_MONOTONIC) - begin;
  const std::uint64_t cpu = Now(CLOCK_PROCESS_CPUTIME_ID) - begin_cpu;
  if (period > 0) {
    probe.Stop();
    Check(probe.Unwatch(database.db()));
  }
  std::printf(
      "result operations=%lu wall_ns=%lu cpu_ns=%lu probe_cpu_ns=%lu samples=%lu splits=%lu\n",
      operations, wall, cpu, seen.probe_cpu_ns.load(), probe.statistics().samples,
      seen.splits.load());
  return 0;
}
