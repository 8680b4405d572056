// A survey of Java's RocksDB objects as a record of wrackline.proto (RocksDbObjects).
#pragma once

#include <cstddef>
#include <cstdint>

#include "rocksdb_probe/jni/objects.h"

namespace wrackline::rocksdb_jni {

struct ObjectRecord {
  std::uint64_t time_ns;       // CLOCK_REALTIME
  std::uint64_t monotonic_ns;  // CLOCK_MONOTONIC
  std::uint64_t library_id;    // where it is mapped
  bool incomplete;             // what was made or closed before is not in the counts
  const ObjectSurvey* survey;
  // Which database this is (RocksDbDatabase.database_id); 0: not known.
  std::uint64_t (*database_id)(const void* db);
};

// Bytes written; 0: it does not fit. 32 KiB are always enough.
std::size_t EncodeObjects(const ObjectRecord& record, unsigned char* out, std::size_t size);

}  // namespace wrackline::rocksdb_jni
