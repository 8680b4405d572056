// RocksDbProbe: what RocksDB holds in memory, per column family, each byte counted once.
//
// Words
//  - Memtable: where a family's writes wait until they are flushed. `active` is the one being
//    filled; `unflushed` adds the immutable ones that wait for their flush; `all` adds those that
//    were flushed already but are kept alive by an iterator or a snapshot. `all` is what is in
//    memory; all - unflushed is what readers hold.
//  - Block cache: RocksDB reports the *whole* cache for every family that uses it, so that adding
//    families up counts a shared cache many times. Here a cache is known by its object and appears
//    once; the families that use it name it by `cache_id`.
//  - Pinned: cache entries that cannot be evicted now. That is not "iterators": a write buffer
//    manager that charges the cache pins its reservations, and they are usually most of it.
//  - Write buffer manager: bounds the memtables of many families. When it charges a cache, the
//    memtables are in that cache's usage *too*: `cache_reservation` says with how much.
//    TotalBytes() knows this.
//  - Table readers: index and filter blocks outside the cache.
//  - Split: whose the blocks of a shared cache are, family by family. It takes a walk over the whole
//    cache, which is made as often as Options::split_duty allows and not at every sample.
//
//   wrackline::RocksDbProbe probe;  // once a second, to the recorder
//   probe.Watch(db, handles, {.name = "orders"});
//   probe.Start();
//   ...
//   probe.Unwatch(db);  // before the handles and the database are destroyed
//
// Where samples go
//  - libwrackline_preload.so is loaded and records: into its recorder.
//  - Otherwise, when Options::output_folder or WRACKLINE_OUT names a folder: into a recorder file
//    of the probe's own.
//  - And to Options::callback, when there is one.
//
// Life rules
//  - A watched database and its handles stay the caller's. Unwatch (or UnwatchFamily) comes before
//    they are destroyed; when it has returned they are never touched again. It waits for a sample
//    of that database in progress: 5 us with four families, 80 us with 64 (medians; the slowest 1 %
//    took milliseconds on a busy machine). When a split is due it may wait for the table properties
//    of one family: those of files that RocksDB holds open are in memory, others (a bounded
//    max_open_files) are read.
//  - No Cache, WriteBufferManager or option is kept alive by the probe, but for the cache that is
//    being walked: until the walk ends (tens of milliseconds for a GiB). Unwatch does not wait for
//    that.
//  - A dropped family may stay watched until its handle is destroyed: it holds memory until then.
//  - Sampling reads integer properties. Each takes the database's mutex for a moment, as any
//    property does; none does I/O. A split reads the list of files where it has changed, too.
//
// Every function may be called by any thread at any time, also by the callback, but for the
// destructor. (A sample that the callback takes is not shown to the callback.) RocksDB's listeners may
// call them too: OnColumnFamilyHandleDeletionStarted is the place for an UnwatchFamily that cannot be
// forgotten. Throws nothing but std::bad_alloc. In a forked child the probe does nothing;
// destroying it there is allowed.
#pragma once

#include <rocksdb/db.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace wrackline {

// One moment of all watched databases. Sizes are bytes; a figure that RocksDB did not give is
// absent, never zero. An id that is 0 means "none".

// Bytes of a block cache by the kind of block. Partitions of filters are filters.
struct RocksDbBlockBytes {
  std::uint64_t data = 0;
  std::uint64_t index = 0;
  std::uint64_t filter = 0;
  std::uint64_t blob = 0;   // values of blob files
  std::uint64_t other = 0;  // compression dictionaries, range tombstones, properties
  std::uint64_t entries = 0;
  std::uint64_t Total() const { return data + index + filter + blob + other; }
};

struct RocksDbFamilyMemory {
  std::uint32_t id = 0;  // ColumnFamilyHandle::GetID
  std::string name;
  std::uint64_t cache_id = 0;
  std::optional<std::uint64_t> active_memtable;      // rocksdb.cur-size-active-mem-table
  std::optional<std::uint64_t> unflushed_memtables;  // rocksdb.cur-size-all-mem-tables
  std::optional<std::uint64_t> all_memtables;        // rocksdb.size-all-mem-tables
  std::optional<std::uint64_t> table_readers;        // rocksdb.estimate-table-readers-mem
  std::optional<std::uint32_t> immutable_memtables;  // rocksdb.num-immutable-mem-table
  // Its blocks in the caches it uses, at the time of those caches' split; absent: never split.
  std::optional<RocksDbBlockBytes> cached_blocks{};
  // rocksdb.num-live-versions: 1, and one for each older state of its files that iterators,
  // snapshots' readers or compactions still use.
  std::optional<std::uint32_t> live_versions{};
  // Table files on disk that only those older states use: total-sst-files-size - live-sst-files-size.
  std::optional<std::uint64_t> pinned_sst_bytes{};
  std::uint64_t blob_cache_id = 0;
  // Blocks of files that were its live files when a walk before found them, and are no longer: with
  // cached_blocks, and in the caches' `unknown` too. With live_versions of 1 they wait for their
  // eviction; above 1 some may be in use by iterators and readers of its older states.
  std::optional<RocksDbBlockBytes> former_blocks{};
};

struct RocksDbDatabaseMemory {
  std::uint64_t id = 0;  // unique in the process, never used again
  std::string name;      // WatchOptions::name
  std::string path;
  std::uint64_t write_buffer_manager_id = 0;
  std::vector<RocksDbFamilyMemory> families;
  std::optional<std::uint32_t> snapshots{};             // rocksdb.num-snapshots
  std::optional<std::uint64_t> oldest_snapshot_time{};  // UNIX seconds; absent: there is none
  std::optional<std::uint32_t> running_flushes{};       // rocksdb.num-running-flushes
  std::optional<std::uint32_t> running_compactions{};   // rocksdb.num-running-compactions
  std::uint64_t row_cache_id = 0;
};

// What a walk over a cache found. Sum of the families' cached_blocks + unknown + reservations =
// charged; charged + metadata = usage.
struct RocksDbCacheSplit {
  std::uint64_t monotonic_ns = 0;  // when the walk began
  std::uint64_t duration_ns = 0;   // of the walk
  std::uint64_t cpu_ns = 0;        // processor time of the walk
  // Finding out which files the families have, before the walk; of all families.
  std::uint64_t files_ns = 0;
  std::uint64_t usage = 0;    // of the cache: the mean of before and after the walk
  std::uint64_t charged = 0;  // sum of the entries' charges
  std::uint64_t entries = 0;
  std::uint64_t memtable_reservations = 0;  // for a write buffer manager
  std::uint64_t other_reservations = 0;     // for building filters, dictionaries, table readers...
  // Blocks of files that no watched family has: deleted ones, or another database's. Those of files
  // that a family had are in its former_blocks as well.
  RocksDbBlockBytes unknown{};
  std::uint64_t pinned_usage = 0;  // of the cache: the mean of before and after the walk
  // Of blocks that are in use: by iterators, values not yet copied, and table readers that hold their
  // index and filter. By whom RocksDB does not tell. With the metadata of all that is pinned.
  std::uint64_t PinnedBlocks() const {
    const std::uint64_t reserved = memtable_reservations + other_reservations;
    return pinned_usage > reserved ? pinned_usage - reserved : 0;
  }
  // What the cache itself costs, and entries that were erased while they are in use. 0 where a busy
  // cache shrank during the walk.
  std::uint64_t Metadata() const { return usage > charged ? usage - charged : 0; }
};

enum class RocksDbCacheKind { kBlock, kBlob, kRow };

struct RocksDbCacheMemory {
  std::uint64_t id = 0;  // the rocksdb::Cache's address
  std::optional<std::uint64_t> capacity;
  std::optional<std::uint64_t> usage;
  std::optional<std::uint64_t> pinned_usage;
  bool strict_capacity_limit = false;
  // One that holds blocks and others is kBlock.
  RocksDbCacheKind kind{RocksDbCacheKind::kBlock};
  std::optional<RocksDbCacheSplit> split{};  // the last one; absent: none yet, or not possible
};

struct RocksDbWriteBufferManagerMemory {
  std::uint64_t id = 0;                        // the rocksdb::WriteBufferManager's address
  std::optional<std::uint64_t> buffer_size;    // absent: no bound
  std::optional<std::uint64_t> memory_usage;   // all memtables
  std::optional<std::uint64_t> mutable_usage;  // those not yet being flushed
  bool charged_to_cache = false;
  std::uint64_t cache_id = 0;  // that cache, where it is known
  std::optional<std::uint64_t>
      cache_reservation;  // the part of that cache's usage that is memtables
};

struct RocksDbMemory {
  std::uint64_t time_ns = 0;       // CLOCK_REALTIME
  std::uint64_t monotonic_ns = 0;  // CLOCK_MONOTONIC
  std::uint64_t cost_ns = 0;       // what reading it took
  std::vector<RocksDbDatabaseMemory> databases;
  std::vector<RocksDbCacheMemory> caches;                              // each once
  std::vector<RocksDbWriteBufferManagerMemory> write_buffer_managers;  // each once

  // All memtables; usage of all caches.
  std::uint64_t MemtableBytes() const;
  std::uint64_t CacheBytes() const;
  // Memtables, caches and table readers, each byte once: memtables that are charged to a cache are
  // in its usage.
  std::uint64_t TotalBytes() const;
};

struct RocksDbProbeOptions {
  // Between two samples; at least 1 ms.
  std::chrono::milliseconds period{1000};
  // Hand samples to libwrackline_preload.so when it records.
  bool submit_to_shim = true;
  // Write a file of our own when it does not: wrackline-<host>-<pid>-<start>-rocksdb.wrack in this
  // folder; empty: the folder that the environment variable WRACKLINE_OUT names; neither: no file.
  // The folder is made (mode 0700).
  bool record_to_file = true;
  std::string output_folder{};
  // Size of that file: preallocated, never more; at least 1 MiB.
  std::uint64_t file_bytes = 16u << 20;
  // How much of one core may go into splitting caches, on average: the next walk waits until the
  // last one's processor time is no more than this part of the time since. 0: never split.
  double split_duty = 0.01;
  // Called after each sample, by the thread that took it and with no lock held: it may Unwatch.
  // Must not throw, and must not destroy the probe.
  std::function<void(const RocksDbMemory&)> callback{};
};

struct RocksDbWatchOptions {
  // For people: "orders". Cut at 255 bytes.
  std::string name{};
  // The cache that the database's write buffer manager was made with: RocksDB does not tell. Only
  // its address is kept.
  const rocksdb::Cache* write_buffer_manager_cache = nullptr;
};

struct RocksDbProbeStatistics {
  std::uint64_t samples = 0;
  std::uint64_t records_submitted = 0;  // to the shim
  std::uint64_t records_queued = 0;     // for the file
  std::uint64_t records_refused = 0;    // lost: the shim's mailbox or the file's queue was full
  std::string file;                     // of our own; empty: none so far
  int file_errno = 0;                   // of the last failed attempt at the file; 0: none failed
};

class RocksDbProbe {
 public:
  using Options = RocksDbProbeOptions;
  using WatchOptions = RocksDbWatchOptions;

  RocksDbProbe();
  explicit RocksDbProbe(Options options);
  // Stops. Watched databases are let go and are not touched any more.
  ~RocksDbProbe();
  RocksDbProbe(const RocksDbProbe&) = delete;
  RocksDbProbe& operator=(const RocksDbProbe&) = delete;

  // Watches `families` of `db`; the default family when there are none. Called again for the same
  // database it adds families and replaces what `options` sets. Errors: InvalidArgument for a null
  // pointer; what GetDescriptor says.
  rocksdb::Status Watch(rocksdb::DB* db, const std::vector<rocksdb::ColumnFamilyHandle*>& families,
                        const WatchOptions& options = WatchOptions());
  // NotFound when it is not watched.
  rocksdb::Status Unwatch(rocksdb::DB* db);
  rocksdb::Status UnwatchFamily(rocksdb::DB* db, rocksdb::ColumnFamilyHandle* family);

  // Starts the sampling thread (no signals are delivered to it). Does nothing when it runs.
  // Aborted: no thread could be made.
  rocksdb::Status Start();
  // Ends it after a last write to the file, which gets its clean-exit mark. Start may follow: it
  // makes a new file. From the callback it asks the thread to end and does not wait.
  void Stop();

  // Samples in this thread and hands the sample to the recorder and the callback, whether started
  // or not. The file is written by the probe's thread alone: before Start its records wait, up to 4
  // MiB of them.
  RocksDbMemory SampleNow();

  RocksDbProbeStatistics statistics() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace wrackline
