#include <errno.h>

#include <algorithm>
#include <cstring>
#include <limits>
#include <new>
#include <vector>

#include "wrackline/rocksdb_probe.h"
#include "wrackline/wrackline_rocksdb.h"

struct wrackline_rocksdb_probe {
  explicit wrackline_rocksdb_probe(wrackline::RocksDbProbeOptions options)
      : probe(std::move(options)) {}
  wrackline::RocksDbProbe probe;
};

namespace wrackline {
namespace {

// RocksDB's C handles begin with the pointer to the C++ object, in all versions (db/c.cc).
template <typename T>
T* Object(const void* handle) {
  T* object = nullptr;
  if (handle != nullptr) std::memcpy(&object, handle, sizeof(void*));
  return object;
}

// rocksdb_cache_t begins with a shared_ptr, which begins with the pointer, in libstdc++ and libc++.
const rocksdb::Cache* CacheObject(const rocksdb_cache_t* cache) {
  return Object<rocksdb::Cache>(cache);
}

template <typename T>
T OrUnknown(const std::optional<T>& figure) {
  return figure.value_or(std::numeric_limits<T>::max());
}

int ErrnoOf(const rocksdb::Status& status) {
  if (status.ok()) return 0;
  if (status.IsNotFound()) return ENOENT;
  if (status.IsNotSupported()) return ENOTSUP;
  if (status.IsBusy()) return EBUSY;
  if (status.IsAborted()) return EAGAIN;
  return EINVAL;
}

wrackline_rocksdb_blocks Blocks(const RocksDbBlockBytes& from) {
  return {from.data, from.index, from.filter, from.blob, from.other, from.entries};
}

void Deliver(const RocksDbMemory& memory, wrackline_rocksdb_callback callback, void* context) {
  std::vector<wrackline_rocksdb_database> databases;
  std::vector<wrackline_rocksdb_family> families;
  std::vector<wrackline_rocksdb_cache> caches;
  for (const RocksDbDatabaseMemory& from : memory.databases) {
    wrackline_rocksdb_database database{};
    database.id = from.id;
    database.name = from.name.c_str();
    database.path = from.path.c_str();
    database.snapshots = OrUnknown(from.snapshots);
    database.running_flushes = OrUnknown(from.running_flushes);
    database.running_compactions = OrUnknown(from.running_compactions);
    databases.push_back(database);
    for (const RocksDbFamilyMemory& held : from.families) {
      wrackline_rocksdb_family family{};
      family.database_id = from.id;
      family.id = held.id;
      family.name = held.name.c_str();
      family.cache_id = held.cache_id;
      family.active_memtable = OrUnknown(held.active_memtable);
      family.unflushed_memtables = OrUnknown(held.unflushed_memtables);
      family.all_memtables = OrUnknown(held.all_memtables);
      family.table_readers = OrUnknown(held.table_readers);
      family.immutable_memtables = OrUnknown(held.immutable_memtables);
      family.live_versions = OrUnknown(held.live_versions);
      family.pinned_sst_bytes = OrUnknown(held.pinned_sst_bytes);
      family.has_cached_blocks = held.cached_blocks.has_value() ? 1 : 0;
      if (held.cached_blocks) family.cached_blocks = Blocks(*held.cached_blocks);
      if (held.former_blocks) family.former_blocks = Blocks(*held.former_blocks);
      families.push_back(family);
    }
  }
  for (const RocksDbCacheMemory& from : memory.caches) {
    wrackline_rocksdb_cache cache{};
    cache.id = from.id;
    cache.kind = static_cast<int>(from.kind);
    cache.capacity = OrUnknown(from.capacity);
    cache.usage = OrUnknown(from.usage);
    cache.pinned_usage = OrUnknown(from.pinned_usage);
    cache.has_split = from.split.has_value() ? 1 : 0;
    if (from.split) {
      cache.split_monotonic_ns = from.split->monotonic_ns;
      cache.split_duration_ns = from.split->duration_ns;
      cache.split_usage = from.split->usage;
      cache.memtable_reservations = from.split->memtable_reservations;
      cache.other_reservations = from.split->other_reservations;
      cache.metadata = from.split->Metadata();
      cache.unknown = Blocks(from.split->unknown);
      cache.pinned_blocks = from.split->PinnedBlocks();
    }
    caches.push_back(cache);
  }
  wrackline_rocksdb_sample sample{};
  sample.time_ns = memory.time_ns;
  sample.monotonic_ns = memory.monotonic_ns;
  sample.memtable_bytes = memory.MemtableBytes();
  sample.cache_bytes = memory.CacheBytes();
  sample.total_bytes = memory.TotalBytes();
  sample.databases = databases.data();
  sample.database_count = databases.size();
  sample.families = families.data();
  sample.family_count = families.size();
  sample.caches = caches.data();
  sample.cache_count = caches.size();
  callback(context, &sample);
}

RocksDbProbeOptions Convert(const wrackline_rocksdb_options& from) {
  RocksDbProbeOptions options;
  // More than a day apart is a day: nobody waits for an overflow.
  options.period = std::chrono::milliseconds(std::min<std::uint64_t>(from.period_ms, 86'400'000));
  options.submit_to_shim = from.submit_to_shim != 0;
  options.record_to_file = from.record_to_file != 0;
  if (from.folder != nullptr) options.output_folder = from.folder;
  options.file_bytes = from.file_bytes;
  options.split_duty = from.split_duty;
  if (from.callback != nullptr) {
    options.callback = [callback = from.callback, context = from.context](
                           const RocksDbMemory& memory) { Deliver(memory, callback, context); };
  }
  return options;
}

// C callers know no exceptions; bad_alloc is the only one that the probe lets out.
template <typename Function>
int Guarded(const wrackline_rocksdb_probe* probe, Function function) {
  if (probe == nullptr) return EINVAL;
  try {
    return function();
  } catch (const std::bad_alloc&) {
    return ENOMEM;
  }
}

}  // namespace
}  // namespace wrackline

using wrackline::Guarded;
using wrackline::Object;

wrackline_rocksdb_probe* wrackline_rocksdb_create(const wrackline_rocksdb_options* options) {
  wrackline_rocksdb_options known = WRACKLINE_ROCKSDB_OPTIONS;
  if (options != nullptr) {
    // A caller of an older header knows fewer members, one of a newer header more than we do.
    if (options->size < sizeof known.size + sizeof known.period_ms) return nullptr;
    std::memcpy(&known, options, std::min(options->size, sizeof known));
  }
  try {
    return new wrackline_rocksdb_probe(wrackline::Convert(known));
  } catch (const std::bad_alloc&) {
    return nullptr;
  }
}

void wrackline_rocksdb_destroy(wrackline_rocksdb_probe* probe) { delete probe; }

int wrackline_rocksdb_watch(wrackline_rocksdb_probe* probe, rocksdb_t* db,
                            rocksdb_column_family_handle_t* const* families, size_t family_count,
                            const char* name, const rocksdb_cache_t* write_buffer_manager_cache) {
  if (family_count > 0 && families == nullptr) return EINVAL;
  return Guarded(probe, [&] {
    std::vector<rocksdb::ColumnFamilyHandle*> handles;
    for (size_t i = 0; i < family_count; ++i)
      handles.push_back(Object<rocksdb::ColumnFamilyHandle>(families[i]));
    wrackline::RocksDbWatchOptions options;
    if (name != nullptr) options.name = name;
    options.write_buffer_manager_cache = wrackline::CacheObject(write_buffer_manager_cache);
    return wrackline::ErrnoOf(probe->probe.Watch(Object<rocksdb::DB>(db), handles, options));
  });
}

int wrackline_rocksdb_unwatch(wrackline_rocksdb_probe* probe, rocksdb_t* db) {
  return Guarded(probe,
                 [&] { return wrackline::ErrnoOf(probe->probe.Unwatch(Object<rocksdb::DB>(db))); });
}

int wrackline_rocksdb_unwatch_family(wrackline_rocksdb_probe* probe, rocksdb_t* db,
                                     rocksdb_column_family_handle_t* family) {
  return Guarded(probe, [&] {
    return wrackline::ErrnoOf(probe->probe.UnwatchFamily(
        Object<rocksdb::DB>(db), Object<rocksdb::ColumnFamilyHandle>(family)));
  });
}

int wrackline_rocksdb_start(wrackline_rocksdb_probe* probe) {
  return Guarded(probe, [&] { return wrackline::ErrnoOf(probe->probe.Start()); });
}

void wrackline_rocksdb_stop(wrackline_rocksdb_probe* probe) {
  if (probe != nullptr) probe->probe.Stop();
}

int wrackline_rocksdb_sample_now(wrackline_rocksdb_probe* probe,
                                 wrackline_rocksdb_callback callback, void* context) {
  return Guarded(probe, [&] {
    const wrackline::RocksDbMemory memory = probe->probe.SampleNow();
    if (memory.time_ns == 0) return ENOTSUP;  // a forked child's
    if (callback != nullptr) wrackline::Deliver(memory, callback, context);
    return 0;
  });
}
