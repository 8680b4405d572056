#include "analyzer/ledger/rocksdb_totals.h"
#include "analyzer/render/json_parts.h"

namespace wrackline::render {
namespace {

Json BlocksJson(const evidence::RocksDbBlocks& blocks) {
  return {{"data", blocks.data.count},
          {"index", blocks.index.count},
          {"filter", blocks.filter.count},
          {"other", blocks.other.count},
          {"blob", blocks.blob.count}};
}

Json SplitJson(const evidence::RocksDbSplit& split) {
  return {{"usage", split.usage.count},
          {"unknown", BlocksJson(split.unknown)},
          {"memtable_reservations", split.memtable_reservations.count},
          {"other_reservations", split.other_reservations.count},
          {"metadata", split.metadata.count}};
}

}  // namespace

Json RocksDbJson(const evidence::RocksDb& rocksdb) {
  Json families = Json::array(), caches = Json::array(), managers = Json::array();
  for (const evidence::RocksDbFamily& family : rocksdb.families) {
    Json json = {{"database_id", family.database_id}, {"name", family.name}};
    Put(&json, "database", family.database);
    if (family.time != evidence::Time{}) json["time"] = Stamp(family.time);
    Put(&json, "active_memtable", family.active_memtable);
    Put(&json, "unflushed_memtables", family.unflushed_memtables);
    Put(&json, "all_memtables", family.all_memtables);
    Put(&json, "memtables_peak", family.memtables_peak);
    Put(&json, "immutable_memtables", family.immutable_memtables);
    Put(&json, "table_readers", family.table_readers);
    Put(&json, "table_readers_peak", family.table_readers_peak);
    Put(&json, "write_buffer_size", family.write_buffer_size);
    Put(&json, "max_write_buffers", family.max_write_buffers);
    if (family.cache_id != 0) json["cache_id"] = family.cache_id;
    Put(&json, "live_versions", family.live_versions);
    Put(&json, "pinned_files", family.pinned_files);
    if (family.blob_cache_id != 0) json["blob_cache_id"] = family.blob_cache_id;
    if (family.cached_blocks) json["cached_blocks"] = BlocksJson(*family.cached_blocks);
    if (family.former_blocks) json["former_blocks"] = BlocksJson(*family.former_blocks);
    families.push_back(std::move(json));
  }
  for (const evidence::RocksDbCache& cache : rocksdb.caches) {
    Json json = {{"id", cache.id}, {"families", cache.families}};
    Put(&json, "capacity", cache.capacity);
    Put(&json, "usage", cache.usage);
    Put(&json, "usage_peak", cache.usage_peak);
    Put(&json, "pinned_usage", cache.pinned_usage);
    Put(&json, "memtables_charged", cache.reservations);
    Put(&json, "strict_capacity_limit", cache.strict);
    if (cache.kind != evidence::RocksDbCache::Kind::kBlock)
      json["kind"] = cache.kind == evidence::RocksDbCache::Kind::kBlob ? "blob" : "row";
    if (cache.split) json["split"] = SplitJson(*cache.split);
    caches.push_back(std::move(json));
  }
  for (const evidence::RocksDbManager& manager : rocksdb.managers) {
    Json json = {{"id", manager.id}, {"charged_to_cache", manager.charged_to_cache}};
    Put(&json, "buffer_size", manager.buffer_size);
    Put(&json, "memory_usage", manager.memory_usage);
    if (manager.cache_id != 0) json["cache_id"] = manager.cache_id;
    managers.push_back(std::move(json));
  }
  const ledger::RocksDbTotals totals = ledger::TotalsOf(rocksdb);
  Json sums = {{"bytes", totals.total.count},
               {"memtables", totals.memtables.count},
               {"cache_usage", totals.cache_usage.count},
               {"cache_blocks", totals.cache_blocks.count},
               {"table_readers", totals.table_readers.count},
               {"naive_sum", totals.naive.count},
               {"caches_counted_again", totals.caches_again.count},
               {"memtables_counted_again", totals.memtables_again.count},
               {"caches_unseen", totals.caches_unseen.count}};
  return {{"time", Stamp(rocksdb.time)},
          {"databases", rocksdb.databases},
          {"versions", rocksdb.versions},
          {"totals", std::move(sums)},
          {"families", std::move(families)},
          {"caches", std::move(caches)},
          {"write_buffer_managers", std::move(managers)}};
}

}  // namespace wrackline::render
