// Which kind of block an entry of a cache is, by what stands with it.
#pragma once

#include <cstddef>
#include <cstdint>

#include "rocksdb_probe/jni/functions.h"

namespace wrackline::rocksdb_jni {

// For one walk: RocksDB adds deleters as they are first used. Reading it takes no lock.
class EntryKinds {
 public:
  explicit EntryKinds(const JniLibrary& library);

  // `by` is the entry's deleter or its helper. kOther: not known.
  BlockKind Of(const void* by) {
    if (by == last_.by) return last_.kind;
    last_ = {by, Look(by)};
    return last_.kind;
  }

 private:
  struct Entry {
    const void* by;
    BlockKind kind;
  };
  BlockKind Look(const void* by);
  // Remembers it while there is room: no version has more than thirty of them.
  BlockKind Learn(const void* helper);

  static constexpr std::size_t kEntries = 64;
  const JniLibrary& library_;
  std::size_t count_ = 0;
  Entry entries_[kEntries];
  Entry last_{nullptr, BlockKind::kOther};
};

}  // namespace wrackline::rocksdb_jni
