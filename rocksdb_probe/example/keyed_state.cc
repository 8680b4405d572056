#include "rocksdb_probe/example/keyed_state.h"

#include <rocksdb/cache.h>
#include <rocksdb/convenience.h>
#include <rocksdb/merge_operator.h>
#include <rocksdb/table.h>

#include <algorithm>
#include <chrono>
#include <cinttypes>
#include <cstdio>
#include <filesystem>
#include <random>
#include <string_view>
#include <thread>
#include <utility>

namespace wrackline::example {
namespace {

constexpr std::size_t kPayloadBytes = 1000;

// Flink writes with the WAL off: its durability is the checkpoint.
rocksdb::WriteOptions WithoutLog() {
  rocksdb::WriteOptions options;
  options.disableWAL = true;
  return options;
}

// Payloads of which about half is random, so that Snappy has the work and the gain it has on real
// state.
class Payloads {
 public:
  explicit Payloads(std::uint64_t seed) : random_(seed), bytes_(kPayloadBytes, 'x') {}

  const std::string& Next() {
    for (std::size_t at = 0; at + 8 <= bytes_.size(); at += 16) {
      const std::uint64_t word = random_();
      for (std::size_t i = 0; i < 8; ++i) bytes_[at + i] = static_cast<char>(word >> (8 * i));
    }
    return bytes_;
  }
  // Uniform in [0, bound).
  std::uint64_t Below(std::uint64_t bound) { return random_() % bound; }

 private:
  std::mt19937_64 random_;
  std::string bytes_;
};

std::string UserKey(std::uint64_t number) {
  char text[32];
  std::snprintf(text, sizeof text, "user-%012" PRIu64, number);
  return text;
}

// Big-endian, so that RocksDB's order is the order of time.
std::string WindowStart(std::uint64_t window) {
  std::string key(8, '\0');
  for (int i = 0; i < 8; ++i) key[i] = static_cast<char>(window >> (56 - 8 * i));
  return key;
}

// What one state's step needs.
struct Work {
  rocksdb::DB* db;
  rocksdb::ColumnFamilyHandle* state;
  rocksdb::WriteOptions write;
  Payloads payloads;
  std::uint64_t step = 0;
};

constexpr std::uint64_t kKeys = 1'000'000;

// ValueState: read, then update.
rocksdb::Status ValueStep(Work& work) {
  const std::string key = UserKey(work.payloads.Below(kKeys));
  if (work.step % 32 == 0) {
    std::string old;
    rocksdb::Status status = work.db->Get(rocksdb::ReadOptions(), work.state, key, &old);
    if (!status.ok() && !status.IsNotFound()) return status;
  }
  return work.db->Put(work.write, work.state, key, work.payloads.Next());
}

// ListState.add: a merge that RocksDB's StringAppend resolves at the next read or compaction.
rocksdb::Status ListStep(Work& work) {
  return work.db->Merge(work.write, work.state, UserKey(work.payloads.Below(kKeys)),
                        work.payloads.Next());
}

// MapState: the user's key, then the map's; now and then all entries of one key are read.
rocksdb::Status MapStep(Work& work) {
  const std::string prefix = UserKey(work.payloads.Below(kKeys / 16)) + "#";
  if (work.step % 256 == 0) {
    std::unique_ptr<rocksdb::Iterator> entries(
        work.db->NewIterator(rocksdb::ReadOptions(), work.state));
    for (entries->Seek(prefix); entries->Valid() && entries->key().starts_with(prefix);
         entries->Next()) {
    }
    if (!entries->status().ok()) return entries->status();
  }
  char entry[8];
  std::snprintf(entry, sizeof entry, "%03u", static_cast<unsigned>(work.payloads.Below(1000)));
  return work.db->Put(work.write, work.state, prefix + entry, work.payloads.Next());
}

// Window state: everything that arrives belongs to the newest window; a window is dropped when it
// is kept no longer.
rocksdb::Status WindowStep(Work& work) {
  constexpr std::uint64_t kElementsPerWindow = 16'384;
  constexpr std::uint64_t kWindowsKept = 4;
  const std::uint64_t window = work.step / kElementsPerWindow;
  if (work.step % kElementsPerWindow == 0 && window >= kWindowsKept) {
    const std::uint64_t oldest = window - kWindowsKept;
    rocksdb::Status status =
        work.db->DeleteRange(work.write, work.state, WindowStart(oldest), WindowStart(oldest + 1));
    if (!status.ok()) return status;
  }
  return work.db->Put(work.write, work.state,
                      WindowStart(window) + UserKey(work.payloads.Below(kKeys)),
                      work.payloads.Next());
}

using Step = rocksdb::Status (*)(Work&);
constexpr std::array<Step, kStateNames.size()> kSteps = {ValueStep, ListStep, MapStep, WindowStep};

rocksdb::Status RemoveOldDatabase(const std::string& path) {
  std::error_code error;
  if (!std::filesystem::exists(path, error) || std::filesystem::is_empty(path, error))
    return rocksdb::Status::OK();
  if (!std::filesystem::exists(path + "/CURRENT", error)) {
    return rocksdb::Status::InvalidArgument(
        path, "holds something that is not a RocksDB database: name another folder");
  }
  return rocksdb::DestroyDB(path, rocksdb::Options());
}

}  // namespace

rocksdb::Status StateBackend::Open(const std::string& path, const MemorySettings& settings) {
  if (rocksdb::Status status = RemoveOldDatabase(path); !status.ok()) return status;
  std::shared_ptr<rocksdb::Cache> shared;
  if (settings.shared_block_cache_bytes > 0) {
    shared = rocksdb::NewLRUCache(settings.shared_block_cache_bytes);
  }

  rocksdb::DBOptions options;
  options.create_if_missing = true;
  options.create_missing_column_families = true;
  options.stats_dump_period_sec = 0;
  options.info_log_level = rocksdb::InfoLogLevel::HEADER_LEVEL;
  // No page cache for table files. With it one unmanaged run in five hung at its limit for 139 s
  // before the kernel killed it, most likely because there was always one more page of a file to
  // take away.
  options.use_direct_reads = true;
  options.use_direct_io_for_flush_and_compaction = true;
  if (settings.write_buffer_manager_bytes > 0) {
    if (settings.charge_write_buffers_to_cache) charged_cache_ = shared;
    // Writers wait while the memtables are over the bound. Without allow_stall it is a wish: where
    // flushes do not keep up with writers, memtables of 205 MiB were seen under a manager of 64
    // MiB.
    options.write_buffer_manager = std::make_shared<rocksdb::WriteBufferManager>(
        settings.write_buffer_manager_bytes, charged_cache_, settings.allow_stall);
  }

  std::vector<rocksdb::ColumnFamilyDescriptor> families = {{rocksdb::kDefaultColumnFamilyName, {}}};
  for (const char* name : kStateNames) {
    rocksdb::ColumnFamilyOptions family;
    family.write_buffer_size = kWriteBufferBytes;
    family.max_write_buffer_number = kWriteBuffers;
    rocksdb::BlockBasedTableOptions table;
    table.block_cache = shared ? shared : rocksdb::NewLRUCache(kOwnCacheBytes);
    family.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
    if (std::string_view(name) == "list") {
      rocksdb::Status status = rocksdb::MergeOperator::CreateFromString(
          rocksdb::ConfigOptions(), "stringappend", &family.merge_operator);
      if (!status.ok()) return status;
    }
    families.emplace_back(name, family);
  }
  // Nothing is ever written to the default family; it shares the first state's cache instead of
  // making another.
  families[0].options.table_factory = families[1].options.table_factory;

  rocksdb::DB* db = nullptr;
  rocksdb::Status status = rocksdb::DB::Open(options, path, families, &handles_, &db);
  if (!status.ok()) return status;
  db_.reset(db);
  path_ = path;
  states_.assign(handles_.begin() + 1, handles_.end());
  return status;
}

rocksdb::Status StateBackend::Close(bool remove_files) {
  if (!db_) return rocksdb::Status::OK();
  for (rocksdb::ColumnFamilyHandle* handle : handles_) {
    db_->DestroyColumnFamilyHandle(handle).PermitUncheckedError();
  }
  handles_.clear();
  states_.clear();
  rocksdb::Status status = db_->Close();
  db_.reset();
  charged_cache_.reset();
  return status.ok() && remove_files ? rocksdb::DestroyDB(path_, rocksdb::Options()) : status;
}

StateBackend::~StateBackend() { Close(false).PermitUncheckedError(); }

namespace {

// One stream feeds all states: none gets far ahead of the slowest. So their memtables fill
// together, and what they need together depends little on how the threads happen to be scheduled.
void KeepStep(std::uint64_t written, const Progress& progress) {
  constexpr std::uint64_t kAheadBytes = 1'000'000;
  const auto slowest = [&progress] {
    std::uint64_t least = ~std::uint64_t{0};
    for (const auto& bytes : progress.bytes_written) {
      least = std::min(least, bytes.load(std::memory_order_relaxed));
    }
    return least;
  };
  while (written > slowest() + kAheadBytes && !progress.stop.load(std::memory_order_relaxed)) {
    std::this_thread::sleep_for(std::chrono::microseconds(200));
  }
}

// Records arrive at a rate, whatever the machine could do.
void KeepRate(std::uint64_t written, const Progress& progress) {
  if (progress.bytes_per_second == 0) return;
  const double share = static_cast<double>(progress.bytes_per_second) / kStateNames.size();
  const auto due =
      progress.start + std::chrono::duration_cast<std::chrono::nanoseconds>(
                           std::chrono::duration<double>(static_cast<double>(written) / share));
  while (std::chrono::steady_clock::now() < due && !progress.stop.load(std::memory_order_relaxed)) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
}

}  // namespace

rocksdb::Status RunState(const StateBackend& backend, std::size_t state, std::uint64_t bytes,
                         Progress* progress) {
  Work work{backend.db(), backend.states().at(state), WithoutLog(), Payloads(state + 1)};
  std::uint64_t written = 0;
  while (written < bytes && !progress->stop.load(std::memory_order_relaxed)) {
    rocksdb::Status status = kSteps.at(state)(work);
    if (!status.ok()) return status;
    ++work.step;
    written += kPayloadBytes;
    progress->bytes_written.at(state).store(written, std::memory_order_relaxed);
    KeepStep(written, *progress);
    KeepRate(written, *progress);
  }
  return rocksdb::Status::OK();
}

}  // namespace wrackline::example
