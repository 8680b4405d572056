// What a RocksDB that lives in a JNI library holds, read from outside: no header of RocksDB, one
// piece of code for 5.17 to 11, freestanding (libc only), so that the preload can have it.
//
// Words
//  - JNI library: librocksdbjni-*.so or libforstjni-*.so, loaded by a JVM; one per class loader.
//  - Handle: what Java keeps in nativeHandle_: a rocksdb::DB*, ColumnFamilyHandle* ... by their
//    owner's promise (below). For Cache and WriteBufferManager it is the address of a
//    std::shared_ptr, whose first word is the object.
//  - Owner: a number that the caller gives to a family, for the split of a cache.
//
// How it knows what it does. The library's exported names are the contract: the C API, and mangled
// C++ names that carry their parameters' types. Virtual functions are found in the class's exported
// table of them and called through the object's own, so that wrappers (TtlDB, TransactionDB) answer
// for themselves. Objects are told by their table's address; what no name tells is found out by
// trying it on objects of our own. Where that fails, a figure is absent: never a guess.
//
//   const char* why = nullptr;
//   const JniLibrary* library = FindJniLibrary(function_bound_by_the_jvm, &why);
//   FamilyFigures figures;
//   if (library != nullptr) ReadFamily(*library, {db, DefaultFamily(*library, db)}, &figures);
//
// Life: the caller promises that `db` and its handles live until a call returns, and a JniLibrary's
// library stays loaded. A Held family keeps its caches alive by itself.
// Threads: any, but none that may hold a lock of RocksDB, and not on an allocation path: RocksDB
// takes its mutexes and allocates. Calls for one FamilyFiles or OwnerTable: one at a time.
// Only ReadFamilyFacts, FamilyFiles and ScanCache are dear; they say how.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

namespace wrackline::rocksdb_jni {

struct JniLibrary;  // what was found of one library; for the life of the process

struct LibraryFacts {
  // "8.10.0"; "5.17" and the like where the library does not say it (before 6.20): "".
  char version[24];
  bool forst;                // ForSt, Flink's own branch
  bool can_split;            // FamilyFiles and ScanCache work
  const char* why_no_split;  // a constant text, or nullptr
};

// The library that has `code` (a function that the JVM bound, or any address in the library) in it;
// the same pointer for the same library. nullptr, and `*why` a constant text: it is no RocksDB, or
// one that this cannot read. Takes the loader's lock; at most 16 libraries.
const JniLibrary* FindJniLibrary(const void* code, const char** why);
const LibraryFacts& Facts(const JniLibrary& library);

// A database and one of its families: DB* and ColumnFamilyHandle*.
struct Family {
  void* db;
  void* handle;
};

// The handle of the family "default", which lives as long as the database; nullptr: not known.
void* DefaultFamily(const JniLibrary& library, void* db);

// --- figures; each takes the database's mutex for a moment ---

using Figure = std::optional<std::uint64_t>;  // bytes or a count; absent: RocksDB did not say

struct FamilyFigures {
  Figure active_memtable;      // rocksdb.cur-size-active-mem-table
  Figure unflushed_memtables;  // rocksdb.cur-size-all-mem-tables
  Figure all_memtables;        // rocksdb.size-all-mem-tables
  Figure immutable_memtables;  // rocksdb.num-immutable-mem-table, a count
  Figure table_readers;        // rocksdb.estimate-table-readers-mem
  Figure live_versions;        // rocksdb.num-live-versions, a count
  Figure pinned_sst_bytes;     // total - live SST sizes; 0 when there is one version, and not asked
  // Of the whole cache that the family uses, which others may use too: see FamilyFacts::block_cache.
  Figure cache_capacity;  // rocksdb.block-cache-capacity
  Figure cache_usage;     // rocksdb.block-cache-usage
  Figure cache_pinned;    // rocksdb.block-cache-pinned-usage
  Figure blob_cache_capacity;
  Figure blob_cache_usage;
  Figure blob_cache_pinned;
};
// `caches`: those of its caches too.
void ReadFamily(const JniLibrary& library, const Family& family, FamilyFigures* out,
                bool caches = true);

struct DatabaseFigures {
  Figure snapshots;             // rocksdb.num-snapshots
  Figure oldest_snapshot_time;  // UNIX seconds; absent: there is none
  Figure running_flushes;
  Figure running_compactions;
};
// `any` is any family of the database.
void ReadDatabase(const JniLibrary& library, const Family& any, DatabaseFigures* out);

// One integer property by its name ("rocksdb.estimate-num-keys").
Figure ReadProperty(const JniLibrary& library, const Family& family, const char* name);

struct CacheFigures {
  Figure capacity;
  Figure usage;
  Figure pinned_usage;
  std::optional<bool> strict_capacity_limit;
};
// Capacity and usage of the family's block cache, or of its blob cache, by its properties.
void ReadCacheOf(const JniLibrary& library, const Family& family, bool blob, CacheFigures* out);
// Of a Cache* (not of a shared_ptr). All absent: it is not known to be one. `pinned`: the pinned usage too, for which a
// HyperClockCache goes through all its entries.
void ReadCache(const JniLibrary& library, void* cache, bool pinned, CacheFigures* out);

struct WriteBufferManagerFigures {
  Figure buffer_size;   // absent: no bound
  Figure memory_usage;  // absent where the manager does not count: no bound and no cache
  Figure mutable_usage;
  std::optional<bool> charged_to_cache;
  Figure cache_reservation;  // dummy_entries_in_cache_usage
};
// Of a WriteBufferManager* (not of a shared_ptr).
void ReadWriteBufferManager(const JniLibrary& library, const void* manager,
                            WriteBufferManagerFigures* out);

// --- facts: at open, and again when options may have changed ---

constexpr std::size_t kNameBytes = 256;  // longer ones are cut
constexpr std::size_t kPathBytes = 1024;

struct FamilyFacts {
  std::uint32_t id;
  char name[kNameBytes];
  void* block_cache;  // Cache*; an identity, and for ReadCache while a family that uses it is open
  void* blob_cache;
  Figure write_buffer_size;
  Figure max_write_buffer_number;
  Figure min_write_buffer_number_to_merge;
  Figure max_write_buffer_size_to_maintain;
  Figure arena_block_size;
  std::optional<bool> cache_index_and_filter_blocks;
  std::optional<bool> pin_l0_filter_and_index_blocks_in_cache;
  std::optional<bool> partition_filters;
  std::optional<bool> partitioned_index;
};
// Name and id alone, cheap. False: the handle is none that is known.
bool ReadFamilyName(const JniLibrary& library, void* handle, std::uint32_t* id, char* name,
                    std::size_t size);
// Copies the family's options inside RocksDB and prints them: about 0.2 ms.
bool ReadFamilyFacts(const JniLibrary& library, void* handle, FamilyFacts* out);

struct DatabaseFacts {
  char path[kPathBytes];
  void* write_buffer_manager;  // nullptr: not known, or one that neither bounds nor charges
  void* row_cache;             // Cache*
  std::optional<std::int64_t> max_open_files;
  Figure writable_file_max_buffer_size;
};
bool ReadDatabaseFacts(const JniLibrary& library, void* db, DatabaseFacts* out);

// --- the split: whose the blocks of a shared cache are ---

// What the keys of all blocks of a file have in common. From RocksDB 7.6 on it is their first eight
// bytes and `rest` is 0; before, those name the session that wrote the file and the highest three of
// the next eight tell its files apart. `first` is never 0.
struct FileKey {
  std::uint64_t first;
  std::uint64_t rest;
};

// The live files of a family. All zero bytes is a valid object that knows nothing.
class FamilyFiles {
 public:
  // Asks for the files when the family's files have changed since; else costs one property. Takes
  // properties of tables that are open from memory, reads others. False: RocksDB did not say, or
  // there was no memory; what was known before stays.
  bool Refresh(const JniLibrary& library, const Family& family);
  void Forget();  // gives the memory back

  std::size_t size() const { return size_; }
  FileKey key(std::size_t at) const { return keys_[at]; }

 private:
  std::uint64_t version_;
  FileKey* keys_;
  std::size_t size_;
  std::size_t mapped_;  // bytes
};

// From a file to its owner. All zero bytes is a valid, empty object.
class OwnerTable {
 public:
  static constexpr std::uint32_t kNobody = ~std::uint32_t{0};
  // Forgets all and makes room for `files`. False: no memory.
  bool Reset(std::size_t files);
  // The first owner of a file stays: one that two open databases share is counted once.
  void Add(const FileKey& file, std::uint32_t owner);
  std::uint32_t Find(const FileKey& file) const;
  void Forget();

 private:
  struct Slot {
    FileKey file;  // first == 0: empty
    std::uint32_t owner;
  };
  std::size_t Place(const FileKey& file) const;
  Slot* slots_;
  std::size_t used_;
  std::size_t mask_;
  std::size_t mapped_;  // bytes
};

// Bytes by the kind of block. Partitions of filters are filters.
struct BlockBytes {
  std::uint64_t data;
  std::uint64_t index;
  std::uint64_t filter;
  std::uint64_t blob;
  std::uint64_t other;
  std::uint64_t entries;
  std::uint64_t Total() const { return data + index + filter + blob + other; }
};

// Sum of the owners' + unknown + reservations = charged; charged + metadata = usage.
struct CacheSplit {
  std::uint64_t usage;  // the mean of before and after the walk
  std::uint64_t charged;
  std::uint64_t entries;
  std::uint64_t memtable_reservations;
  std::uint64_t other_reservations;
  BlockBytes unknown;  // of files that no owner has
  std::uint64_t Metadata() const { return usage > charged ? usage - charged : 0; }
};

// A family's caches, kept alive until Release: a walk need not hold up the closing of its database.
// All zero bytes holds nothing.
struct Held {
  void* block_cache;
  void* blob_cache;
  void* copy;  // of its options, inside RocksDB's own types
};
bool Hold(const JniLibrary& library, void* handle, Held* out);
// The last holder frees the cache: milliseconds for a large one.
void Release(const JniLibrary& library, Held* held);

// Where a cache's entries were at its last walk, so that the next one asks for their memory ahead: a
// walk waits for little else. One for each cache; the first walk counts, the second remembers, from
// the third on it pays. About 10 bytes an entry of caches with 4096 and more, at most 20 MiB. All zero
// bytes is valid.
class WalkTrail {
 public:
  void Forget();  // gives the memory back

 private:
  friend class TrailFollower;
  // The lower bits of the entries' addresses, in the order of the walk.
  std::uint32_t* last_;
  std::uint32_t* next_;
  std::size_t last_size_;
  std::size_t room_;     // of each
  std::size_t entries_;  // that the last walk saw
};

// Walks the cache once and adds to `by_owner` (of `owner_count`) what is theirs. RocksDB holds a
// shard's lock for a few entries at a time. False: this library or this cache cannot be split; usage
// is set where it is known.
bool ScanCache(const JniLibrary& library, void* cache, const OwnerTable& owners,
               BlockBytes* by_owner, std::size_t owner_count, CacheSplit* out,
               WalkTrail* trail = nullptr);

}  // namespace wrackline::rocksdb_jni
