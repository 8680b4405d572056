#include "rocksdb_probe/sample.h"

#include <rocksdb/table.h>
#include <rocksdb/write_buffer_manager.h>

#include <algorithm>
#include <string_view>

#include "rocksdb_probe/cache_class.h"

namespace wrackline::probe {
namespace {

template <typename T>
std::uint64_t IdOf(const T* object) {
  return reinterpret_cast<std::uintptr_t>(object);
}

std::optional<std::uint64_t> ReadProperty(rocksdb::DB* db, rocksdb::ColumnFamilyHandle* family,
                                          const std::string& property) {
  std::uint64_t value = 0;
  if (!db->GetIntProperty(family, property, &value)) return std::nullopt;
  return value;
}

template <typename T>
bool Contains(const std::vector<T>& list, std::uint64_t id) {
  return std::any_of(list.begin(), list.end(), [id](const T& entry) { return entry.id == id; });
}

// Whether it keeps count of what is pinned. A HyperClockCache goes through all that it holds to say it, by the property with the
// database's mutex held.
bool CountsPinned(const rocksdb::Cache& cache) {
  return std::string_view(cache.Name()) == "LRUCache";
}

// Through the family's properties, not through the Cache: they are right for as long as the family
// is open, also when its table options were changed meanwhile.
RocksDbCacheMemory ReadCache(rocksdb::DB* db, const FamilyFacts& family) {
  RocksDbCacheMemory cache;
  cache.id = family.cache_id;
  cache.capacity = ReadProperty(db, family.handle, rocksdb::DB::Properties::kBlockCacheCapacity);
  cache.usage = ReadProperty(db, family.handle, rocksdb::DB::Properties::kBlockCacheUsage);
  if (family.counts_pinned)
    cache.pinned_usage =
        ReadProperty(db, family.handle, rocksdb::DB::Properties::kBlockCachePinnedUsage);
  cache.strict_capacity_limit = family.strict_capacity_limit;
  return cache;
}

RocksDbCacheMemory ReadBlobCache(rocksdb::DB* db, const FamilyFacts& family) {
  RocksDbCacheMemory cache;
  cache.id = family.blob_cache_id;
  cache.kind = RocksDbCacheKind::kBlob;
  cache.capacity = ReadProperty(db, family.handle, rocksdb::DB::Properties::kBlobCacheCapacity);
  cache.usage = ReadProperty(db, family.handle, rocksdb::DB::Properties::kBlobCacheUsage);
  if (family.blob_counts_pinned)
    cache.pinned_usage =
        ReadProperty(db, family.handle, rocksdb::DB::Properties::kBlobCachePinnedUsage);
  cache.strict_capacity_limit = family.blob_strict_capacity_limit;
  return cache;
}

RocksDbCacheMemory ReadRowCache(const rocksdb::Cache& row_cache) {
  RocksDbCacheMemory cache;
  cache.id = IdOf(&row_cache);
  cache.kind = RocksDbCacheKind::kRow;
  cache.capacity = row_cache.GetCapacity();
  cache.usage = row_cache.GetUsage();
  if (CountsPinned(row_cache)) cache.pinned_usage = row_cache.GetPinnedUsage();
  cache.strict_capacity_limit = row_cache.HasStrictCapacityLimit();
  return cache;
}

std::optional<std::uint32_t> ReadCount(rocksdb::DB* db, rocksdb::ColumnFamilyHandle* family,
                                       const std::string& property) {
  const auto value = ReadProperty(db, family, property);
  if (!value) return std::nullopt;
  return static_cast<std::uint32_t>(*value);
}

// What is of the database and not of one of its families; asked through any of them.
void ReadDatabaseCounts(rocksdb::DB* db, rocksdb::ColumnFamilyHandle* family,
                        RocksDbDatabaseMemory* out) {
  using Properties = rocksdb::DB::Properties;
  out->snapshots = ReadCount(db, family, Properties::kNumSnapshots);
  if (out->snapshots.value_or(0) > 0)
    out->oldest_snapshot_time = ReadProperty(db, family, Properties::kOldestSnapshotTime);
  out->running_flushes = ReadCount(db, family, Properties::kNumRunningFlushes);
  out->running_compactions = ReadCount(db, family, Properties::kNumRunningCompactions);
}

// Summing the files of all versions holds the database's mutex for as long: of leaked iterators there may be thousands.
constexpr std::uint64_t kMostVersions = 4;

void ReadVersions(rocksdb::DB* db, rocksdb::ColumnFamilyHandle* handle,
                  RocksDbFamilyMemory* family) {
  using Properties = rocksdb::DB::Properties;
  family->live_versions = ReadCount(db, handle, Properties::kNumLiveVersions);
  if (!family->live_versions) return;
  family->pinned_sst_bytes = 0;
  if (*family->live_versions <= 1) return;
  family->pinned_sst_bytes.reset();
  if (*family->live_versions > kMostVersions) return;
  const auto live = ReadProperty(db, handle, Properties::kLiveSstFilesSize);
  const auto total = ReadProperty(db, handle, Properties::kTotalSstFilesSize);
  if (live && total) family->pinned_sst_bytes = *total - std::min(*total, *live);
}

RocksDbWriteBufferManagerMemory ReadManager(const rocksdb::WriteBufferManager& manager,
                                            std::uint64_t charged_cache) {
  RocksDbWriteBufferManagerMemory out;
  out.id = IdOf(&manager);
  out.memory_usage = manager.memory_usage();
  if (manager.enabled()) {  // an unbounded manager does not count what is mutable
    out.buffer_size = manager.buffer_size();
    out.mutable_usage = manager.mutable_memtable_memory_usage();
  }
  out.charged_to_cache = manager.cost_to_cache();
  if (out.charged_to_cache) {
    out.cache_id = charged_cache;
    out.cache_reservation = manager.dummy_entries_in_cache_usage();
  }
  return out;
}

}  // namespace

void ReadDatabaseFacts(rocksdb::DB* db, DatabaseFacts* out) {
  out->db = db;
  out->path = db->GetName();
  const rocksdb::DBOptions options = db->GetDBOptions();
  const rocksdb::WriteBufferManager* manager = options.write_buffer_manager.get();
  // The manager that RocksDB makes when the program gives none counts nothing.
  if (manager != nullptr && (manager->enabled() || manager->cost_to_cache()))
    out->write_buffer_manager = manager;
  out->row_cache = options.row_cache.get();
  out->max_open_files = options.max_open_files;
  out->writable_file_max_buffer_size = options.writable_file_max_buffer_size;
}

std::shared_ptr<rocksdb::Cache> CacheOf(rocksdb::ColumnFamilyHandle* handle,
                                        RocksDbCacheKind kind) {
  rocksdb::ColumnFamilyDescriptor descriptor;
  if (!handle->GetDescriptor(&descriptor).ok()) return nullptr;
  if (kind == RocksDbCacheKind::kBlob) return descriptor.options.blob_cache;
  const rocksdb::TableFactory* tables = descriptor.options.table_factory.get();
  if (kind != RocksDbCacheKind::kBlock || tables == nullptr) return nullptr;
  const auto* table = tables->GetOptions<rocksdb::BlockBasedTableOptions>();
  return table == nullptr || table->no_block_cache ? nullptr : table->block_cache;
}

rocksdb::Status ReadFamilyFacts(rocksdb::ColumnFamilyHandle* handle, FamilyFacts* out) {
  // Holds the options' shared pointers: they end with this function, so that the probe keeps no
  // cache alive.
  rocksdb::ColumnFamilyDescriptor descriptor;
  rocksdb::Status status = handle->GetDescriptor(&descriptor);
  if (!status.ok()) return status;
  const rocksdb::ColumnFamilyOptions& options = descriptor.options;
  out->handle = handle;
  out->id = handle->GetID();
  out->name = handle->GetName();
  out->write_buffer_size = options.write_buffer_size;
  out->max_write_buffer_number =
      static_cast<std::uint32_t>(std::max(0, options.max_write_buffer_number));
  out->arena_block_size = options.arena_block_size;
  out->min_write_buffer_number_to_merge =
      static_cast<std::uint32_t>(std::max(0, options.min_write_buffer_number_to_merge));
  out->max_write_buffer_size_to_maintain = options.max_write_buffer_size_to_maintain;
  out->blob_cache_id = IdOf(options.blob_cache.get());
  if (options.blob_cache != nullptr) {
    out->blob_strict_capacity_limit = options.blob_cache->HasStrictCapacityLimit();
    out->blob_counts_pinned = CountsPinned(*options.blob_cache);
  }
  if (const rocksdb::TableFactory* tables = options.table_factory.get(); tables != nullptr) {
    const auto* cache =
        tables->GetOptions<rocksdb::Cache>(rocksdb::TableFactory::kBlockCacheOpts());
    if (cache != nullptr) {
      out->cache_id = IdOf(cache);
      out->strict_capacity_limit = cache->HasStrictCapacityLimit();
      out->counts_pinned = CountsPinned(*cache);
    }
    if (const auto* table = tables->GetOptions<rocksdb::BlockBasedTableOptions>()) {
      using Table = rocksdb::BlockBasedTableOptions;
      out->cache_index_and_filter_blocks = table->cache_index_and_filter_blocks;
      out->partition_filters = table->partition_filters;
      out->partitioned_index = table->index_type == Table::IndexType::kTwoLevelIndexSearch;
      out->pin_l0_filter_and_index_blocks_in_cache = table->pin_l0_filter_and_index_blocks_in_cache;
    }
  }
  return status;
}

void SampleDatabase(const DatabaseFacts& database, RocksDbMemory* out) {
  using Properties = rocksdb::DB::Properties;
  rocksdb::DB* db = database.db;
  RocksDbDatabaseMemory memory;
  memory.id = database.id;
  memory.name = database.name;
  memory.path = database.path;
  memory.families.reserve(database.families.size());
  for (const FamilyFacts& facts : database.families) {
    RocksDbFamilyMemory family;
    family.id = facts.id;
    family.name = facts.name;
    family.cache_id = facts.cache_id;
    family.active_memtable = ReadProperty(db, facts.handle, Properties::kCurSizeActiveMemTable);
    family.unflushed_memtables = ReadProperty(db, facts.handle, Properties::kCurSizeAllMemTables);
    family.all_memtables = ReadProperty(db, facts.handle, Properties::kSizeAllMemTables);
    family.table_readers = ReadProperty(db, facts.handle, Properties::kEstimateTableReadersMem);
    if (const auto immutable = ReadProperty(db, facts.handle, Properties::kNumImmutableMemTable)) {
      family.immutable_memtables = static_cast<std::uint32_t>(*immutable);
    }
    ReadVersions(db, facts.handle, &family);
    family.blob_cache_id = facts.blob_cache_id;
    memory.families.push_back(std::move(family));
    if (facts.cache_id == 0) continue;
    if (!Contains(out->caches, facts.cache_id)) {
      out->caches.push_back(ReadCache(db, facts));
    } else {
      // Another database may have it for blobs or rows only.
      for (RocksDbCacheMemory& cache : out->caches) {
        if (cache.id == facts.cache_id) cache.kind = RocksDbCacheKind::kBlock;
      }
    }
  }
  // After the block caches of all families: a cache that is both is the block cache.
  for (const FamilyFacts& facts : database.families) {
    if (facts.blob_cache_id != 0 && !Contains(out->caches, facts.blob_cache_id))
      out->caches.push_back(ReadBlobCache(db, facts));
  }
  if (database.row_cache != nullptr) {
    memory.row_cache_id = IdOf(database.row_cache);
    if (!Contains(out->caches, memory.row_cache_id))
      out->caches.push_back(ReadRowCache(*database.row_cache));
  }
  if (!database.families.empty()) ReadDatabaseCounts(db, database.families.front().handle, &memory);
  if (const rocksdb::WriteBufferManager* manager = database.write_buffer_manager) {
    memory.write_buffer_manager_id = IdOf(manager);
    const auto known =
        std::find_if(out->write_buffer_managers.begin(), out->write_buffer_managers.end(),
                     [&](const auto& entry) { return entry.id == memory.write_buffer_manager_id; });
    if (known == out->write_buffer_managers.end()) {
      out->write_buffer_managers.push_back(ReadManager(*manager, database.charged_cache_id));
    } else if (known->charged_to_cache && known->cache_id == 0) {
      known->cache_id =
          database.charged_cache_id;  // told for this database, not for the earlier one
    }
  }
  out->databases.push_back(std::move(memory));
}

}  // namespace wrackline::probe
