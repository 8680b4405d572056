// What it costs to tell whose the blocks of a shared cache are. Fills a cache from the table files of many families,
// walks it again and again, and prints one line of medians and quartiles over the walks, processor time in nanoseconds:
//
//   result cache_bytes=1073741000 entries=251257 split_ns=41000000 split_low=... split_high=... bare_ns=... first_ns=...
//
//   split_cache --path FOLDER [--cache 1g] [--families 64] [--files 8] [--walks 15] [--churn 0]
//
// `bare` is RocksDB's own walk with a callback that does nothing, in turn with the probe's; `first` is the probe's first
// walk, which knows nothing. --churn: before each walk so many per mille of the cache are thrown out and read again.
#include <rocksdb/table.h>
#include <time.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "bench/programs/arguments.h"
#include "rocksdb_probe/block_keys.h"
#include "wrackline/rocksdb_probe.h"

namespace {

constexpr std::size_t kValueBytes = 1000;

void Check(const rocksdb::Status& status) {
  if (status.ok()) return;
  std::fprintf(stderr, "split_cache: %s\n", status.ToString().c_str());
  std::exit(1);
}

std::uint64_t ThreadCpuNs() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000u +
         static_cast<std::uint64_t>(now.tv_nsec);
}

std::string Key(std::uint64_t number) {
  char text[24];
  std::snprintf(text, sizeof text, "key%012llu", static_cast<unsigned long long>(number));
  return text;
}

struct Database {
  std::shared_ptr<rocksdb::Cache> cache;
  std::unique_ptr<rocksdb::DB> db;
  std::vector<rocksdb::ColumnFamilyHandle*> families;
  std::uint64_t keys_of_a_family = 0;
};

Database Open(const std::string& path, std::uint64_t cache_bytes, std::uint64_t families) {
  Database out;
  out.cache = rocksdb::NewLRUCache(cache_bytes);
  rocksdb::DBOptions options;
  options.create_if_missing = true;
  options.create_missing_column_families = true;
  options.max_background_jobs = 1;
  rocksdb::ColumnFamilyOptions family;
  family.compression = rocksdb::kNoCompression;
  family.disable_auto_compactions = true;
  family.level0_slowdown_writes_trigger = family.level0_stop_writes_trigger = 1 << 20;
  rocksdb::BlockBasedTableOptions table;
  table.block_cache = out.cache;
  table.cache_index_and_filter_blocks = true;
  family.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  std::vector<rocksdb::ColumnFamilyDescriptor> descriptors = {
      {rocksdb::kDefaultColumnFamilyName, family}};
  for (std::uint64_t i = 1; i < families; ++i)
    descriptors.emplace_back("family" + std::to_string(i), family);
  rocksdb::DB* db = nullptr;
  Check(rocksdb::DB::Open(options, path, descriptors, &out.families, &db));
  out.db.reset(db);
  return out;
}

// So much in table files that all of it together is a little more than the cache.
void Fill(Database* database, std::uint64_t cache_bytes, std::uint64_t files) {
  const std::uint64_t keys_of_a_file =
      cache_bytes / kValueBytes / database->families.size() / files + 1;
  rocksdb::WriteOptions write;
  write.disableWAL = true;
  const std::string value(kValueBytes, 'x');
  for (rocksdb::ColumnFamilyHandle* family : database->families) {
    for (std::uint64_t file = 0; file < files; ++file) {
      for (std::uint64_t i = 0; i < keys_of_a_file; ++i)
        Check(database->db->Put(write, family, Key(file * keys_of_a_file + i), value));
      Check(database->db->Flush(rocksdb::FlushOptions(), family));
    }
  }
  database->keys_of_a_family = keys_of_a_file * files;
}

// Families in turn, as a program's states are read, so that no family's blocks lie together in memory.
void ReadAll(const Database& database) {
  std::string value;
  for (std::uint64_t key = 0; key < database.keys_of_a_family; key += 3) {
    for (rocksdb::ColumnFamilyHandle* family : database.families)
      Check(database.db->Get(rocksdb::ReadOptions(), family, Key(key), &value));
  }
}

void Churn(const Database& database, std::uint64_t per_mille) {
  const std::size_t capacity = database.cache->GetCapacity();
  database.cache->SetCapacity(capacity - capacity / 1000 * per_mille);
  database.cache->SetCapacity(capacity);
  static std::uint64_t random = 20240229;
  std::string value;
  // Three quarters of what is looked up is there; until the cache is as full as it was.
  while (database.cache->GetUsage() < capacity / 1000 * 995) {
    random = random * 6364136223846793005u + 1442695040888963407u;
    rocksdb::ColumnFamilyHandle* family =
        database.families[(random >> 33) % database.families.size()];
    Check(database.db->Get(rocksdb::ReadOptions(), family,
                           Key((random >> 40) % database.keys_of_a_family), &value));
  }
}

std::uint64_t Bare(rocksdb::Cache* cache) {
  const std::uint64_t begin = ThreadCpuNs();
  cache->ApplyToAllEntries(
      [](const rocksdb::Slice&, void*, std::size_t, wrackline::probe::EntryKind) {}, {});
  return ThreadCpuNs() - begin;
}

// "name_ns=median name_low=quartile name_high=quartile"
void Print(const char* name, std::vector<std::uint64_t> values) {
  std::sort(values.begin(), values.end());
  const std::size_t n = values.size();
  std::printf(" %s_ns=%lu %s_low=%lu %s_high=%lu", name, values[n / 2], name, values[n / 4], name,
              values[n - 1 - n / 4]);
}

}  // namespace

int main(int argc, char** argv) {
  wrackline::bench::Arguments arguments(argc, argv);
  const char* path = arguments.Text("--path", nullptr);
  const std::uint64_t cache_bytes = arguments.Number("--cache", 1 << 30);
  const std::uint64_t families = arguments.Number("--families", 64);
  const std::uint64_t files = arguments.Number("--files", 8);
  const std::uint64_t walks = arguments.Number("--walks", 15);
  const std::uint64_t churn = arguments.Number("--churn", 0);
  arguments.Done();
  if (path == nullptr || walks == 0 || families == 0 || files == 0) {
    std::fprintf(stderr,
                 "split_cache: --path names a folder for the database; --walks, --families and "
                 "--files are at least 1\n");
    return 2;
  }

  Database database = Open(path, cache_bytes, families);
  Fill(&database, cache_bytes, files);
  ReadAll(database);

  wrackline::RocksDbProbeOptions options;
  options.record_to_file = false;
  options.submit_to_shim = false;
  options.split_duty = 1e9;  // at every sample
  wrackline::RocksDbProbe probe(options);
  Check(probe.Watch(database.db.get(), database.families));
  std::vector<std::uint64_t> split;
  std::vector<std::uint64_t> bare;
  std::uint64_t first = 0;
  wrackline::RocksDbCacheSplit last;
  for (std::uint64_t i = 0; i <= walks; ++i) {
    if (i > 1 && churn > 0) Churn(database, churn);
    const wrackline::RocksDbMemory memory = probe.SampleNow();
    if (memory.caches.size() != 1 || !memory.caches[0].split) {
      std::fprintf(stderr, "split_cache: the cache was not split\n");
      return 1;
    }
    last = *memory.caches[0].split;
    if (i == 0) {
      first = last.cpu_ns;
    } else {
      split.push_back(last.cpu_ns);
      bare.push_back(Bare(database.cache.get()));
    }
  }
  std::printf("result cache_bytes=%lu entries=%lu unknown_bytes=%lu first_ns=%lu", last.usage,
              last.entries, last.unknown.Total(), first);
  Print("split", std::move(split));
  Print("bare", std::move(bare));
  std::printf("\n");
  Check(probe.Unwatch(database.db.get()));
  for (rocksdb::ColumnFamilyHandle* family : database.families)
    Check(database.db->DestroyColumnFamilyHandle(family));
  return 0;
}
