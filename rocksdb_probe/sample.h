// Reading one database: what its options say when it is watched, and its figures at each sample.
//
// Nothing here locks: the caller sees to it that the database and its handles are alive meanwhile.
#pragma once

#include <rocksdb/db.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "rocksdb_probe/family_files.h"
#include "wrackline/rocksdb_probe.h"

namespace rocksdb {
class Cache;
class WriteBufferManager;
}  // namespace rocksdb

namespace wrackline::probe {

// A family, and of its options what the recording says about it.
struct FamilyFacts {
  rocksdb::ColumnFamilyHandle* handle = nullptr;
  std::uint32_t id = 0;
  std::string name;
  std::uint64_t cache_id = 0;
  bool strict_capacity_limit = false, blob_strict_capacity_limit = false;
  bool counts_pinned = false, blob_counts_pinned = false;  // it is asked what is pinned in it
  std::uint64_t write_buffer_size = 0;
  std::uint32_t max_write_buffer_number = 0;
  std::uint64_t arena_block_size = 0;
  // Of block-based tables only.
  std::optional<bool> cache_index_and_filter_blocks;
  std::optional<bool> partition_filters;
  std::optional<bool> partitioned_index;
  std::optional<bool> pin_l0_filter_and_index_blocks_in_cache;
  std::uint32_t min_write_buffer_number_to_merge = 0;
  std::int64_t max_write_buffer_size_to_maintain = 0;
  std::uint64_t blob_cache_id = 0;
  FamilyFiles files;  // for splitting caches
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
  // The database's own; lives as long as it does.
  const rocksdb::Cache* row_cache = nullptr;
  std::int32_t max_open_files = 0;
  std::uint64_t writable_file_max_buffer_size = 0;
  std::vector<FamilyFacts> families;
};

// Fills path, write_buffer_manager, row_cache and what its options say.
void ReadDatabaseFacts(rocksdb::DB* db, DatabaseFacts* out);
rocksdb::Status ReadFamilyFacts(rocksdb::ColumnFamilyHandle* handle, FamilyFacts* out);

// Adds this database's figures to `out`; a cache or manager that is there already is not read
// again.
void SampleDatabase(const DatabaseFacts& database, RocksDbMemory* out);

// The cache of this kind that the family uses now; null: none, or RocksDB does not say. Holding it
// keeps it alive.
std::shared_ptr<rocksdb::Cache> CacheOf(rocksdb::ColumnFamilyHandle* handle, RocksDbCacheKind kind);

}  // namespace wrackline::probe
