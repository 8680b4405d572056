// What the key and the deleter of a block cache entry say: which table file the block is of, and
// what kind of block it is.
//
// The first eight bytes of a block's key are made from its table file's identity (database id,
// session id, file number at its making) by functions that RocksDB's library exports and its headers
// do not declare. They are called here, so the answer is the library's own; where a build hides them
// there is no answer, and no guess.
#pragma once

#include <rocksdb/cache.h>
#include <rocksdb/table_properties.h>
#include <rocksdb/version.h>

#include <cstdint>
#include <string>
#include <vector>

namespace wrackline::probe {

#if ROCKSDB_MAJOR >= 8
#error "the roles of RocksDB 8's cache entries are read differently: see block_keys.h"
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

// Which role an entry's deleter stands for. RocksDB adds deleters as they are first used: make a new
// one for each scan. Reading it takes no lock.
class BlockRoles {
 public:
  BlockRoles();
  // kMisc: of a deleter that RocksDB has not registered.
  rocksdb::CacheEntryRole Of(rocksdb::Cache::DeleterFn deleter) const {
    for (const Entry& entry : entries_) {
      if (entry.deleter == deleter) return entry.role;
    }
    return rocksdb::CacheEntryRole::kMisc;
  }

 private:
  struct Entry {
    rocksdb::Cache::DeleterFn deleter;
    rocksdb::CacheEntryRole role;
  };
  std::vector<Entry> entries_;  // about fifteen, those of data blocks first
};

}  // namespace wrackline::probe
