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
//    of that database in progress, never for a file: 5 us with four families, 80 us with 64
//    (medians; the slowest 1 % took milliseconds on a busy machine).
//  - No Cache, WriteBufferManager or option is kept alive by the probe.
//  - A dropped family may stay watched until its handle is destroyed: it holds memory until then.
//  - Sampling reads integer properties only. Each takes the database's mutex for a moment, as any
//    property does; none does I/O.
//
// Every function may be called by any thread at any time, also by the callback, but for the
// destructor. Throws nothing but std::bad_alloc. In a forked child the probe does nothing;
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
struct RocksDbFamilyMemory {
  std::uint32_t id = 0;  // ColumnFamilyHandle::GetID
  std::string name;
  std::uint64_t cache_id = 0;
  std::optional<std::uint64_t> active_memtable;      // rocksdb.cur-size-active-mem-table
  std::optional<std::uint64_t> unflushed_memtables;  // rocksdb.cur-size-all-mem-tables
  std::optional<std::uint64_t> all_memtables;        // rocksdb.size-all-mem-tables
  std::optional<std::uint64_t> table_readers;        // rocksdb.estimate-table-readers-mem
  std::optional<std::uint32_t> immutable_memtables;  // rocksdb.num-immutable-mem-table
};

struct RocksDbDatabaseMemory {
  std::uint64_t id = 0;  // unique in the process, never used again
  std::string name;      // WatchOptions::name
  std::string path;
  std::uint64_t write_buffer_manager_id = 0;
  std::vector<RocksDbFamilyMemory> families;
};

struct RocksDbCacheMemory {
  std::uint64_t id = 0;  // the rocksdb::Cache's address
  std::optional<std::uint64_t> capacity;
  std::optional<std::uint64_t> usage;
  std::optional<std::uint64_t> pinned_usage;
  bool strict_capacity_limit = false;
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
