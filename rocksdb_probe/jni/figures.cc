#include <cstring>

#include "rocksdb_probe/jni/functions.h"
#include "rocksdb_probe/jni/library.h"

namespace wrackline::rocksdb_jni {
namespace {

// Reads properties of one family, whose objects are looked at once.
class Properties {
 public:
  Properties(const JniLibrary& library, const Family& family)
      : family_(family),
        by_c_api_(library.property_int),
        by_slot_(library.Call<bool(void*, void*, const Slice&, std::uint64_t*)>(
            family.db, library.db_int_property)) {
    // Either way ends in the object's own table.
    if (by_slot_ == nullptr) by_c_api_ = nullptr;
    if (library.Call<void>(family.handle, library.family_id) == nullptr) {
      by_slot_ = nullptr;
      by_c_api_ = nullptr;
    }
  }

  Figure Get(const char* name) const {
    std::uint64_t value = 0;
    if (by_c_api_ != nullptr) {
      // rocksdb_t and rocksdb_column_family_handle_t: their pointers, and room behind them.
      void* db[4] = {family_.db};
      void* handle[4] = {family_.handle};
      return by_c_api_(db, handle, name, &value) == 0 ? Figure(value) : Figure();
    }
    if (by_slot_ == nullptr) return {};
    const Slice key{name, std::strlen(name)};
    return by_slot_(family_.db, family_.handle, key, &value) ? Figure(value) : Figure();
  }

 private:
  Family family_;
  int (*by_c_api_)(void*, void*, const char*, std::uint64_t*);
  bool (*by_slot_)(void*, void*, const Slice&, std::uint64_t*);
};

}  // namespace

Figure ReadProperty(const JniLibrary& library, const Family& family, const char* name) {
  return Properties(library, family).Get(name);
}

void ReadFamily(const JniLibrary& library, const Family& family, FamilyFigures* out, bool caches) {
  const Properties properties(library, family);
  *out = {};
  out->active_memtable = properties.Get("rocksdb.cur-size-active-mem-table");
  out->unflushed_memtables = properties.Get("rocksdb.cur-size-all-mem-tables");
  out->all_memtables = properties.Get("rocksdb.size-all-mem-tables");
  out->immutable_memtables = properties.Get("rocksdb.num-immutable-mem-table");
  out->table_readers = properties.Get("rocksdb.estimate-table-readers-mem");
  if (caches) {
    out->cache_capacity = properties.Get("rocksdb.block-cache-capacity");
    out->cache_usage = properties.Get("rocksdb.block-cache-usage");
    out->cache_pinned = properties.Get("rocksdb.block-cache-pinned-usage");
    out->blob_cache_capacity = properties.Get("rocksdb.blob-cache-capacity");
    out->blob_cache_usage = properties.Get("rocksdb.blob-cache-usage");
    out->blob_cache_pinned = properties.Get("rocksdb.blob-cache-pinned-usage");
  }
  out->live_versions = properties.Get("rocksdb.num-live-versions");
  if (!out->live_versions) return;
  if (*out->live_versions <= 1) {
    out->pinned_sst_bytes = 0;
    return;
  }
  // The sum over all versions holds the database's mutex: of leaked iterators there may be thousands.
  constexpr std::uint64_t kMostVersions = 4;
  if (*out->live_versions > kMostVersions) return;
  const Figure live = properties.Get("rocksdb.live-sst-files-size");
  const Figure total = properties.Get("rocksdb.total-sst-files-size");
  if (live && total) out->pinned_sst_bytes = *total > *live ? *total - *live : 0;
}

void ReadDatabase(const JniLibrary& library, const Family& any, DatabaseFigures* out) {
  const Properties properties(library, any);
  *out = {};
  out->snapshots = properties.Get("rocksdb.num-snapshots");
  out->running_flushes = properties.Get("rocksdb.num-running-flushes");
  out->running_compactions = properties.Get("rocksdb.num-running-compactions");
  if (out->snapshots && *out->snapshots == 0) return;
  out->oldest_snapshot_time = properties.Get("rocksdb.oldest-snapshot-time");
  if (out->oldest_snapshot_time && *out->oldest_snapshot_time == 0)
    out->oldest_snapshot_time.reset();
}

void* DefaultFamily(const JniLibrary& library, void* db) {
  auto* get = library.Call<void*(const void*)>(db, library.db_default_family);
  return get == nullptr ? nullptr : get(db);
}

void ReadCacheOf(const JniLibrary& library, const Family& family, bool blob, CacheFigures* out) {
  const Properties properties(library, family);
  *out = {};
  out->capacity =
      properties.Get(blob ? "rocksdb.blob-cache-capacity" : "rocksdb.block-cache-capacity");
  out->usage = properties.Get(blob ? "rocksdb.blob-cache-usage" : "rocksdb.block-cache-usage");
}

void ReadCache(const JniLibrary& library, void* cache, bool pinned, CacheFigures* out) {
  *out = {};
  if (!library.IsCache(cache)) return;
  const auto size = [&](Slot slot) -> Figure {
    auto* get = library.Call<std::size_t(const void*)>(cache, slot);
    return get == nullptr ? Figure() : Figure(get(cache));
  };
  out->capacity = size(library.cache_capacity);
  out->usage = size(library.cache_usage);
  if (pinned) out->pinned_usage = size(library.cache_pinned);
  auto* strict = library.Call<bool(const void*)>(cache, library.cache_strict);
  if (strict != nullptr) out->strict_capacity_limit = strict(cache);
}

}  // namespace wrackline::rocksdb_jni
