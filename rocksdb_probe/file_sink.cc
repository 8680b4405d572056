#include "rocksdb_probe/file_sink.h"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "rocksdb_probe/encode.h"
#include "rocksdb_probe/process_facts.h"

namespace wrackline::probe {
namespace {

constexpr std::size_t kMaxQueuedBytes = 4u << 20;
constexpr std::size_t kMaxClosedStates = 1024;
constexpr int kMaxNames = 1000;
constexpr std::uint64_t kSecondNs = 1'000'000'000;
constexpr std::uint64_t kRetryNs = 5 * kSecondNs;
// Keys of the timeline in the recorder's history; the databases' keys are hashes and never this
// small.
constexpr std::uint64_t kTimelineKey = 1;

// mkdir -p, as far as it gets: what is missing shows when the file is made.
void MakeFolder(const std::string& folder) {
  for (std::size_t slash = folder.find('/', 1); slash != std::string::npos;
       slash = folder.find('/', slash + 1)) {
    mkdir(folder.substr(0, slash).c_str(), 0700);
  }
  mkdir(folder.c_str(), 0700);
}

}  // namespace

FileSink::FileSink(std::string folder, std::uint64_t file_bytes, std::uint32_t period_ms)
    : folder_(std::move(folder)),
      file_bytes_(std::max(file_bytes, recorder::kMinFileBytes)),
      period_ms_(period_ms),
      process_(wrackline_proto_Record_init_zero) {}

FileSink::~FileSink() {
  if (recorder_.is_open()) recorder_.Close();
}

bool FileSink::Queue(std::uint64_t key, RecordKind kind, std::string_view record) {
  std::string copy(record);
  const std::lock_guard lock(mutex_);
  if (queued_bytes_ + copy.size() > kMaxQueuedBytes) {
    refused_.fetch_add(1, std::memory_order_relaxed);
    return false;
  }
  queued_bytes_ += copy.size();
  queue_.push_back({key, kind, std::move(copy)});
  return true;
}

std::string FileSink::path() const {
  const std::lock_guard lock(mutex_);
  return path_;
}

bool FileSink::OpenFile() {
  const std::uint64_t now = MonotonicNs();
  if (now < next_open_ns_) return false;
  next_open_ns_ = now + kRetryNs;
  MakeFolder(folder_);
  const std::string stem = folder_ + "/" + FileStem();
  std::string path;
  int error = EEXIST;
  // Another probe of this process, or an earlier file of this one, may have the plain name.
  for (int number = 1; error == EEXIST && number <= kMaxNames; ++number) {
    path = stem + (number == 1 ? "" : "-" + std::to_string(number)) + ".wrack";
    recorder::RecorderOptions options;
    options.path = path.c_str();
    options.file_bytes = file_bytes_;
    options.emit_state = EmitState;
    options.emit_context = this;
    error = recorder_.Open(options);
  }
  if (error != 0) {
    last_errno_.store(error, std::memory_order_relaxed);
    return false;
  }
  next_open_ns_ = 0;
  next_timeline_ns_ = 0;
  next_check_ns_ = now + kSecondNs;
  cgroup_ = container::Cgroup();
  if (!container::FindMemoryCgroup("", "self", &cgroup_)) cgroup_ = container::Cgroup();
  ReadProcessFacts(cgroup_, &process_);
  recorder_.Put(process_);
  for (State& state : states_) state.dirty = true;
  const std::lock_guard lock(mutex_);
  path_ = path;
  return true;
}

void FileSink::KeepState(Queued&& queued) {
  const bool closed = queued.kind == RecordKind::kClosedState;
  auto state = std::find_if(states_.begin(), states_.end(),
                            [&](const State& s) { return s.key == queued.key; });
  if (state == states_.end()) {
    if (std::count_if(states_.begin(), states_.end(), [](const State& s) { return s.closed; }) >=
        static_cast<std::ptrdiff_t>(kMaxClosedStates)) {
      states_.erase(
          std::find_if(states_.begin(), states_.end(), [](const State& s) { return s.closed; }));
      // Places have moved under a snapshot that walks them: what is put again goes into that
      // snapshot too.
      for (State& s : states_) s.dirty = true;
    }
    state = states_.insert(states_.end(), State{queued.key, closed, true, {}});
  }
  state->closed = closed;
  state->dirty = true;
  state->record = std::move(queued.record);
}

void FileSink::PutDirtyState() {
  for (State& state : states_) {
    if (state.dirty && recorder_.PutEncoded(state.record.data(), state.record.size()))
      state.dirty = false;
  }
}

void FileSink::TakeQueue() {
  std::deque<Queued> queue;
  {
    const std::lock_guard lock(mutex_);
    queue.swap(queue_);
    queued_bytes_ = 0;
  }
  for (Queued& queued : queue) {
    if (queued.kind == RecordKind::kHistory) {
      // A refusal of the file is no loss: the recorder's history has it for the next snapshot.
      recorder_.LogEncoded(queued.key, queued.record.data(), queued.record.size());
    } else {
      KeepState(std::move(queued));
      PutDirtyState();  // before the samples that follow it
    }
  }
}

bool FileSink::PutLosses() {
  wrackline_proto_Record record = wrackline_proto_Record_init_zero;
  record.time_ns = RealtimeNs();
  record.which_body = wrackline_proto_Record_losses_tag;
  wrackline_proto_Losses& losses = record.body.losses;
  const recorder::WriterStatistics& statistics = recorder_.statistics();
  losses.submitted_refused = refused();
  losses.history_thinned = recorder_.history_thinned();
  losses.write_errors = statistics.write_errors;
  losses.last_write_errno = static_cast<std::uint32_t>(statistics.last_errno);
  losses.longest_write_ns = statistics.longest_write_ns;
  losses.file_restarts = restarts_;
  return recorder_.Put(record);
}

void FileSink::Tick() {
  if (!enabled()) return;
  if (!recorder_.is_open()) {
    {
      const std::lock_guard lock(mutex_);
      if (queue_.empty() && states_.empty()) return;
    }
    if (!OpenFile()) return;
  }
  TakeQueue();
  PutDirtyState();
  const std::uint64_t now = MonotonicNs();
  wrackline_proto_Record record;
  if (now >= next_timeline_ns_) {
    next_timeline_ns_ = now + std::uint64_t{period_ms_} * 1'000'000;
    ReadTimeline(cgroup_, period_ms_, &record);
    recorder_.Log(kTimelineKey, record);
    PutLosses();
  }
  ReadHeartbeat(cgroup_, &record);
  recorder_.Put(record);
  if (const int error = recorder_.Flush(); error != 0)
    last_errno_.store(error, std::memory_order_relaxed);
  if (now >= next_check_ns_) {
    next_check_ns_ = now + kSecondNs;
    if (recorder_.CheckFile() != 0) {  // removed or cut: the next tick begins anew
      recorder_.Close();
      ++restarts_;
    }
  }
}

void FileSink::Finish() {
  Tick();
  if (!recorder_.is_open()) return;
  PutLosses();
  wrackline_proto_Record record = wrackline_proto_Record_init_zero;
  record.time_ns = RealtimeNs();
  record.which_body = wrackline_proto_Record_exit_tag;
  record.body.exit.kind = wrackline_proto_Exit_Kind_CLEAN;
  recorder_.Put(record);
  recorder_.Flush();
  recorder_.Close();
}

bool FileSink::EmitState(void* context, std::uint64_t* cursor, recorder::Recorder& recorder) {
  FileSink& sink = *static_cast<FileSink*>(context);
  if (*cursor == 0) {
    if (!recorder.Put(sink.process_) || !sink.PutLosses()) return false;
    ++*cursor;
  }
  while (*cursor - 1 < sink.states_.size()) {
    if (recorder.SnapshotSliceFull()) return false;
    const State& state = sink.states_[*cursor - 1];
    if (!recorder.PutEncoded(state.record.data(), state.record.size())) return false;
    ++*cursor;
  }
  return true;
}

}  // namespace wrackline::probe
