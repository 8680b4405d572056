// Records of wrackline.proto about the databases of JNI libraries: the same as the embedded probe writes (rocksdb_probe/encode.h),
// without the C++ runtime. Text that is no UTF-8 is the reader's to repair.
#pragma once

#include <cstddef>
#include <cstdint>

#include "rocksdb_probe/jni/registry.h"

namespace wrackline::rocksdb_jni {

constexpr std::size_t kMostRecordBytes = 64 * 1024;  // what wrackline_submit takes

struct FamilySample {
  const WatchedFamily* family;
  FamilyFigures figures;
};

enum class CacheKind : std::uint8_t { kBlock, kBlob, kRow };

// What a walk over a cache found, and when.
struct TimedSplit {
  std::uint64_t monotonic_ns;
  std::uint64_t duration_ns;
  std::uint64_t cpu_ns;
  std::uint64_t files_ns;
  CacheSplit split;
};

struct CacheSample {
  const void* id;
  CacheKind kind;
  CacheFigures figures;
  const TimedSplit* split;  // nullptr: never walked
};

struct ManagerSample {
  const void* id;
  const void* cache;  // nullptr: not known
  WriteBufferManagerFigures figures;
};

// A part of one database's sample: each has some of its families, the first also what is the database's.
struct SamplePart {
  std::uint64_t database_id;
  std::uint64_t time_ns;  // CLOCK_REALTIME
  std::uint64_t monotonic_ns;
  std::uint64_t cost_ns;
  const DatabaseFigures* figures;  // nullptr: not in this part
  const FamilySample* families;
  std::size_t family_count;
  const CacheSample* const* caches;
  std::size_t cache_count;
  const ManagerSample* manager;  // nullptr: none
};

// Bytes written; 0: it does not fit.
std::size_t EncodeSample(const SamplePart& part, unsigned char* out, std::size_t size);

// The database's state: its facts and those of `families`; as many of them as fit. Only families whose facts are known.
std::size_t EncodeDatabase(const WatchedDatabase& database, const WatchedFamily* const* families,
                           std::size_t family_count, bool closed, std::uint64_t time_ns,
                           unsigned char* out, std::size_t size);

}  // namespace wrackline::rocksdb_jni
