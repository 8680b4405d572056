#include "rocksdb_probe/jni/object_records.h"

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

wrackline_proto_RocksDbObjectCount_Kind KindOf(std::size_t kind) {
  return static_cast<wrackline_proto_RocksDbObjectCount_Kind>(kind);
}

bool EncodeElement(pb_ostream_t* stream, const pb_field_t* field, const pb_msgdesc_t* fields,
                   const void* message) {
  return pb_encode_tag_for_field(stream, field) && pb_encode_submessage(stream, fields, message);
}

bool EncodeShared(pb_ostream_t* stream, const pb_field_t* field, void* const* argument) {
  const ObjectSurvey& survey = *static_cast<const ObjectRecord*>(*argument)->survey;
  for (std::size_t i = 0; i < survey.shared_count; ++i) {
    const SharedObject& from = survey.shared[i];
    wrackline_proto_RocksDbSharedObject out = wrackline_proto_RocksDbSharedObject_init_zero;
    out.id = reinterpret_cast<std::uintptr_t>(from.object);
    out.kind = KindOf(static_cast<std::size_t>(from.kind));
    out.made_ns = from.made_ns;
    out.closed_by_java = from.closed_by_java;
    Set(from.holders, &out.has_holders, &out.holders);
    Set(from.figures.capacity, &out.has_capacity, &out.capacity);
    Set(from.figures.usage, &out.has_usage, &out.usage);
    Set(from.figures.pinned_usage, &out.has_pinned_usage, &out.pinned_usage);
    if (!EncodeElement(stream, field, wrackline_proto_RocksDbSharedObject_fields, &out)) {
      return false;
    }
  }
  return true;
}

bool EncodeIterators(pb_ostream_t* stream, const pb_field_t* field, void* const* argument) {
  const auto& record = *static_cast<const ObjectRecord*>(*argument);
  for (std::size_t i = 0; i < record.survey->database_count; ++i) {
    const IteratorsOf& from = record.survey->iterators[i];
    wrackline_proto_RocksDbIterators out = wrackline_proto_RocksDbIterators_init_zero;
    out.database_id = record.database_id(from.db);
    out.alive = from.alive;
    out.oldest_ns = from.oldest_ns;
    if (!EncodeElement(stream, field, wrackline_proto_RocksDbIterators_fields, &out)) return false;
  }
  return true;
}

}  // namespace

std::size_t EncodeObjects(const ObjectRecord& record, unsigned char* out, std::size_t size) {
  wrackline_proto_Record to;
  std::memset(&to, 0, sizeof(to));
  to.time_ns = record.time_ns;
  to.which_body = wrackline_proto_Record_rocksdb_objects_tag;
  wrackline_proto_RocksDbObjects& objects = to.body.rocksdb_objects;
  objects.monotonic_ns = record.monotonic_ns;
  objects.library_id = record.library_id;
  objects.incomplete = record.incomplete;
  objects.unlisted = record.survey->unlisted;
  for (std::size_t kind = 1; kind < kObjectKinds; ++kind) {
    const ObjectCount& count = record.survey->counts[kind];
    if (count.made == 0 && count.closed == 0) continue;
    objects.counts[objects.counts_count++] = {KindOf(kind), count.made, count.closed};
  }
  const auto argument = const_cast<ObjectRecord*>(&record);
  objects.shared.funcs.encode = EncodeShared;
  objects.shared.arg = argument;
  objects.iterators.funcs.encode = EncodeIterators;
  objects.iterators.arg = argument;
  pb_ostream_t stream = pb_ostream_from_buffer(out, size);
  return pb_encode(&stream, wrackline_proto_Record_fields, &to) ? stream.bytes_written : 0;
}

}  // namespace wrackline::rocksdb_jni
