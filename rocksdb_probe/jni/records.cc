#include "rocksdb_probe/jni/records.h"

#include <pb_encode.h>
#include <wrackline_nanopb/wrackline.pb.h>

#include <cstring>

namespace wrackline::rocksdb_jni {
namespace {

template <typename From, typename To>
void Set(const std::optional<From>& from, bool* has, To* to) {
  *has = from.has_value();
  if (from) *to = static_cast<To>(*from);
}

std::uint64_t IdOf(const void* object) { return reinterpret_cast<std::uintptr_t>(object); }

void SetText(const char* from, char* to, std::size_t size) {
  const std::size_t length = strnlen(from, size - 1);
  std::memcpy(to, from, length);
  to[length] = '\0';
}

bool EncodeElement(pb_ostream_t* stream, const pb_field_t* field, const pb_msgdesc_t* fields,
                   const void* message) {
  return pb_encode_tag_for_field(stream, field) && pb_encode_submessage(stream, fields, message);
}

void SetBlocks(const BlockBytes& from, wrackline_proto_RocksDbBlocks* to) {
  to->data = from.data;
  to->index = from.index;
  to->filter = from.filter;
  to->blob = from.blob;
  to->other = from.other;
  to->entries = from.entries;
}

bool EncodeFamilySamples(pb_ostream_t* stream, const pb_field_t* field, void* const* argument) {
  const auto& part = *static_cast<const SamplePart*>(*argument);
  for (std::size_t i = 0; i < part.family_count; ++i) {
    const FamilyFacts& facts = part.families[i].family->facts;
    const FamilyFigures& figures = part.families[i].figures;
    wrackline_proto_RocksDbFamilySample out = wrackline_proto_RocksDbFamilySample_init_zero;
    out.id = facts.id;
    SetText(facts.name, out.name, sizeof(out.name));
    out.cache_id = IdOf(facts.block_cache);
    Set(figures.active_memtable, &out.has_active_memtable, &out.active_memtable);
    Set(figures.unflushed_memtables, &out.has_unflushed_memtables, &out.unflushed_memtables);
    Set(figures.all_memtables, &out.has_all_memtables, &out.all_memtables);
    Set(figures.table_readers, &out.has_table_readers, &out.table_readers);
    Set(figures.immutable_memtables, &out.has_immutable_memtables, &out.immutable_memtables);
    Set(figures.live_versions, &out.has_live_versions, &out.live_versions);
    Set(figures.pinned_sst_bytes, &out.has_pinned_sst_bytes, &out.pinned_sst_bytes);
    out.has_cached_blocks = part.families[i].family->split;
    if (out.has_cached_blocks) SetBlocks(part.families[i].family->blocks, &out.cached_blocks);
    if (!EncodeElement(stream, field, wrackline_proto_RocksDbFamilySample_fields, &out)) {
      return false;
    }
  }
  return true;
}

void SetSplit(const TimedSplit& from, wrackline_proto_RocksDbCacheSplit* to) {
  to->monotonic_ns = from.monotonic_ns;
  to->duration_ns = from.duration_ns;
  to->cpu_ns = from.cpu_ns;
  to->files_ns = from.files_ns;
  to->usage = from.split.usage;
  to->charged = from.split.charged;
  to->entries = from.split.entries;
  to->memtable_reservations = from.split.memtable_reservations;
  to->other_reservations = from.split.other_reservations;
  to->has_unknown = true;
  SetBlocks(from.split.unknown, &to->unknown);
}

wrackline_proto_RocksDbCache_Kind KindOf(CacheKind kind) {
  if (kind == CacheKind::kBlob) return wrackline_proto_RocksDbCache_Kind_BLOB;
  if (kind == CacheKind::kRow) return wrackline_proto_RocksDbCache_Kind_ROW;
  return wrackline_proto_RocksDbCache_Kind_BLOCK;
}

bool EncodeCaches(pb_ostream_t* stream, const pb_field_t* field, void* const* argument) {
  const auto& part = *static_cast<const SamplePart*>(*argument);
  for (std::size_t i = 0; i < part.cache_count; ++i) {
    const CacheSample& cache = *part.caches[i];
    wrackline_proto_RocksDbCache out = wrackline_proto_RocksDbCache_init_zero;
    out.id = IdOf(cache.id);
    out.kind = KindOf(cache.kind);
    Set(cache.figures.capacity, &out.has_capacity, &out.capacity);
    Set(cache.figures.usage, &out.has_usage, &out.usage);
    Set(cache.figures.pinned_usage, &out.has_pinned_usage, &out.pinned_usage);
    Set(cache.figures.strict_capacity_limit, &out.has_strict_capacity_limit,
        &out.strict_capacity_limit);
    out.has_split = cache.split != nullptr;
    if (out.has_split) SetSplit(*cache.split, &out.split);
    if (!EncodeElement(stream, field, wrackline_proto_RocksDbCache_fields, &out)) return false;
  }
  return true;
}

bool EncodeManager(pb_ostream_t* stream, const pb_field_t* field, void* const* argument) {
  const auto& manager = *static_cast<const ManagerSample*>(*argument);
  const WriteBufferManagerFigures& figures = manager.figures;
  wrackline_proto_RocksDbWriteBufferManager out =
      wrackline_proto_RocksDbWriteBufferManager_init_zero;
  out.id = IdOf(manager.id);
  Set(figures.buffer_size, &out.has_buffer_size, &out.buffer_size);
  Set(figures.memory_usage, &out.has_memory_usage, &out.memory_usage);
  Set(figures.mutable_usage, &out.has_mutable_memory_usage, &out.mutable_memory_usage);
  out.charged_to_cache = figures.charged_to_cache.value_or(false);
  out.cache_id = out.charged_to_cache ? IdOf(manager.cache) : 0;
  Set(figures.cache_reservation, &out.has_cache_reservation, &out.cache_reservation);
  return EncodeElement(stream, field, wrackline_proto_RocksDbWriteBufferManager_fields, &out);
}

struct FamilyList {
  const WatchedFamily* const* families;
  std::size_t count;
};

bool EncodeFamilyFacts(pb_ostream_t* stream, const pb_field_t* field, void* const* argument) {
  const auto& list = *static_cast<const FamilyList*>(*argument);
  for (std::size_t i = 0; i < list.count; ++i) {
    if (!list.families[i]->facts_known) continue;
    const FamilyFacts& facts = list.families[i]->facts;
    wrackline_proto_RocksDbFamily out = wrackline_proto_RocksDbFamily_init_zero;
    out.id = facts.id;
    SetText(facts.name, out.name, sizeof(out.name));
    out.cache_id = IdOf(facts.block_cache);
    out.blob_cache_id = IdOf(facts.blob_cache);
    Set(facts.write_buffer_size, &out.has_write_buffer_size, &out.write_buffer_size);
    Set(facts.max_write_buffer_number, &out.has_max_write_buffer_number,
        &out.max_write_buffer_number);
    Set(facts.min_write_buffer_number_to_merge, &out.has_min_write_buffer_number_to_merge,
        &out.min_write_buffer_number_to_merge);
    Set(facts.max_write_buffer_size_to_maintain, &out.has_max_write_buffer_size_to_maintain,
        &out.max_write_buffer_size_to_maintain);
    Set(facts.arena_block_size, &out.has_arena_block_size, &out.arena_block_size);
    Set(facts.cache_index_and_filter_blocks, &out.has_cache_index_and_filter_blocks,
        &out.cache_index_and_filter_blocks);
    Set(facts.pin_l0_filter_and_index_blocks_in_cache,
        &out.has_pin_l0_filter_and_index_blocks_in_cache,
        &out.pin_l0_filter_and_index_blocks_in_cache);
    Set(facts.partition_filters, &out.has_partition_filters, &out.partition_filters);
    Set(facts.partitioned_index, &out.has_partitioned_index, &out.partitioned_index);
    if (!EncodeElement(stream, field, wrackline_proto_RocksDbFamily_fields, &out)) return false;
  }
  return true;
}

std::size_t Encode(const wrackline_proto_Record& record, unsigned char* out, std::size_t size) {
  pb_ostream_t stream = pb_ostream_from_buffer(out, size);
  return pb_encode(&stream, wrackline_proto_Record_fields, &record) ? stream.bytes_written : 0;
}

// In place of the initializer, which is a large constant to copy.
void Clear(wrackline_proto_Record* record) { std::memset(record, 0, sizeof(*record)); }

}  // namespace

std::size_t EncodeSample(const SamplePart& part, unsigned char* out, std::size_t size) {
  wrackline_proto_Record record;
  Clear(&record);
  record.time_ns = part.time_ns;
  record.which_body = wrackline_proto_Record_rocksdb_sample_tag;
  wrackline_proto_RocksDbSample& sample = record.body.rocksdb_sample;
  sample.database_id = part.database_id;
  sample.monotonic_ns = part.monotonic_ns;
  sample.cost_ns = part.cost_ns;
  const auto argument = const_cast<SamplePart*>(&part);
  sample.families.funcs.encode = EncodeFamilySamples;
  sample.families.arg = argument;
  sample.caches.funcs.encode = EncodeCaches;
  sample.caches.arg = argument;
  if (part.figures != nullptr) {
    const DatabaseFigures& figures = *part.figures;
    Set(figures.snapshots, &sample.has_snapshots, &sample.snapshots);
    Set(figures.oldest_snapshot_time, &sample.has_oldest_snapshot_time,
        &sample.oldest_snapshot_time);
    Set(figures.running_flushes, &sample.has_running_flushes, &sample.running_flushes);
    Set(figures.running_compactions, &sample.has_running_compactions, &sample.running_compactions);
  }
  if (part.manager != nullptr) {
    sample.write_buffer_managers.funcs.encode = EncodeManager;
    sample.write_buffer_managers.arg = const_cast<ManagerSample*>(part.manager);
  }
  return Encode(record, out, size);
}

std::size_t EncodeDatabase(const WatchedDatabase& database, const WatchedFamily* const* families,
                           std::size_t family_count, bool closed, std::uint64_t time_ns,
                           unsigned char* out, std::size_t size) {
  wrackline_proto_Record record;
  Clear(&record);
  record.time_ns = time_ns;
  record.which_body = wrackline_proto_Record_rocksdb_database_tag;
  wrackline_proto_RocksDbDatabase& to = record.body.rocksdb_database;
  const DatabaseFacts& facts = database.facts;
  to.database_id = database.id;
  SetText(facts.path, to.path, sizeof(to.path));
  to.write_buffer_manager_id = IdOf(facts.write_buffer_manager);
  to.row_cache_id = IdOf(facts.row_cache);
  to.closed = closed;
  Set(facts.max_open_files, &to.has_max_open_files, &to.max_open_files);
  Set(facts.writable_file_max_buffer_size, &to.has_writable_file_max_buffer_size,
      &to.writable_file_max_buffer_size);
  if (database.library != nullptr) {
    SetText(Facts(*database.library).version, to.rocksdb_version, sizeof(to.rocksdb_version));
  }
  FamilyList list = {families, family_count};
  to.families.funcs.encode = EncodeFamilyFacts;
  to.families.arg = &list;
  std::size_t used = Encode(record, out, size);
  while (used == 0 && list.count > 0) {
    list.count -= (list.count + 7) / 8;
    used = Encode(record, out, size);
  }
  return used;
}

}  // namespace wrackline::rocksdb_jni
