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
  BlockKind Of(const void* by) const {
    if (!by_helper_) {
      for (std::size_t i = 0; i < count_; ++i) {
        if (deleters_[i].deleter == by) return deleters_[i].kind;
      }
      return BlockKind::kOther;
    }
    if (by != last_) {
      last_ = by;
      last_kind_ = OfHelper(by);
    }
    return last_kind_;
  }

 private:
  BlockKind OfHelper(const void* helper) const;

  static constexpr std::size_t kDeleters = 64;
  struct Entry {
    const void* deleter;
    BlockKind kind;
  };
  const JniLibrary& library_;
  bool by_helper_;
  std::size_t count_ = 0;
  Entry deleters_[kDeleters];
  mutable const void* last_ = nullptr;
  mutable BlockKind last_kind_ = BlockKind::kOther;
};

}  // namespace wrackline::rocksdb_jni
