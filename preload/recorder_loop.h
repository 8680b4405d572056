// RecorderLoop: what the recorder thread does, step by step; recorder_thread.cc starts and stops
// it.
//
// Every step (100 ms; 50 ms in fast mode) brings what changed to the file, with a heartbeat. Every
// second (or fast step) it adds a timeline sample. It begins a file late: when there is a sample or
// a submitted record, or the process is a second old, so that the many short helpers of a shell
// script leave none. A file that cannot be made is tried again every 10 s; a file that vanished or
// was cut is begun anew.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "lib/container/kept_file.h"
#include "lib/recorder/recorder.h"
#include "preload/assistant.h"
#include "preload/frame_names.h"
#include "preload/jvm/jvm_thread.h"
#include "preload/jvm/rocksdb_thread.h"
#include "preload/mapping_residence.h"
#include "preload/modules.h"
#include "preload/sampling/profile_state.h"
#include "preload/settings.h"
#include "preload/state_records.h"
#include "preload/state_sink.h"
#include "preload/thread_comms.h"
#include "preload/timeline.h"

extern "C" {
typedef struct _wrackline_proto_Process wrackline_proto_Process;
typedef struct _wrackline_proto_Losses wrackline_proto_Losses;
}

namespace wrackline::preload {

class RecorderLoop {
 public:
  // Maps memory and reads the process's facts. 0 or an errno value. The pointers must outlive the
  // loop.
  int Open(const Settings& settings, ProfileState* state, Assistant* assistant,
           JvmThread* jvm_thread, RocksDbThread* rocksdb_thread, Allocator* allocator);

  // One step; returns the time (CLOCK_MONOTONIC) of the next one.
  std::uint64_t Step();
  // The next step looks whether the file is still there and open, and begins another where it is not.
  void LookAtFile() { next_check_ns_ = 0; }
  // Whether the calling thread, which runs the loop from here on, has a table of descriptors of its own.
  void BeginWithOwnTable(bool own) {
    keep_files_ = own;
    kept_charge_.Forget();
    kept_statm_.Forget();
  }

  // The VM goes down: what its frames are called is asked now or never. Takes what was sampled so far and waits for the JVM
  // thread until `deadline_ns` at the longest.
  void SettleJavaNames(std::uint64_t deadline_ns);

  // The last one: everything that is still unwritten, the Exit record and the EndMark.
  void Finish(int status, bool status_known);

 private:
  static constexpr std::uint64_t kFastStepNs = 50'000'000;
  static constexpr std::uint64_t kTimelineNs = 1'000'000'000;
  // Its own bytes: walks tables of pages for what moves slowly.
  static constexpr std::uint64_t kOwnBytesNs = 5 * kTimelineNs;
  enum Phase : std::uint64_t {
    kProcess,
    kModules,
    kStacks,
    kLive,
    kMappings,
    kThreads,
    kNames,
    kLosses,
    kDone
  };

  // --- the file ---
  static bool Emit(void* context, std::uint64_t* cursor, recorder::Recorder& recorder);
  // Emits from the cursor on until all is done (true) or the sink takes no more (false).
  bool EmitTo(std::uint64_t* cursor, StateSink& sink);
  bool EmitPhase(std::uint64_t phase, std::uint64_t* index, StateSink& sink);
  // Makes the file when it is time to, and checks it now and then.
  void KeepFile(std::uint64_t now_ns, bool finishing);
  int MakeFile();
  void CloseFile();
  void SayFileError(int error) const;

  // --- what goes into it ---
  // Offers everything that changed; false: the recorder refused something.
  bool PutChanges();
  // The same, and writes it; while the file wants room for its next segment, until `deadline_ns`.
  void WriteChanges(std::uint64_t deadline_ns);
  bool PutProcess(StateSink& sink) const;
  // Brings the losses up to date; they are put when they changed.
  void CollectLosses();
  void AddWriterLosses(wrackline_proto_Losses* losses) const;
  bool PutLosses(StateSink& sink) const;
  void PutHeartbeat(std::uint64_t now_ns);
  bool JumpedNearLimit(std::uint64_t charge) const;
  void LogTimeline(std::uint64_t now_ns);
  // False: nothing is there.
  bool LookIntoMailbox();
  bool TakeMailbox();

  // --- the threads that may wait (recorder_assistance.cc) ---
  void TakeAssistance();
  std::uint64_t NamePatience(std::uint64_t now_ns) const;
  void RequestAssistance(std::uint64_t now_ns, bool finishing);
  void RequestJavaNames();
  void FinishNames(std::uint64_t deadline_ns);

  std::uint64_t OwnResidentBytes() const;

  Settings settings_;
  ProfileState* state_ = nullptr;
  Assistant* assistant_ = nullptr;
  JvmThread* jvm_thread_ = nullptr;
  RocksDbThread* rocksdb_thread_ = nullptr;
  Allocator* allocator_ = nullptr;
  recorder::Recorder recorder_;
  StateRecords records_;
  FrameNames names_;
  ThreadComms comms_;
  MappingResidence residence_;
  ModuleTable modules_;
  container::Cgroup cgroup_;
  bool keep_files_ = false;
  container::KeptFile kept_charge_, kept_statm_;
  char host_[65] = {};
  std::uint64_t start_seconds_ = 0;
  wrackline_proto_Process* process_ = nullptr;

  int held_file_ = -1;
  bool all_written_ = false;           // the new file's first pass over the whole state is done
  std::uint64_t first_pass_ = 0;       // its cursor
  std::uint64_t next_attempt_ns_ = 0;  // to make the file
  std::uint64_t next_check_ns_ = 0;
  int last_file_error_ = 0;
  std::uint64_t file_restarts_ = 0;
  std::uint64_t files_removed_ = 0;

  FastMode fast_mode_;
  std::uint64_t next_timeline_ns_ = 0;
  // Of the last tick.
  std::optional<std::uint64_t> last_charge_, last_limit_, last_inactive_file_;
  MemoryMoves memory_moves_;
  std::uint32_t moves_ = 0;  // as of the last heartbeat
  std::uint64_t next_step_ns_ = 0;
  std::uint64_t next_slow_ns_ = 0;
  std::uint64_t next_objects_ns_ = 0;
  std::uint64_t own_bytes_ns_ = 0;  // when they were counted last
  bool rollup_fresh_ = false;
  bool statistics_fresh_ = false;
  bool losses_unwritten_ = false;
  struct Losses;
  Losses* earlier_ = nullptr;  // what the writers of earlier files counted
  Losses* current_ = nullptr;

  std::uint64_t scanned_ns_ = 0;  // when the last scan of the modules began
  DutyLimiter scan_duty_{200};
  DutyLimiter name_duty_{20};
  DutyLimiter line_duty_{100};
  bool lines_begun_ = false;  // the line job has slices left
  LookPace rollup_pace_{kRollupRule};
  DutyLimiter allocator_duty_{400};
  LookPace untouched_pace_{kUntouchedRule};

  bool mail_waiting_ = false;
  std::uint64_t mail_key_ = 0;
  std::uint32_t mail_kind_ = 0;
  std::size_t mail_size_ = 0;
  unsigned char mail_[Mailbox::kMaxRecord] = {};
};

}  // namespace wrackline::preload
