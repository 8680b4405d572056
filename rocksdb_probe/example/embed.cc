// Embedding the probe: the smallest whole program. Usage: embed FOLDER
//
// Run it under `wrackline run -- embed FOLDER`, or with WRACKLINE_OUT set, and then `wrackline
// report` what it left.
#include <rocksdb/db.h>
#include <rocksdb/options.h>
#include <wrackline/rocksdb_probe.h>

#include <chrono>
#include <cstdio>
#include <memory>
#include <string>

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: %s FOLDER\n", argv[0]);
    return 2;
  }
  rocksdb::Options options;
  options.create_if_missing = true;
  rocksdb::DB* opened = nullptr;
  if (const auto status = rocksdb::DB::Open(options, argv[1], &opened); !status.ok()) {
    std::fprintf(stderr, "embed: %s\n", status.ToString().c_str());
    return 1;
  }
  const std::unique_ptr<rocksdb::DB> db(opened);

  wrackline::RocksDbProbe probe({.period = std::chrono::milliseconds(100)});
  probe.Watch(db.get(), {}, {.name = "orders"});
  probe.Start();

  for (int i = 0; i < 20'000; ++i) {
    const auto status =
        db->Put(rocksdb::WriteOptions(), "order-" + std::to_string(i), std::string(500, 'x'));
    if (!status.ok()) {
      std::fprintf(stderr, "embed: %s\n", status.ToString().c_str());
      return 1;
    }
  }
  const wrackline::RocksDbMemory memory = probe.SampleNow();
  std::printf("memtables %llu bytes, block caches %llu bytes\n",
              static_cast<unsigned long long>(memory.MemtableBytes()),
              static_cast<unsigned long long>(memory.CacheBytes()));

  probe.Unwatch(db.get());  // before the database goes
}
