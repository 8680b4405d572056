// Locks, in the order they are taken; none is held over I/O:
//   change_mutex_         Watch and Unwatch, one at a time
//   watched_mutex_        the list of watched databases
//   Splitter's            the walk over caches; who comes meanwhile uses the last one's figures
//   WatchedDatabase.mutex one database: held while it is sampled, and by Unwatch to let it go
//   emit_mutex_           the order in which records about databases are handed on
//   control_mutex_        Start and Stop from outside, one at a time (alone held over the wait for
//   the thread) thread_mutex_         whether the thread shall stop
// The callback is called with none of them held.
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <condition_variable>
#include <cstdlib>
#include <mutex>
#include <new>
#include <system_error>
#include <thread>
#include <utility>

#include "rocksdb_probe/encode.h"
#include "rocksdb_probe/file_sink.h"
#include "rocksdb_probe/process_facts.h"
#include "rocksdb_probe/sample.h"
#include "rocksdb_probe/splitter.h"
#include "rocksdb_probe/watched.h"
#include "wrackline/rocksdb_probe.h"
#include "wrackline/shim.h"

namespace wrackline {
namespace probe {

// One counter for the whole process even where several libraries embed the probe: inline variables
// are unique in it.
inline std::atomic<std::uint64_t> next_database_id{1};

namespace {

// splitmix64's finalizer: spreads (id, stream) over the keys, away from those of other submitters.
std::uint64_t KeyOf(std::uint64_t database_id, std::uint64_t stream) {
  std::uint64_t x = 0x726f636b73646221u + database_id * 2 + stream;  // "rocksdb!"
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
  return x ^ (x >> 31);
}
std::uint64_t StateKey(std::uint64_t database_id) { return KeyOf(database_id, 0); }
std::uint64_t SampleKey(std::uint64_t database_id) { return KeyOf(database_id, 1); }

std::string OutputFolder(const RocksDbProbeOptions& options) {
  if (!options.record_to_file) return {};
  if (!options.output_folder.empty()) return options.output_folder;
  const char* folder = std::getenv("WRACKLINE_OUT");
  return folder == nullptr ? std::string() : std::string(folder);
}

template <typename List>
std::uint64_t SumOf(const List& list, std::optional<std::uint64_t> List::value_type::*figure) {
  std::uint64_t sum = 0;
  for (const auto& entry : list) sum += (entry.*figure).value_or(0);
  return sum;
}

}  // namespace
}  // namespace probe

using probe::WatchedDatabase;

std::uint64_t RocksDbMemory::MemtableBytes() const {
  std::uint64_t sum = 0;
  for (const auto& database : databases)
    sum += probe::SumOf(database.families, &RocksDbFamilyMemory::all_memtables);
  return sum;
}

std::uint64_t RocksDbMemory::CacheBytes() const {
  return probe::SumOf(caches, &RocksDbCacheMemory::usage);
}

std::uint64_t RocksDbMemory::TotalBytes() const {
  std::uint64_t sum = CacheBytes();
  for (const auto& database : databases) {
    const auto manager = std::find_if(
        write_buffer_managers.begin(), write_buffer_managers.end(),
        [&](const auto& entry) { return entry.id == database.write_buffer_manager_id; });
    // A cache that no family uses is not among those that are summed.
    const bool in_cache = manager != write_buffer_managers.end() && manager->charged_to_cache &&
                          (manager->cache_id == 0 ||
                           std::any_of(caches.begin(), caches.end(), [&](const auto& cache) {
                             return cache.id == manager->cache_id;
                           }));
    if (!in_cache) sum += probe::SumOf(database.families, &RocksDbFamilyMemory::all_memtables);
    sum += probe::SumOf(database.families, &RocksDbFamilyMemory::table_readers);
  }
  return sum;
}

class RocksDbProbe::Impl {
 public:
  explicit Impl(Options options)
      : options_(std::move(options)),
        period_(std::clamp<std::chrono::milliseconds>(options_.period, std::chrono::milliseconds(1),
                                                      std::chrono::hours(24))),
        file_(probe::OutputFolder(options_), options_.file_bytes,
              static_cast<std::uint32_t>(
                  std::min<std::chrono::milliseconds::rep>(period_.count(), 3'600'000))),
        splitter_(options_.split_duty),
        pid_(getpid()) {}

  bool Forked() const { return getpid() != pid_; }

  rocksdb::Status Watch(rocksdb::DB* db, const std::vector<rocksdb::ColumnFamilyHandle*>& families,
                        const WatchOptions& options);
  rocksdb::Status Unwatch(rocksdb::DB* db);
  rocksdb::Status UnwatchFamily(rocksdb::DB* db, rocksdb::ColumnFamilyHandle* family);
  rocksdb::Status Start();
  void Stop();
  RocksDbMemory SampleNow();
  RocksDbProbeStatistics statistics() const;

 private:
  std::shared_ptr<WatchedDatabase> Find(rocksdb::DB* db);
  // Both with emit_mutex_ held.
  bool SendState(WatchedDatabase& watched);
  bool Send(std::uint64_t key, probe::RecordKind kind, std::string_view record);
  void PublishState(const std::shared_ptr<WatchedDatabase>& watched, std::string record,
                    bool closed);
  void SendSample(const RocksDbMemory& memory,
                  const std::vector<std::shared_ptr<WatchedDatabase>>& sampled);
  void Run();
  bool OnOwnThread() const { return runner_.load() == std::this_thread::get_id(); }
  bool ShimRecords() const {
    return options_.submit_to_shim && wrackline_recording && wrackline_recording() == 1;
  }

  // Whose callback this thread is in: a sample that is taken there is not shown to it again.
  static thread_local const Impl* in_callback_of;

  const Options options_;
  const std::chrono::milliseconds period_;
  probe::FileSink file_;
  probe::Splitter splitter_;
  const pid_t pid_;

  std::mutex change_mutex_;
  std::mutex watched_mutex_;
  std::vector<std::shared_ptr<WatchedDatabase>> watched_;

  std::mutex emit_mutex_;
  std::vector<std::shared_ptr<WatchedDatabase>>
      unsent_;  // let go, and their last record was refused

  std::mutex control_mutex_;
  std::thread thread_;
  std::atomic<std::thread::id> runner_{};
  std::mutex thread_mutex_;
  std::condition_variable wake_;
  bool stopping_ = false;

  std::atomic<std::uint64_t> samples_{0};
  std::atomic<std::uint64_t> submitted_{0};
  std::atomic<std::uint64_t> queued_{0};
  std::atomic<std::uint64_t> refused_{0};
};

thread_local const RocksDbProbe::Impl* RocksDbProbe::Impl::in_callback_of = nullptr;

std::shared_ptr<WatchedDatabase> RocksDbProbe::Impl::Find(rocksdb::DB* db) {
  const std::lock_guard lock(watched_mutex_);
  const auto found =
      std::find_if(watched_.begin(), watched_.end(), [db](const auto& w) { return w->db == db; });
  return found == watched_.end() ? nullptr : *found;
}

rocksdb::Status RocksDbProbe::Impl::Watch(rocksdb::DB* db,
                                          const std::vector<rocksdb::ColumnFamilyHandle*>& families,
                                          const WatchOptions& options) {
  if (db == nullptr) return rocksdb::Status::InvalidArgument("the database is null");
  std::vector<rocksdb::ColumnFamilyHandle*> handles = families;
  if (handles.empty()) handles.push_back(db->DefaultColumnFamily());
  const std::lock_guard change(change_mutex_);
  std::vector<probe::FamilyFacts> facts(handles.size());
  for (std::size_t i = 0; i < handles.size(); ++i) {
    if (handles[i] == nullptr)
      return rocksdb::Status::InvalidArgument("a column family handle is null");
    rocksdb::Status status = probe::ReadFamilyFacts(handles[i], &facts[i]);
    if (!status.ok()) return status;
  }

  std::shared_ptr<WatchedDatabase> watched = Find(db);
  const bool is_new = watched == nullptr;
  if (is_new) {
    watched = std::make_shared<WatchedDatabase>(db);
    probe::ReadDatabaseFacts(db, &watched->facts);
    watched->facts.id = probe::next_database_id.fetch_add(1);
  }
  std::string record;
  {
    const std::lock_guard lock(watched->mutex);
    probe::DatabaseFacts& to = watched->facts;
    if (!options.name.empty()) to.name = options.name;
    if (options.write_buffer_manager_cache != nullptr) {
      to.charged_cache_id = reinterpret_cast<std::uintptr_t>(options.write_buffer_manager_cache);
    }
    for (probe::FamilyFacts& family : facts) {
      const auto known =
          std::find_if(to.families.begin(), to.families.end(),
                       [&](const probe::FamilyFacts& f) { return f.id == family.id; });
      if (known == to.families.end()) {
        to.families.push_back(std::move(family));
      } else {
        *known = std::move(family);  // another handle of the same family, or new options
      }
    }
    record = probe::EncodeDatabase(to, false, probe::RealtimeNs());
  }
  PublishState(watched, std::move(record), false);
  if (is_new) {
    const std::lock_guard lock(watched_mutex_);
    watched_.push_back(std::move(watched));
  }
  return rocksdb::Status::OK();
}

rocksdb::Status RocksDbProbe::Impl::Unwatch(rocksdb::DB* db) {
  const std::lock_guard change(change_mutex_);
  const std::shared_ptr<WatchedDatabase> watched = Find(db);
  if (watched == nullptr) return rocksdb::Status::NotFound("the database is not watched");
  {
    const std::lock_guard lock(watched_mutex_);
    watched_.erase(std::find(watched_.begin(), watched_.end(), watched));
  }
  std::string record;
  {
    const std::lock_guard lock(watched->mutex);  // waits for a sample in progress
    watched->facts.db = nullptr;
    record = probe::EncodeDatabase(watched->facts, true, probe::RealtimeNs());
  }
  PublishState(watched, std::move(record), true);
  return rocksdb::Status::OK();
}

rocksdb::Status RocksDbProbe::Impl::UnwatchFamily(rocksdb::DB* db,
                                                  rocksdb::ColumnFamilyHandle* family) {
  const std::lock_guard change(change_mutex_);
  const std::shared_ptr<WatchedDatabase> watched = Find(db);
  if (watched == nullptr) return rocksdb::Status::NotFound("the database is not watched");
  std::string record;
  {
    const std::lock_guard lock(watched->mutex);
    auto& list = watched->facts.families;
    const auto found = std::find_if(list.begin(), list.end(),
                                    [family](const auto& facts) { return facts.handle == family; });
    if (found == list.end()) return rocksdb::Status::NotFound("the column family is not watched");
    list.erase(found);
    record = probe::EncodeDatabase(watched->facts, false, probe::RealtimeNs());
  }
  PublishState(watched, std::move(record), false);
  return rocksdb::Status::OK();
}

bool RocksDbProbe::Impl::Send(std::uint64_t key, probe::RecordKind kind, std::string_view record) {
  if (ShimRecords()) {
    const std::uint32_t submit_kind = kind == probe::RecordKind::kHistory ? WRACKLINE_SUBMIT_HISTORY
                                      : kind == probe::RecordKind::kClosedState
                                          ? WRACKLINE_SUBMIT_ENDED
                                          : WRACKLINE_SUBMIT_STATE;
    int error = wrackline_submit(key, submit_kind, record.data(), record.size());
    // An older shim, which keeps it for ever.
    if (error == EINVAL && submit_kind == WRACKLINE_SUBMIT_ENDED)
      error = wrackline_submit(key, WRACKLINE_SUBMIT_STATE, record.data(), record.size());
    if (error == 0) {
      ++submitted_;
      return true;
    }
    ++refused_;
    return false;
  }
  if (!file_.enabled()) return true;  // nobody wants it
  if (!file_.Queue(key, kind, record)) {
    ++refused_;
    return false;
  }
  ++queued_;
  return true;
}

// To whoever records now and has not got it: the shim may begin after a database was watched.
bool RocksDbProbe::Impl::SendState(WatchedDatabase& watched) {
  bool& has = ShimRecords() ? watched.shim_has_state : watched.file_has_state;
  const auto kind = watched.closed ? probe::RecordKind::kClosedState : probe::RecordKind::kState;
  if (!has) has = Send(probe::StateKey(watched.facts.id), kind, watched.state_record);
  return has;
}

void RocksDbProbe::Impl::PublishState(const std::shared_ptr<WatchedDatabase>& watched,
                                      std::string record, bool closed) {
  const std::lock_guard lock(emit_mutex_);
  watched->state_record = std::move(record);
  watched->closed = closed;
  watched->shim_has_state = false;
  watched->file_has_state = false;
  if (SendState(*watched) || !closed) return;
  // Where nobody takes them, what is kept for later has a bound.
  constexpr std::size_t kMostUnsent = 1024;
  if (unsent_.size() >= kMostUnsent) {
    unsent_.erase(unsent_.begin());
    ++refused_;
  }
  unsent_.push_back(watched);
}

void RocksDbProbe::Impl::SendSample(const RocksDbMemory& memory,
                                    const std::vector<std::shared_ptr<WatchedDatabase>>& sampled) {
  if (!ShimRecords() && !file_.enabled()) return;  // nobody wants it
  const std::lock_guard lock(emit_mutex_);
  std::erase_if(unsent_, [this](const auto& watched) { return SendState(*watched); });
  for (std::size_t i = 0; i < sampled.size(); ++i) {
    WatchedDatabase& watched = *sampled[i];
    if (watched.closed) continue;  // let go since: nothing follows its last record
    SendState(watched);
    probe::EncodeSample(memory, memory.databases[i], [&](std::string_view record) {
      Send(probe::SampleKey(watched.facts.id), probe::RecordKind::kHistory, record);
    });
  }
}

RocksDbMemory RocksDbProbe::Impl::SampleNow() {
  RocksDbMemory memory;
  memory.time_ns = probe::RealtimeNs();
  memory.monotonic_ns = probe::MonotonicNs();
  std::vector<std::shared_ptr<WatchedDatabase>> sampled;
  {
    const std::lock_guard lock(watched_mutex_);
    sampled = watched_;
  }
  std::erase_if(sampled, [&](const auto& watched) {
    const std::lock_guard lock(watched->mutex);
    if (watched->facts.db == nullptr) return true;
    probe::SampleDatabase(watched->facts, &memory);
    return false;
  });
  memory.cost_ns = probe::MonotonicNs() - memory.monotonic_ns;
  splitter_.Split(sampled, &memory);
  ++samples_;
  SendSample(memory, sampled);
  if (options_.callback && in_callback_of != this) {
    const Impl* outer = std::exchange(in_callback_of, this);
    options_.callback(memory);
    in_callback_of = outer;
  }
  return memory;
}

rocksdb::Status RocksDbProbe::Impl::Start() {
  if (OnOwnThread()) {
    const std::lock_guard lock(thread_mutex_);
    return stopping_ ? rocksdb::Status::Busy("the probe is stopping") : rocksdb::Status::OK();
  }
  const std::lock_guard control(control_mutex_);
  if (thread_.joinable()) {
    {
      const std::lock_guard lock(thread_mutex_);
      if (!stopping_) return rocksdb::Status::OK();
    }
    thread_.join();  // stopped by its callback
  }
  {
    const std::lock_guard lock(thread_mutex_);
    stopping_ = false;
  }
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  bool started = true;
  try {
    thread_ = std::thread([this] { Run(); });
  } catch (const std::system_error&) {
    started = false;
  } catch (const std::bad_alloc&) {
    started = false;
  }
  // Whatever came of it, the caller has its signals again.
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return started ? rocksdb::Status::OK()
                 : rocksdb::Status::Aborted("cannot start the probe's thread");
}

void RocksDbProbe::Impl::Stop() {
  const bool own = OnOwnThread();
  std::unique_lock<std::mutex> control(control_mutex_, std::defer_lock);
  if (!own) control.lock();
  {
    const std::lock_guard lock(thread_mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  if (!own && thread_.joinable()) thread_.join();
}

void RocksDbProbe::Impl::Run() {
  using Clock = std::chrono::steady_clock;
  constexpr std::chrono::nanoseconds kFlushPeriod{probe::FileSink::kFlushPeriodNs};
  runner_.store(std::this_thread::get_id());
  pthread_setname_np(pthread_self(), "wrackline-probe");
  Clock::time_point next_sample = Clock::now();
  Clock::time_point next_flush = file_.enabled() ? next_sample : Clock::time_point::max();
  std::unique_lock lock(thread_mutex_);
  while (!stopping_) {
    lock.unlock();
    try {
      const Clock::time_point now = Clock::now();
      if (now >= next_sample) {
        // A sample that comes late is not made up for.
        next_sample = std::max(next_sample + period_, now);
        SampleNow();
      }
      if (now >= next_flush) {
        file_.Tick();
        next_flush = now + kFlushPeriod;
      }
    } catch (const std::bad_alloc&) {
      ++refused_;  // a sample that found no memory; the next one may
    }
    lock.lock();
    wake_.wait_until(lock, std::min(next_sample, next_flush), [this] { return stopping_; });
  }
  lock.unlock();
  try {
    file_.Finish();
  } catch (const std::bad_alloc&) {
    ++refused_;
  }
  runner_.store(std::thread::id());
}

RocksDbProbeStatistics RocksDbProbe::Impl::statistics() const {
  RocksDbProbeStatistics out;
  out.samples = samples_;
  out.records_submitted = submitted_;
  out.records_queued = queued_;
  out.records_refused = refused_;
  out.file = file_.path();
  out.file_errno = file_.last_errno();
  return out;
}

RocksDbProbe::RocksDbProbe() : RocksDbProbe(Options()) {}
RocksDbProbe::RocksDbProbe(Options options) : impl_(std::make_unique<Impl>(std::move(options))) {}

RocksDbProbe::~RocksDbProbe() {
  if (impl_->Forked()) {
    // The thread is not in this process, and a lock may be held by it for ever: leave all of it
    // alone.
    static_cast<void>(impl_.release());
    return;
  }
  impl_->Stop();
}

namespace {
rocksdb::Status NotInThisProcess() {
  return rocksdb::Status::NotSupported("the probe belongs to the parent process");
}
}  // namespace

rocksdb::Status RocksDbProbe::Watch(rocksdb::DB* db,
                                    const std::vector<rocksdb::ColumnFamilyHandle*>& families,
                                    const WatchOptions& options) {
  return impl_->Forked() ? NotInThisProcess() : impl_->Watch(db, families, options);
}
rocksdb::Status RocksDbProbe::Unwatch(rocksdb::DB* db) {
  return impl_->Forked() ? NotInThisProcess() : impl_->Unwatch(db);
}
rocksdb::Status RocksDbProbe::UnwatchFamily(rocksdb::DB* db, rocksdb::ColumnFamilyHandle* family) {
  return impl_->Forked() ? NotInThisProcess() : impl_->UnwatchFamily(db, family);
}
rocksdb::Status RocksDbProbe::Start() {
  return impl_->Forked() ? NotInThisProcess() : impl_->Start();
}
void RocksDbProbe::Stop() {
  if (!impl_->Forked()) impl_->Stop();
}
RocksDbMemory RocksDbProbe::SampleNow() {
  return impl_->Forked() ? RocksDbMemory() : impl_->SampleNow();
}
RocksDbProbeStatistics RocksDbProbe::statistics() const {
  return impl_->Forked() ? RocksDbProbeStatistics() : impl_->statistics();
}

}  // namespace wrackline
