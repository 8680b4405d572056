#include "preload/recorder_thread.h"

#include <linux/close_range.h>
#include <pthread.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <new>

#include "preload/assistant.h"
#include "preload/clock.h"
#include "preload/futex.h"
#include "preload/hooks/next_allocator.h"
#include "preload/jvm/jvm_thread.h"
#include "preload/jvm/jvm_watch.h"
#include "preload/jvm/rocksdb_thread.h"
#include "preload/own_thread.h"
#include "preload/pages.h"
#include "preload/recorder_loop.h"
#include "preload/recording_control.h"
#include "preload/sampling/mapping.h"
#include "preload/sampling/profile_state.h"
#include "preload/sampling/thread_start.h"
#include "preload/text.h"
#include "preload/unwind/local_objects.h"

namespace wrackline::preload {
namespace {

constexpr std::uint64_t kLeaveWaitNs = kSecond;
constexpr std::uint64_t kStopWaitNs = 250 * kMillisecond;
constexpr std::uint64_t kLeastStopWaitNs = 50 * kMillisecond;
// While a VM is being built; and of what VMDeath waits (jvm/attach.cc).
constexpr std::uint64_t kJvmLookNs = 5 * kMillisecond;
constexpr std::uint64_t kSettleNs = 140 * kMillisecond;

struct Threads {
  Settings settings;
  RecorderLoop loop;
  Assistant assistant;
  Allocator allocator;
  JvmThread jvm_thread;
  RocksDbThread rocksdb_thread;
  OwnThread recorder, aid, jvm, rocksdb;
  std::atomic<bool> jvm_made{false};
  std::atomic<bool> rocksdb_made{false};
  bool opened = false;  // the loop: by the first of its threads
  bool failed = false;  // or it could not be
};
// In anonymous memory of its own, like everything here: nothing is left to a destructor at exit.
Threads* g_threads = nullptr;

// A table of descriptors of the thread's own, with nothing in it but stderr for one who asked to be
// told. What the thread opens takes no number that the program counts on (close(0), open: 0), the
// program can close all it has, and nothing of the program's is held open here. Linux 5.9; where it
// fails the table stays shared, and a file that is kept open is moved aside (AsideDescriptor).
// True: the table is the thread's own.
bool LeaveProgramsDescriptors() {
  const unsigned first = g_threads->settings.verbose ? 3 : 0;
  if (syscall(SYS_close_range, first, ~0u, CLOSE_RANGE_UNSHARE) != 0) return false;
  if (first != 0) {
    close(0);
    close(1);
  }
  return true;
}

// Nothing more is sampled: the file is finished, or nobody writes it.
void NoMoreSamples() {
  State()->active.store(0, std::memory_order_release);
  g_control.stopped.store(1, std::memory_order_release);
  FutexWake(&g_control.stopped);
}

// Not by prctl, which is a hook of ours.
void SetName(const char* name) { syscall(SYS_prctl, PR_SET_NAME, name, 0, 0, 0); }

// 1 while threads are being made, or sent away by a thread of the program's that has not let them return.
std::atomic<std::uint32_t> g_away{0};

// Makes a thread beside the calling one, with its table of descriptors: code of the VM or of RocksDB that runs there needs what
// the program opened.
MadeThread MakeBeside(std::atomic<bool>* made, OwnThread* thread, void (*body)(OwnThread*),
                      std::size_t stack_bytes) {
  if (made->load(std::memory_order_acquire)) return MadeThread::kYes;
  if (g_away.exchange(1, std::memory_order_acquire) != 0) return MadeThread::kLater;
  const bool there = made->load(std::memory_order_relaxed) || thread->Start(body, stack_bytes) == 0;
  made->store(there, std::memory_order_release);
  g_away.store(0, std::memory_order_release);
  return there ? MadeThread::kYes : MadeThread::kNever;
}

void RunRocksDb(OwnThread* self) {
  SetName("wrackline-rocks");
  g_threads->rocksdb_thread.Run(self);
}

void MakeRocksDbThread() {
  if (!g_threads->rocksdb_thread.Wanted()) return;
  const MadeThread made = MakeBeside(&g_threads->rocksdb_made, &g_threads->rocksdb, RunRocksDb,
                                     RocksDbThread::kStackBytes);
  // Not tried again.
  if (made == MadeThread::kNever) g_threads->rocksdb_made.store(true, std::memory_order_release);
}

void RunJvm(OwnThread* self) {
  SetName("wrackline-jvm");
  g_threads->jvm_thread.Run(self, MakeRocksDbThread);
}

MadeThread MakeJvm() {
  const int saved_errno = errno;
  const MadeThread made =
      MakeBeside(&g_threads->jvm_made, &g_threads->jvm, RunJvm, JvmThread::kStackBytes);
  errno = saved_errno;
  return made;
}

// What a VM in the process wants of the recorder thread. Returns when it wants to be looked at again, `next` at the latest.
std::uint64_t CareForJvm(RecorderLoop* loop, std::uint64_t next) {
  const std::uint64_t now = MonotonicNs();
  switch (StageOfJvm()) {
    case JvmStage::kSeen:
      // An agent is told by the VM, which may start its last thread earlier than it used to.
      if (g_jvm.vm.load(std::memory_order_acquire) != nullptr) return next;
      if (!JvmIsBuilt(now)) return next < now + kJvmLookNs ? next : now + kJvmLookNs;
      Advance(JvmStage::kSeen, JvmStage::kBuilt);
      [[fallthrough]];
    case JvmStage::kBuilt:
      if (Advance(JvmStage::kBuilt, JvmStage::kServed)) g_threads->jvm_thread.Wake();
      return next;
    case JvmStage::kServed:
      if (!g_threads->rocksdb_made.load(std::memory_order_relaxed) &&
          g_threads->rocksdb_thread.Wanted()) {
        g_threads->jvm_thread.Wake();
      }
      return next;
    case JvmStage::kDying:
      if (g_jvm.settled.load(std::memory_order_acquire) != 0) return next;
      loop->SettleJavaNames(now + kSettleNs);
      g_jvm.settled.store(1, std::memory_order_release);
      FutexWake(&g_jvm.settled);
      return next;
    default:
      return next;
  }
}

void RunRecorder(OwnThread* self) {
  SetName("wrackline");
  RecorderLoop& loop = g_threads->loop;
  loop.BeginWithOwnTable(LeaveProgramsDescriptors());
  if (!g_threads->opened && !g_threads->failed) {
    const int error =
        loop.Open(g_threads->settings, State(), &g_threads->assistant, &g_threads->jvm_thread,
                  &g_threads->rocksdb_thread, &g_threads->allocator);
    g_threads->opened = error == 0;
    g_threads->failed = error != 0;
  }
  if (g_threads->failed) {
    NoMoreSamples();
    while (!self->LeavesNow()) {
      const std::uint32_t stop = g_control.stop.load(std::memory_order_acquire);
      FutexWait(&g_control.stop, stop, MonotonicNs() + kSecond);
    }
    return;
  }
  // The file was open in the table of the thread that left.
  loop.LookAtFile();
  while (g_control.stop.load(std::memory_order_acquire) == 0) {
    const std::uint64_t next = loop.Step();
    while (g_control.stop.load(std::memory_order_acquire) == 0 && MonotonicNs() < next) {
      if (self->LeavesNow()) return;
      FutexWait(&g_control.stop, 0, CareForJvm(&loop, next));
    }
  }
  // Nothing more is sampled; frees of samples need no record any more.
  State()->active.store(0, std::memory_order_release);
  loop.Finish(g_control.exit_status.load(std::memory_order_relaxed),
              g_control.status_known.load(std::memory_order_relaxed) != 0);
  NoMoreSamples();
  // The process is ending; a thread that returns would run destructors of thread-local objects
  // beside it.
  for (;;) pause();
}

void RunAssistant(OwnThread* self) {
  SetName("wrackline-aid");
  LeaveProgramsDescriptors();
  g_threads->assistant.Run(self);
}

void CountFork() {
  AllowRenewals();
  g_control.forks.fetch_add(1, std::memory_order_relaxed);
}

// Only where the kernel cannot wipe the state (before 4.14).
void DeactivateChild() { State()->active.store(0, std::memory_order_relaxed); }

// The state's memory; `*wiped` says whether the kernel zeroes it in a forked child.
ProfileState* MapState(bool* wiped) {
  auto* state = MapArray<ProfileState>(1);
  *wiped = state != nullptr && madvise(state, sizeof(*state), MADV_WIPEONFORK) == 0;
  return state;
}

}  // namespace

int StartRecording(const Settings& settings) {
  if (State() != nullptr) return EBUSY;
  bool wiped = false;
  ProfileState* state = MapState(&wiped);
  g_threads = MapArray<Threads>(1);
  if (state == nullptr || g_threads == nullptr) return ENOMEM;
  new (g_threads) Threads;
  g_threads->settings = settings;
  // Here, where the loader's lock is ours: it asks the dynamic linker.
  g_threads->allocator.Identify(reinterpret_cast<void*>(Next().malloc));
  if (const int error = g_threads->assistant.Open(&g_threads->allocator); error != 0) return error;
  if (settings.jvm && g_threads->jvm_thread.Open(settings.verbose) == 0) {
    if (settings.rocksdb_period_ms != 0) {
      g_threads->rocksdb_thread.Open(settings.rocksdb_period_ms * kMillisecond);
    }
    g_jvm.make_thread.store(MakeJvm, std::memory_order_relaxed);
    g_jvm.stage.store(JvmStage::kWatching, std::memory_order_release);
  }
  state->interval = settings.interval;
  state->max_depth = settings.max_depth;
  state->place = settings.place ? 1 : 0;
  state->epoch_monotonic_ns = MonotonicNs();
  if (settings.mappings) {
    TakeEarlyMappings(state);
    state->mappings.Enable();
    NoteThreads();
  }
  internal::g_state.store(state, std::memory_order_release);
  pthread_atfork(HoldRenewals, CountFork, wiped ? nullptr : DeactivateChild);
  if (!wiped && settings.verbose) {
    Say("this kernel cannot wipe memory on fork: children made by a raw clone are seen twice");
  }

  g_control.pid.store(getpid(), std::memory_order_relaxed);
  if (const int error = g_threads->recorder.Start(RunRecorder); error != 0) {
    g_control.pid.store(0, std::memory_order_relaxed);
    return error;
  }
  // Without it names, modules and the slow figures are missing, the rest is recorded.
  if (g_threads->aid.Start(RunAssistant) != 0 && settings.verbose) {
    Say("no second thread can be made: frames get no names");
  }
  state->active.store(1, std::memory_order_release);
  return 0;
}

void StopRecording(int status, bool status_known) {
  // In a forked child, a vfork child that shares this memory, or where nothing was started: not
  // ours to stop.
  if (g_control.pid.load(std::memory_order_relaxed) != getpid()) return;
  const int saved = errno;
  // The first one to come decides; a second one (exit calls a handler that calls _exit) waits with
  // it.
  static constinit std::atomic<bool> asked{false};
  if (!asked.exchange(true)) {
    g_control.exit_status.store(status, std::memory_order_relaxed);
    g_control.status_known.store(status_known ? 1 : 0, std::memory_order_relaxed);
    g_control.stop.store(1, std::memory_order_release);
    FutexWake(&g_control.stop);
  }
  const std::uint64_t waited = g_control.exit_wait_ns.load(std::memory_order_relaxed);
  const std::uint64_t until =
      MonotonicNs() + kStopWaitNs - std::min(waited, kStopWaitNs - kLeastStopWaitNs);
  while (g_control.stopped.load(std::memory_order_acquire) == 0 && MonotonicNs() < until) {
    FutexWait(&g_control.stopped, 0, until);
  }
  errno = saved;
}

bool SendThreadsAway() {
  if (g_control.pid.load(std::memory_order_relaxed) != getpid()) return false;
  // Nobody asks before the end of StartRecording, which the library's constructor calls.
  while (g_away.exchange(1, std::memory_order_acquire) != 0) sched_yield();
  const std::uint64_t until = MonotonicNs() + kLeaveWaitNs;
  g_threads->recorder.Leave([] { FutexWake(&g_control.stop); }, until);
  g_threads->aid.Leave([] { g_threads->assistant.Wake(); }, until);
  g_threads->jvm.Leave([] { g_threads->jvm_thread.Wake(); }, until);
  g_threads->rocksdb.Leave([] { g_threads->rocksdb_thread.Wake(); }, until);
  return true;
}

void LetThreadsReturn() {
  if (g_threads->recorder.Return() != 0) NoMoreSamples();
  g_threads->aid.Return();
  g_threads->jvm.Return();
  g_threads->rocksdb.Return();
  g_away.store(0, std::memory_order_release);
}

}  // namespace wrackline::preload
