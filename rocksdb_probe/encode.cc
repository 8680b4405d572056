#include "rocksdb_probe/encode.h"

#include <pb_encode.h>
#include <rocksdb/version.h>

#include <algorithm>
#include <cstring>
#include <span>
#include <vector>

namespace wrackline::probe {
namespace {

template <typename T>
void SetOptional(const std::optional<T>& from, bool* has, T* to) {
  *has = from.has_value();
  *to = from.value_or(T{});
}

bool EncodeElement(pb_ostream_t* stream, const pb_field_t* field, const pb_msgdesc_t* fields,
                   const void* message) {
  return pb_encode_tag_for_field(stream, field) && pb_encode_submessage(stream, fields, message);
}

bool EncodeFamilyFacts(pb_ostream_t* stream, const pb_field_t* field, void* const* argument) {
  for (const FamilyFacts& facts : *static_cast<const std::span<const FamilyFacts>*>(*argument)) {
    wrackline_proto_RocksDbFamily out = wrackline_proto_RocksDbFamily_init_zero;
    out.id = facts.id;
    CopyText(facts.name, out.name, sizeof out.name);
    out.has_write_buffer_size = true;
    out.write_buffer_size = facts.write_buffer_size;
    out.has_max_write_buffer_number = true;
    out.max_write_buffer_number = facts.max_write_buffer_number;
    out.cache_id = facts.cache_id;
    SetOptional(facts.cache_index_and_filter_blocks, &out.has_cache_index_and_filter_blocks,
                &out.cache_index_and_filter_blocks);
    out.has_arena_block_size = true;
    out.arena_block_size = facts.arena_block_size;
    SetOptional(facts.partition_filters, &out.has_partition_filters, &out.partition_filters);
    SetOptional(facts.partitioned_index, &out.has_partitioned_index, &out.partitioned_index);
    SetOptional(facts.pin_l0_filter_and_index_blocks_in_cache,
                &out.has_pin_l0_filter_and_index_blocks_in_cache,
                &out.pin_l0_filter_and_index_blocks_in_cache);
    out.has_min_write_buffer_number_to_merge = true;
    out.min_write_buffer_number_to_merge = facts.min_write_buffer_number_to_merge;
    out.has_max_write_buffer_size_to_maintain = true;
    out.max_write_buffer_size_to_maintain = facts.max_write_buffer_size_to_maintain;
    out.blob_cache_id = facts.blob_cache_id;
    if (!EncodeElement(stream, field, wrackline_proto_RocksDbFamily_fields, &out)) return false;
  }
  return true;
}

void SetBlocks(const RocksDbBlockBytes& from, wrackline_proto_RocksDbBlocks* to) {
  to->data = from.data;
  to->index = from.index;
  to->filter = from.filter;
  to->blob = from.blob;
  to->other = from.other;
  to->entries = from.entries;
}

void SetSplit(const RocksDbCacheSplit& from, wrackline_proto_RocksDbCacheSplit* to) {
  to->monotonic_ns = from.monotonic_ns;
  to->duration_ns = from.duration_ns;
  to->cpu_ns = from.cpu_ns;
  to->files_ns = from.files_ns;
  to->usage = from.usage;
  to->charged = from.charged;
  to->entries = from.entries;
  to->memtable_reservations = from.memtable_reservations;
  to->other_reservations = from.other_reservations;
  to->has_unknown = true;
  SetBlocks(from.unknown, &to->unknown);
}

wrackline_proto_RocksDbCache_Kind KindOf(RocksDbCacheKind kind) {
  switch (kind) {
    case RocksDbCacheKind::kBlob:
      return wrackline_proto_RocksDbCache_Kind_BLOB;
    case RocksDbCacheKind::kRow:
      return wrackline_proto_RocksDbCache_Kind_ROW;
    case RocksDbCacheKind::kBlock:
      break;
  }
  return wrackline_proto_RocksDbCache_Kind_BLOCK;
}

bool EncodeFamilies(pb_ostream_t* stream, const pb_field_t* field, void* const* argument) {
  for (const RocksDbFamilyMemory& family :
       *static_cast<const std::span<const RocksDbFamilyMemory>*>(*argument)) {
    wrackline_proto_RocksDbFamilySample out = wrackline_proto_RocksDbFamilySample_init_zero;
    out.id = family.id;
    CopyText(family.name, out.name, sizeof out.name);
    out.cache_id = family.cache_id;
    SetOptional(family.active_memtable, &out.has_active_memtable, &out.active_memtable);
    SetOptional(family.unflushed_memtables, &out.has_unflushed_memtables, &out.unflushed_memtables);
    SetOptional(family.all_memtables, &out.has_all_memtables, &out.all_memtables);
    SetOptional(family.table_readers, &out.has_table_readers, &out.table_readers);
    SetOptional(family.immutable_memtables, &out.has_immutable_memtables, &out.immutable_memtables);
    SetOptional(family.live_versions, &out.has_live_versions, &out.live_versions);
    SetOptional(family.pinned_sst_bytes, &out.has_pinned_sst_bytes, &out.pinned_sst_bytes);
    out.has_cached_blocks = family.cached_blocks.has_value();
    if (family.cached_blocks) SetBlocks(*family.cached_blocks, &out.cached_blocks);
    // Most families have none, most of the time.
    out.has_former_blocks = family.former_blocks && family.former_blocks->entries > 0;
    if (out.has_former_blocks) SetBlocks(*family.former_blocks, &out.former_blocks);
    if (!EncodeElement(stream, field, wrackline_proto_RocksDbFamilySample_fields, &out))
      return false;
  }
  return true;
}

bool EncodeCaches(pb_ostream_t* stream, const pb_field_t* field, void* const* argument) {
  for (const RocksDbCacheMemory* cache :
       *static_cast<const std::vector<const RocksDbCacheMemory*>*>(*argument)) {
    wrackline_proto_RocksDbCache out = wrackline_proto_RocksDbCache_init_zero;
    out.id = cache->id;
    SetOptional(cache->capacity, &out.has_capacity, &out.capacity);
    SetOptional(cache->usage, &out.has_usage, &out.usage);
    SetOptional(cache->pinned_usage, &out.has_pinned_usage, &out.pinned_usage);
    out.has_strict_capacity_limit = true;
    out.strict_capacity_limit = cache->strict_capacity_limit;
    out.kind = KindOf(cache->kind);
    out.has_split = cache->split.has_value();
    if (cache->split) SetSplit(*cache->split, &out.split);
    if (!EncodeElement(stream, field, wrackline_proto_RocksDbCache_fields, &out)) return false;
  }
  return true;
}

bool EncodeManager(pb_ostream_t* stream, const pb_field_t* field, void* const* argument) {
  const auto& manager = *static_cast<const RocksDbWriteBufferManagerMemory*>(*argument);
  wrackline_proto_RocksDbWriteBufferManager out =
      wrackline_proto_RocksDbWriteBufferManager_init_zero;
  out.id = manager.id;
  SetOptional(manager.buffer_size, &out.has_buffer_size, &out.buffer_size);
  SetOptional(manager.memory_usage, &out.has_memory_usage, &out.memory_usage);
  SetOptional(manager.mutable_usage, &out.has_mutable_memory_usage, &out.mutable_memory_usage);
  out.charged_to_cache = manager.charged_to_cache;
  out.cache_id = manager.cache_id;
  SetOptional(manager.cache_reservation, &out.has_cache_reservation, &out.cache_reservation);
  return EncodeElement(stream, field, wrackline_proto_RocksDbWriteBufferManager_fields, &out);
}

template <typename T>
const T* Find(const std::vector<T>& list, std::uint64_t id) {
  const auto found =
      std::find_if(list.begin(), list.end(), [id](const T& entry) { return entry.id == id; });
  return found == list.end() ? nullptr : &*found;
}

// Bytes of the UTF-8 character that `text` begins with; 0: none (or NUL, which would end a nanopb
// string).
std::size_t Utf8Length(std::string_view text) {
  const auto byte = [&](std::size_t at) { return static_cast<unsigned char>(text[at]); };
  const unsigned first = byte(0);
  if (first < 0x80) return first != 0 ? 1 : 0;
  const std::size_t length = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
  if (first < 0xC2 || first > 0xF4 || text.size() < length) return 0;
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return 0;
  }
  // Overlong forms, surrogates and what is beyond U+10FFFF.
  const unsigned second = byte(1);
  if ((first == 0xE0 && second < 0xA0) || (first == 0xED && second > 0x9F) ||
      (first == 0xF0 && second < 0x90) || (first == 0xF4 && second > 0x8F)) {
    return 0;
  }
  return length;
}

void AddOnce(const RocksDbMemory& memory, std::uint64_t id,
             std::vector<const RocksDbCacheMemory*>* caches) {
  const RocksDbCacheMemory* cache = id == 0 ? nullptr : Find(memory.caches, id);
  if (cache != nullptr && std::find(caches->begin(), caches->end(), cache) == caches->end())
    caches->push_back(cache);
}

}  // namespace

void CopyText(std::string_view text, char* out, std::size_t size) {
  std::size_t used = 0;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t length = Utf8Length(text.substr(at));
    const std::size_t take = length == 0 ? 1 : length;
    if (used + take > size - 1) break;
    if (length == 0) {
      out[used] = '?';
    } else {
      std::memcpy(out + used, text.data() + at, length);
    }
    used += take;
    at += take;
  }
  std::memset(out + used, 0, size - used);
}

std::string EncodeRecord(const wrackline_proto_Record& record) {
  std::size_t size = 0;
  if (!pb_get_encoded_size(&size, wrackline_proto_Record_fields, &record) ||
      size > kMaxEncodedBytes)
    return {};
  std::string bytes(size, '\0');
  pb_ostream_t stream =
      pb_ostream_from_buffer(reinterpret_cast<pb_byte_t*>(bytes.data()), bytes.size());
  if (!pb_encode(&stream, wrackline_proto_Record_fields, &record)) return {};
  return bytes;
}

std::string EncodeDatabase(const DatabaseFacts& database, bool closed, std::uint64_t time_ns) {
  wrackline_proto_Record record = wrackline_proto_Record_init_zero;
  record.time_ns = time_ns;
  record.which_body = wrackline_proto_Record_rocksdb_database_tag;
  wrackline_proto_RocksDbDatabase& out = record.body.rocksdb_database;
  out.database_id = database.id;
  CopyText(database.name, out.name, sizeof out.name);
  CopyText(database.path, out.path, sizeof out.path);
  out.write_buffer_manager_id = reinterpret_cast<std::uintptr_t>(database.write_buffer_manager);
  out.closed = closed;
  out.has_max_open_files = true;
  out.max_open_files = database.max_open_files;
  out.has_writable_file_max_buffer_size = true;
  out.writable_file_max_buffer_size = database.writable_file_max_buffer_size;
  out.row_cache_id = reinterpret_cast<std::uintptr_t>(database.row_cache);
  CopyText(rocksdb::GetRocksVersionAsString(), out.rocksdb_version, sizeof out.rocksdb_version);
  std::span<const FamilyFacts> families = database.families;
  out.families.funcs.encode = EncodeFamilyFacts;
  out.families.arg = &families;
  std::string bytes = EncodeRecord(record);
  while (bytes.empty() && !families.empty()) {
    families = families.first(families.size() - (families.size() + 7) / 8);
    bytes = EncodeRecord(record);
  }
  return bytes;
}

void EncodeSample(const RocksDbMemory& memory, const RocksDbDatabaseMemory& database,
                  const std::function<void(std::string_view)>& take) {
  const std::span<const RocksDbFamilyMemory> all = database.families;
  std::size_t begin = 0;
  do {
    std::span<const RocksDbFamilyMemory> families =
        all.subspan(begin, std::min(kFamiliesPerSample, all.size() - begin));
    wrackline_proto_Record record = wrackline_proto_Record_init_zero;
    record.time_ns = memory.time_ns;
    record.which_body = wrackline_proto_Record_rocksdb_sample_tag;
    wrackline_proto_RocksDbSample& out = record.body.rocksdb_sample;
    out.database_id = database.id;
    out.monotonic_ns = memory.monotonic_ns;
    out.cost_ns = memory.cost_ns;
    out.families.funcs.encode = EncodeFamilies;
    out.families.arg = &families;

    std::vector<const RocksDbCacheMemory*> caches;
    for (const RocksDbFamilyMemory& family : families) {
      AddOnce(memory, family.cache_id, &caches);
      AddOnce(memory, family.blob_cache_id, &caches);
    }
    if (begin == 0) {
      SetOptional(database.snapshots, &out.has_snapshots, &out.snapshots);
      SetOptional(database.oldest_snapshot_time, &out.has_oldest_snapshot_time,
                  &out.oldest_snapshot_time);
      SetOptional(database.running_flushes, &out.has_running_flushes, &out.running_flushes);
      SetOptional(database.running_compactions, &out.has_running_compactions,
                  &out.running_compactions);
      AddOnce(memory, database.row_cache_id, &caches);
      const auto* manager = Find(memory.write_buffer_managers, database.write_buffer_manager_id);
      if (manager != nullptr) {
        AddOnce(memory, manager->cache_id, &caches);
        out.write_buffer_managers.funcs.encode = EncodeManager;
        out.write_buffer_managers.arg = const_cast<RocksDbWriteBufferManagerMemory*>(manager);
      }
    }
    out.caches.funcs.encode = EncodeCaches;
    out.caches.arg = &caches;

    const std::string bytes = EncodeRecord(record);
    if (!bytes.empty()) take(bytes);
    begin += families.size();
  } while (begin < all.size());
}

}  // namespace wrackline::probe
