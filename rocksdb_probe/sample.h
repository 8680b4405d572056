// Reading one database: what its options say when it is watched, and its figures at each sample.
//
// Nothing here locks: the caller sees to it that the database and its handles are alive meanwhile.
#pragma once

#include <rocksdb/db.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "wrackline/rocksdb_probe.h"

namespace rocksdb {
class WriteBufferManager;
}

namespace wrackline::probe {

// A family, and of its options what the recording says about it.
struct FamilyFacts {
  rocksdb::ColumnFamilyHandle* handle = nullptr;
  std::uint32_t id = 0;
  std::string name;
  std::uint64_t cache_id = 0;
  bool strict_capacity_limit = false;
  std::uint64_t write_buffer_size = 0;
  std::uint32_t max_write_buffer_number = 0;
  std::uint64_t arena_block_size = 0;
  std::optional<bool> cache_index_and_filter_blocks;  // of block-based tables only
};

struct DatabaseFacts {
  rocksdb::DB* db = nullptr;
  std::uint64_t id = 0;
  std::string name;
  std::string path;
  // The database's own; null when it bounds nothing and charges no cache, as the one RocksDB makes
  // by default.
  const rocksdb::WriteBufferManager* write_buffer_manager = nullptr;
  std::uint64_t charged_cache_id = 0;
  std::vector<FamilyFacts> families;
};

// Fills path and write_buffer_manager.
void ReadDatabaseFacts(rocksdb::DB* db, DatabaseFacts* out);
rocksdb::Status ReadFamilyFacts(rocksdb::ColumnFamilyHandle* handle, FamilyFacts* out);

// Adds this database's figures to `out`; a cache or manager that is there already is not read
// again.
void SampleDatabase(const DatabaseFacts& database, RocksDbMemory* out);

}  // namespace wrackline::probe
