// What the key of a block cache entry and its deleter (RocksDB 7) or helper (8 and later) say: which
// table file the block is of, and what kind of block it is.
//
// The first eight bytes of a block's key are made from its table file's identity (database id,
// session id, file number at its making) by functions that RocksDB's library exports and its headers
// do not declare. They are called here, so the answer is the library's own; where a build hides them
// there is no answer, and no guess.
#pragma once

#include <rocksdb/table_properties.h>
#include <rocksdb/version.h>

#include <cstdint>
#include <string>
#include <vector>

#include "rocksdb_probe/cache_class.h"

namespace wrackline::probe {

// What a walk over a cache says about the kind of an entry.
#if ROCKSDB_MAJOR >= 8
using EntryKind = const rocksdb::Cache::CacheItemHelper*;
#else
using EntryKind = rocksdb::Cache::DeleterFn;
#endif

// False: this RocksDB gives no file identities, and caches cannot be split.
bool BlockKeysAreKnown();

// The first eight bytes of the keys of the file's blocks; never 0. `session` and `file_number` are
// the database's session now and the file's number in it: they are used for files that know of no
// identity (written before RocksDB 6.24). Requires BlockKeysAreKnown.
std::uint64_t BlockKeyPrefix(const rocksdb::TableProperties& properties, const std::string& session,
                             std::uint64_t file_number);

// The same for a file made by the database of identity `db_id` in its session `session`; of blob
// files too.
std::uint64_t BlockKeyPrefixOfOwnFile(const std::string& db_id, const std::string& session,
                                      std::uint64_t file_number);

// Which role an entry of a kind has; kMisc: RocksDB gives it none. RocksDB 7 adds kinds as they are
// first used: make a new one for each walk. Looking a role up takes no lock.
#if ROCKSDB_MAJOR >= 8
class BlockRoles {
 public:
  rocksdb::CacheEntryRole Of(EntryKind kind) const {
    return kind == nullptr ? rocksdb::CacheEntryRole::kMisc : kind->role;
  }
};
#else
class BlockRoles {
 public:
  BlockRoles();
  rocksdb::CacheEntryRole Of(EntryKind kind) const {
    for (const Entry& entry : entries_) {
      if (entry.kind == kind) return entry.role;
    }
    return rocksdb::CacheEntryRole::kMisc;
  }

 private:
  struct Entry {
    EntryKind kind;
    rocksdb::CacheEntryRole role;
  };
  std::vector<Entry> entries_;  // about fifteen, those of data blocks first
};
#endif

}  // namespace wrackline::probe
