#include "preload/recorder_loop.h"

#include <unistd.h>
#include <wrackline_nanopb/wrackline.pb.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <iterator>

#include "lib/container/process.h"
#include "preload/clock.h"
#include "preload/jvm/jvm_watch.h"
#include "preload/output_folder.h"
#include "preload/pages.h"
#include "preload/process_facts.h"
#include "preload/record_check.h"
#include "preload/recording_control.h"
#include "preload/text.h"
#include "wrackline/shim.h"

namespace wrackline::preload {
namespace {

constexpr std::uint64_t kStepNs = 100 * kMillisecond;
// A charge that grew by this part of the limit since the last tick, and is above kNearParts of it,
// does not wait for the next one.
constexpr std::uint64_t kJumpParts = 100;
constexpr std::uint64_t kNearPercent = 85;
constexpr std::uint64_t kQuietLifeNs =
    kSecond;  // without a sample: then a file is made all the same
constexpr std::uint64_t kRetryNs = 10 * kSecond;
constexpr std::uint64_t kCheckNs = kSecond;
// Of a step, when the file wants to change its segment.
constexpr std::uint64_t kSegmentChangeNs = 50 * kMillisecond;
// Of StopRecording's 250 ms.
constexpr std::uint64_t kFinishNamesNs = 100 * kMillisecond;
constexpr std::uint64_t kFinishWritesNs = 100 * kMillisecond;
constexpr std::uint32_t kLastThreads = 1000;  // 5 ms
constexpr std::uint32_t kMaxAttempts = 1000;
// Keys of submitted history are the submitters'; this one is "wracktl" and unlikely to be theirs.
constexpr std::uint64_t kTimelineKey = 0x77'72'61'63'6b'74'6c'00;

constexpr int kPhaseShift = 56;

}  // namespace

struct RecorderLoop::Losses {
  wrackline_proto_Losses losses;
};

int RecorderLoop::Open(const Settings& settings, ProfileState* state, Assistant* assistant,
                       JvmThread* jvm_thread, RocksDbThread* rocksdb_thread, Allocator* allocator) {
  settings_ = settings;
  jvm_thread_ = jvm_thread;
  rocksdb_thread_ = rocksdb_thread;
  allocator_ = allocator;
  state_ = state;
  assistant_ = assistant;
  process_ = MapArray<wrackline_proto_Process>(1);
  earlier_ = MapArray<Losses>(1);
  current_ = MapArray<Losses>(1);
  if (process_ == nullptr || earlier_ == nullptr || current_ == nullptr) return ENOMEM;
  if (const int error = modules_.Open(); error != 0) return error;
  // A snapshot repeats all names in one segment, which is half the file: an eighth of it, 4 MiB at
  // most.
  const std::uint64_t name_bytes = std::min<std::uint64_t>(settings.recorder_bytes / 16, 4 << 20);
  if (const int error = names_.Open(name_bytes); error != 0) return error;
  if (const int error = comms_.Open(); error != 0) return error;
  if (const int error = residence_.Open(); error != 0) return error;
  records_.Open(state, &names_, &residence_);

  if (!container::FindMemoryCgroup("", "self", &cgroup_)) cgroup_ = {};
  HostForFileName(host_, sizeof(host_));
  FillProcess(settings_, cgroup_, *allocator, process_);
  start_seconds_ = process_->start_time_ns / kSecond;
  process_->epoch_monotonic_ns = state->epoch_monotonic_ns;
  process_->epoch_time_ns = RealtimeNs() - (MonotonicNs() - state->epoch_monotonic_ns);
  return 0;
}

std::uint64_t RecorderLoop::Step() {
  const std::uint64_t now = MonotonicNs();
  KeepFile(now, false);
  TakeAssistance();
  if (recorder_.is_open()) {
    PutHeartbeat(now);
    if (now >= next_timeline_ns_) LogTimeline(now);
    comms_.Look(&state_->threads, now);
    residence_.Look(&state_->mappings, now, moves_);
    WriteChanges(now + kSegmentChangeNs);
  }
  RequestAssistance(now, false);

  const std::uint64_t period = fast_mode_.fast() ? kFastStepNs : kStepNs;
  // Absolute, so that steps do not drift; a step that took too long is not made up for.
  next_step_ns_ += period;
  const std::uint64_t end = MonotonicNs();
  if (next_step_ns_ <= end || next_step_ns_ > end + period) next_step_ns_ = end + period;
  return next_step_ns_;
}

void RecorderLoop::SettleJavaNames(std::uint64_t deadline_ns) {
  // A VM that lived for less than a step has no file yet, and stacks are looked at when they are written.
  KeepFile(MonotonicNs(), true);
  if (recorder_.is_open()) WriteChanges(deadline_ns);
  for (;;) {
    TakeAssistance();
    RequestJavaNames();
    if (jvm_thread_->Idle() || MonotonicNs() >= deadline_ns) return;
    jvm_thread_->WaitForNames(deadline_ns);
  }
}

void RecorderLoop::Finish(int status, bool status_known) {
  const std::uint64_t now = MonotonicNs();
  KeepFile(now, true);
  if (!recorder_.is_open()) return;
  TakeAssistance();
  own_bytes_ns_ = 0;  // the last sample has everything
  LogTimeline(now);
  PutHeartbeat(now);
  // Threads that began since the last step; of the others the names are known.
  comms_.Look(&state_->threads, now, kLastThreads);
  residence_.LookNow(&state_->mappings);
  WriteChanges(now + kSegmentChangeNs);
  FinishNames(now + kFinishNamesNs);
  CollectLosses();
  losses_unwritten_ = true;

  wrackline_proto_Record record = wrackline_proto_Record_init_zero;
  record.which_body = wrackline_proto_Record_exit_tag;
  record.body.exit.kind = wrackline_proto_Exit_Kind_CLEAN;
  record.body.exit.has_status = status_known;
  record.body.exit.status = status;
  const std::uint64_t deadline = MonotonicNs() + kFinishWritesNs;
  WriteChanges(deadline);
  bool written = false;
  do {
    record.time_ns = RealtimeNs();
    const bool taken = written || recorder_.Put(record);
    written = taken;
    if (recorder_.Flush() == 0 && taken) {
      if (recorder_.IsOfFile(held_file_)) MarkClean(held_file_, record.time_ns);
      break;
    }
  } while (MonotonicNs() < deadline);
  CloseFile();
}

// --- the file ---

bool RecorderLoop::Emit(void* context, std::uint64_t* cursor, recorder::Recorder& recorder) {
  StateSink sink(recorder, true);
  return static_cast<RecorderLoop*>(context)->EmitTo(cursor, sink);
}

bool RecorderLoop::EmitTo(std::uint64_t* cursor, StateSink& sink) {
  constexpr std::uint64_t kIndexMask = (std::uint64_t{1} << kPhaseShift) - 1;
  for (;;) {
    const std::uint64_t phase = *cursor >> kPhaseShift;
    if (phase >= kDone) return true;
    if (sink.Full()) return false;
    // A phase may stop at the end of a batch; then it goes on with the next.
    std::uint64_t index = *cursor & kIndexMask;
    const bool finished = EmitPhase(phase, &index, sink);
    *cursor = finished ? (phase + 1) << kPhaseShift : phase << kPhaseShift | index;
  }
}

bool RecorderLoop::EmitPhase(std::uint64_t phase, std::uint64_t* index, StateSink& sink) {
  switch (phase) {
    case kProcess:
      return PutProcess(sink);
    case kModules:
      return modules_.Emit(index, sink);
    case kStacks:
      return records_.EmitStacks(index, sink);
    case kLive:
      return records_.EmitLive(index, sink);
    case kMappings:
      return records_.EmitMappings(index, sink);
    case kThreads:
      return records_.EmitThreads(index, sink);
    case kNames:
      return names_.Emit(index, sink);
    default:
      return PutLosses(sink);
  }
}

void RecorderLoop::KeepFile(std::uint64_t now_ns, bool finishing) {
  if (recorder_.is_open()) {
    // In a table that the program shares, the number may be another file's at any step.
    if (keep_files_ && now_ns < next_check_ns_) return;
    next_check_ns_ = now_ns + kCheckNs;
    if (recorder_.CheckFile() == 0) return;
    CloseFile();
    ++file_restarts_;
    if (settings_.verbose) Say("the output file was removed or cut; it is begun anew");
    next_attempt_ns_ = 0;
  }
  if (now_ns < next_attempt_ns_ && !finishing) return;
  const bool old = !finishing && now_ns - state_->epoch_monotonic_ns >= kQuietLifeNs;
  if (!old && !records_.HasChanges() && !LookIntoMailbox()) return;
  const int error = MakeFile();
  g_control.no_file.store(error != 0, std::memory_order_relaxed);
  if (error == 0) {
    last_file_error_ = 0;
    next_check_ns_ = now_ns + kCheckNs;
    next_timeline_ns_ = 0;
    return;
  }
  next_attempt_ns_ = now_ns + kRetryNs;
  if (error != last_file_error_) SayFileError(error);
  last_file_error_ = error;
}

int RecorderLoop::MakeFile() {
  if (const int error = MakeFolder(settings_.output_folder); error != 0) return error;
  const std::uint64_t removed = TidyFolder(settings_.output_folder, settings_.recorder_bytes,
                                           settings_.keep_files, settings_.keep_bytes);
  files_removed_ += removed;
  char path[sizeof(settings_.output_folder) + 256];
  recorder::RecorderOptions options;
  options.path = path;
  options.file_bytes = settings_.recorder_bytes;
  options.emit_state = Emit;
  options.emit_context = this;
  int error = EEXIST;
  for (std::uint32_t attempt = 1; error == EEXIST && attempt <= kMaxAttempts; ++attempt) {
    if (!FilePath(settings_.output_folder, host_, process_->pid, start_seconds_, attempt, path,
                  sizeof(path))) {
      return ENAMETOOLONG;
    }
    error = recorder_.Open(options);
  }
  if (error != 0) return error;
  held_file_ = HoldFile(path);
  records_.NewFile();
  modules_.NewFile();
  names_.NewFile();
  all_written_ = false;
  first_pass_ = 0;
  if (settings_.verbose) {
    Text<sizeof(path) + 32> line;
    Say(line.Append("recording to ").Append(path).c_str());
  }
  return 0;
}

void RecorderLoop::CloseFile() {
  AddWriterLosses(&earlier_->losses);
  if (recorder_.IsOfFile(held_file_)) close(held_file_);
  recorder_.Close();
  held_file_ = -1;
}

void RecorderLoop::SayFileError(int error) const {
  // A program's stderr is part of its behaviour, and this is not the program's trouble: only who
  // asked is told.
  if (!settings_.verbose) return;
  Text<2600> line;
  line.Append("cannot write to ").Append(settings_.output_folder).Append(": ");
  switch (error) {
    case EACCES:
    case EPERM:
      line.Append("permission denied (the folder must be writable for the program's user)");
      break;
    case EROFS:
      line.Append("read-only file system (set WRACKLINE_OUT to a writable folder)");
      break;
    case ENOSPC:
    case EDQUOT:
      line.Append("no space (a smaller WRACKLINE_RECORDER_SIZE or WRACKLINE_KEEP may help)");
      break;
    case EFBIG:
      line.Append("WRACKLINE_RECORDER_SIZE is above the file size limit (ulimit -f)");
      break;
    default:
      line.Append("error ").AppendNumber(static_cast<std::uint64_t>(error));
  }
  Say(line.Append("; tried again every 10 s").c_str());
}

// --- what goes into it ---

bool RecorderLoop::PutChanges() {
  StateSink sink(recorder_, false);
  if (!all_written_) {
    all_written_ = EmitTo(&first_pass_, sink);
    if (!all_written_) return false;
  }
  modules_.PutChanges(sink);
  if (!sink.Full()) records_.PutChanges(sink);
  if (!sink.Full()) names_.PutChanges(sink);
  if (!sink.Full() && losses_unwritten_) losses_unwritten_ = !PutLosses(sink);
  return TakeMailbox() && !sink.Full();
}

void RecorderLoop::WriteChanges(std::uint64_t deadline_ns) {
  for (;;) {
    const bool all = PutChanges();
    // What the file refuses now stays where it is until the next step.
    if (recorder_.Flush() != 0 || all || MonotonicNs() >= deadline_ns) return;
  }
}

bool RecorderLoop::PutProcess(StateSink& sink) const {
  wrackline_proto_Record record = wrackline_proto_Record_init_zero;
  record.time_ns = RealtimeNs();
  record.which_body = wrackline_proto_Record_process_tag;
  record.body.process = *process_;
  return sink.Put(record);
}

void RecorderLoop::CollectLosses() {
  const auto load = [](const std::atomic<std::uint64_t>& counter) {
    return counter.load(std::memory_order_relaxed);
  };
  wrackline_proto_Losses losses = earlier_->losses;
  losses.live_table_full = load(state_->losses.live_table_full);
  losses.stack_table_full = load(state_->losses.stack_table_full);
  losses.stacks_truncated = load(state_->losses.stacks_truncated);
  losses.unwind_failed = load(state_->losses.unwind_failed);
  losses.reentrant = load(state_->losses.reentrant);
  losses.freed_twice = load(state_->losses.freed_twice);
  losses.submitted_refused = load(state_->losses.submitted_refused);
  const MappingTable::Losses& mappings = state_->mappings.losses();
  losses.mappings_missed = load(mappings.missed);
  losses.mappings_full = load(mappings.full);
  losses.mappings_unsettled = load(mappings.unsettled);
  losses.threads_full = state_->threads.full();
  losses.forks = load(g_control.forks);
  losses.java_stacks = load(state_->losses.java_stacks);
  for (std::size_t i = 0; i < std::size(losses.java_stack_failed); ++i) {
    losses.java_stack_failed[i] = load(state_->losses.java_stack_failed[i]);
  }
  losses.rocksdb_missed = load(state_->losses.rocksdb_missed);
  losses.java_names_lost = names_.java_lost(StageOfJvm() == JvmStage::kGone);
  losses.frames_unnamed = names_.unnamed();
  losses.names_full = names_.full();
  losses.lines_unread = names_.lines_unread();
  losses.modules_full = modules_.full();
  losses.files_removed = files_removed_;
  losses.file_restarts = file_restarts_;
  if (recorder_.is_open()) AddWriterLosses(&losses);
  if (std::memcmp(&losses, &current_->losses, sizeof(losses)) == 0) return;
  current_->losses = losses;
  losses_unwritten_ = true;
}

// What the present file's writer counted, on top of what those of earlier files did.
void RecorderLoop::AddWriterLosses(wrackline_proto_Losses* losses) const {
  const recorder::WriterStatistics& writer = recorder_.statistics();
  losses->write_errors += writer.write_errors;
  if (writer.last_errno != 0) {
    losses->last_write_errno = static_cast<std::uint32_t>(writer.last_errno);
  }
  losses->longest_write_ns = std::max(losses->longest_write_ns, writer.longest_write_ns);
  losses->history_thinned += recorder_.history_thinned();
}

bool RecorderLoop::PutLosses(StateSink& sink) const {
  wrackline_proto_Record record = wrackline_proto_Record_init_zero;
  record.time_ns = RealtimeNs();
  record.which_body = wrackline_proto_Record_losses_tag;
  record.body.losses = current_->losses;
  return sink.Put(record);
}

void RecorderLoop::PutHeartbeat(std::uint64_t now_ns) {
  wrackline_proto_Record record = wrackline_proto_Record_init_zero;
  record.time_ns = RealtimeNs();
  record.which_body = wrackline_proto_Record_heartbeat_tag;
  record.body.heartbeat.monotonic_ns = now_ns;
  if (cgroup_.version != 0) {
    if (const auto charge = container::ReadCharge(cgroup_, keep_files_ ? &kept_charge_ : nullptr)) {
      record.body.heartbeat.has_charge = true;
      record.body.heartbeat.charge = *charge;
      if (JumpedNearLimit(*charge)) next_timeline_ns_ = 0;
    }
  }
  if (const auto resident =
          container::ReadStatm("", "self", keep_files_ ? &kept_statm_ : nullptr).resident) {
    record.body.heartbeat.has_resident = true;
    record.body.heartbeat.resident = *resident;
  }
  std::optional<std::uint64_t> held;
  if (record.body.heartbeat.has_resident) held = record.body.heartbeat.resident;
  if (record.body.heartbeat.has_charge) held = record.body.heartbeat.charge;
  moves_ = memory_moves_.Update(held, last_limit_);
  state_->memory_moves.store(moves_, std::memory_order_relaxed);
  // Refused: the next one is as good.
  recorder_.Put(record);
}

// Growth near the limit, seen by the heartbeat: a process that takes the last tenth of its limit
// between two ticks of a second would die without a breakdown of its end. This step is a tick then,
// and FastMode decides how it goes on; not while it rests. Page cache counts as it did at the last tick.
bool RecorderLoop::JumpedNearLimit(std::uint64_t charge) const {
  if (!fast_mode_.may_go_fast() || !last_limit_ || *last_limit_ == 0 || !last_charge_) return false;
  const std::uint64_t cache = std::min(last_inactive_file_.value_or(0), charge);
  return charge > *last_charge_ && (charge - *last_charge_) >= *last_limit_ / kJumpParts &&
         charge - cache >= *last_limit_ / 100 * kNearPercent;
}

void RecorderLoop::LogTimeline(std::uint64_t now_ns) {
  const Observation observation = Observe("", "self", cgroup_);
  last_charge_ = observation.cgroup.charge;
  last_limit_ = observation.cgroup.limit;
  last_inactive_file_ = observation.cgroup.inactive_file;
  const bool fast = fast_mode_.Update(now_ns, observation.cgroup.WorkingSet(),
                                      observation.cgroup.limit, observation.pressure);
  state_->memory_short.store(fast ? 1 : 0, std::memory_order_relaxed);
  const std::uint64_t period = fast ? kFastStepNs : kTimelineNs;
  // On the steps' grid: a step that comes a little early must not wait for the one after it.
  next_timeline_ns_ = now_ns + period - period / 20;

  wrackline_proto_Record record = wrackline_proto_Record_init_zero;
  record.time_ns = RealtimeNs();
  record.which_body = wrackline_proto_Record_timeline_tag;
  wrackline_proto_TimelineSample& sample = record.body.timeline;
  sample.monotonic_ns = now_ns;
  sample.period_ms = static_cast<std::uint32_t>(period / kMillisecond);
  FillObservation(observation, &sample);
  if (rollup_fresh_) {
    FillRollup(assistant_->rollup(), assistant_->timing(Assistant::kRollup).began_ns, &sample);
    rollup_fresh_ = false;
  }
  if (statistics_fresh_) {
    sample.has_allocator = true;
    FillAllocator(assistant_->allocator_statistics(),
                  assistant_->timing(Assistant::kAllocator).began_ns, &sample.allocator);
    statistics_fresh_ = false;
  }
  if (now_ns >= own_bytes_ns_ + (fast ? kTimelineNs : kOwnBytesNs)) {
    sample.has_own_bytes = true;
    sample.own_bytes = OwnResidentBytes();
    own_bytes_ns_ = now_ns;
  }
  sample.has_placed_bytes = true;
  sample.placed_bytes = state_->region.Count().bytes;
  sample.has_placed_mapped = true;
  sample.placed_mapped = SampledRegion::mapped_bytes();
  recorder_.Log(kTimelineKey, record);
  CollectLosses();
}

bool RecorderLoop::LookIntoMailbox() {
  if (!mail_waiting_) {
    mail_waiting_ = state_->mailbox.Take(&mail_key_, &mail_kind_, mail_, &mail_size_);
  }
  return mail_waiting_;
}

bool RecorderLoop::TakeMailbox() {
  while (LookIntoMailbox()) {
    const bool ended = mail_kind_ == WRACKLINE_SUBMIT_ENDED;
    const bool state = ended || mail_kind_ == WRACKLINE_SUBMIT_STATE;
    if (!IsRecord(mail_, mail_size_)) {
      state_->losses.submitted_refused.fetch_add(1, std::memory_order_relaxed);
    } else if (state) {
      if (!recorder_.PutEncoded(mail_, mail_size_)) return false;
      recorder_.KeepStateEncoded(mail_key_, mail_, mail_size_, ended);
    } else if (!recorder_.LogEncoded(mail_key_, mail_, mail_size_)) {
      return false;
    }
    mail_waiting_ = false;
  }
  return true;
}

std::uint64_t RecorderLoop::OwnResidentBytes() const {
  return ResidentBytes(state_, sizeof(*state_)) + modules_.resident_bytes() +
         names_.resident_bytes() + comms_.resident_bytes() + residence_.resident_bytes() +
         assistant_->resident_bytes() + jvm_thread_->resident_bytes() +
         rocksdb_thread_->resident_bytes() + recorder_.resident_bytes();
}

}  // namespace wrackline::preload
