// The keyed state of a streaming job, as Flink keeps it in RocksDB: one column family per state,
// each with a workload of its own kind. four_states.cc runs it.
#pragma once

#include <rocksdb/db.h>
#include <rocksdb/write_buffer_manager.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace wrackline::example {

// RocksDB's own defaults, which Flink leaves in place when it does not manage RocksDB's memory.
inline constexpr std::uint64_t kWriteBufferBytes = 64u << 20;
inline constexpr int kWriteBuffers = 2;
inline constexpr std::uint64_t kOwnCacheBytes = 8u << 20;

inline constexpr std::array<const char*, 4> kStateNames = {"value", "list", "map", "window"};

// How much memory the states may share; the default value shares nothing and bounds nothing.
struct MemorySettings {
  std::uint64_t shared_block_cache_bytes = 0;    // 0: each state has a cache of its own
  std::uint64_t write_buffer_manager_bytes = 0;  // 0: no write buffer manager
  bool charge_write_buffers_to_cache = false;    // needs the shared cache
  bool allow_stall = true;  // writers wait while the write buffer manager is over its bound
};

// An open database with the four states. Opened anew each time: what an earlier run left is
// removed.
class StateBackend {
 public:
  // Refuses a folder that holds anything but a RocksDB database.
  rocksdb::Status Open(const std::string& path, const MemorySettings& settings);
  // Closes the database, and removes its files when asked to.
  rocksdb::Status Close(bool remove_files);

  rocksdb::DB* db() const { return db_.get(); }
  // In the order of kStateNames.
  const std::vector<rocksdb::ColumnFamilyHandle*>& states() const { return states_; }
  // The cache that the write buffer manager charges, or null.
  const rocksdb::Cache* charged_cache() const { return charged_cache_.get(); }

  ~StateBackend();

 private:
  std::string path_;
  std::unique_ptr<rocksdb::DB> db_;
  std::vector<rocksdb::ColumnFamilyHandle*> handles_;  // default first, then the states
  std::vector<rocksdb::ColumnFamilyHandle*> states_;
  std::shared_ptr<rocksdb::Cache> charged_cache_;
};

struct Progress {
  std::atomic<bool> stop{false};
  // What all states together may write, from `start` on; 0: as fast as they can.
  std::uint64_t bytes_per_second = 0;
  std::chrono::steady_clock::time_point start;
  std::array<std::atomic<std::uint64_t>, kStateNames.size()> bytes_written{};
};

// Does the work of state number `state` in the calling thread until `bytes` were written or
// progress->stop is set. The work depends on `state` and `bytes` alone, so that two runs do the
// same.
rocksdb::Status RunState(const StateBackend& backend, std::size_t state, std::uint64_t bytes,
                         Progress* progress);

}  // namespace wrackline::example
