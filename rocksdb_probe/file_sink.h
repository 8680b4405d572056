// FileSink: a recorder file of the probe's own, for a process that the shim does not record.
//
// Two sides. Queue takes records from any thread and touches no file. Everything else belongs to
// one thread, the probe's, which alone may be held up by a disk.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "lib/container/cgroup.h"
#include "lib/recorder/recorder.h"
#include "wrackline_nanopb/wrackline.pb.h"

namespace wrackline::probe {

enum class RecordKind { kState, kClosedState, kHistory };

class FileSink {
 public:
  // Between two flushes: what a kill may lose (DESIGN decision 1).
  static constexpr std::uint64_t kFlushPeriodNs = 100'000'000;

  // `folder`: empty: no file is ever made.
  FileSink(std::string folder, std::uint64_t file_bytes, std::uint32_t period_ms);
  ~FileSink();
  FileSink(const FileSink&) = delete;
  FileSink& operator=(const FileSink&) = delete;

  bool enabled() const { return !folder_.empty(); }

  // Any thread. State records are told apart by `key`: the last one of a key counts. False: 4 MiB
  // are waiting; the loss is counted.
  bool Queue(std::uint64_t key, RecordKind kind, std::string_view record);

  // Writes what is queued, a heartbeat, the timeline when it is due. Makes the file when there is
  // something to write and none yet; a folder that fails is tried again every five seconds.
  void Tick();
  // The last flush and the clean-exit mark; the next Tick begins another file.
  void Finish();

  // Any thread.
  std::string path() const;
  int last_errno() const { return last_errno_.load(std::memory_order_relaxed); }
  std::uint64_t refused() const { return refused_.load(std::memory_order_relaxed); }

 private:
  struct Queued {
    std::uint64_t key;
    RecordKind kind;
    std::string record;
  };
  struct State {
    std::uint64_t key;
    bool closed;
    bool dirty;  // not yet in the file
    std::string record;
  };

  bool OpenFile();
  void TakeQueue();
  void KeepState(Queued&& queued);
  void PutDirtyState();
  bool PutLosses();
  static bool EmitState(void* context, std::uint64_t* cursor, recorder::Recorder& recorder);

  const std::string folder_;
  const std::uint64_t file_bytes_;
  const std::uint32_t period_ms_;

  mutable std::mutex mutex_;  // guards queue_, queued_bytes_ and path_; never held over I/O
  std::deque<Queued> queue_;
  std::size_t queued_bytes_ = 0;
  std::string path_;
  std::atomic<std::uint64_t> refused_{0};
  std::atomic<int> last_errno_{0};

  // The probe thread's.
  recorder::Recorder recorder_;
  container::Cgroup cgroup_;
  wrackline_proto_Record process_;
  std::vector<State> states_;
  std::uint64_t next_open_ns_ = 0;
  std::uint64_t next_timeline_ns_ = 0;
  std::uint64_t next_check_ns_ = 0;
  std::uint64_t restarts_ = 0;
};

}  // namespace wrackline::probe
