#include "preload/jvm/rocksdb_thread.h"

#include <stdlib.h>

#include <cerrno>

#include "preload/clock.h"
#include "preload/futex.h"
#include "preload/jvm/rocksdb_objects.h"
#include "preload/own_thread.h"
#include "preload/pages.h"
#include "preload/sampling/allocation.h"
#include "preload/sampling/profile_state.h"
#include "preload/text.h"
#include "wrackline/shim.h"

namespace wrackline::preload {
namespace {

constinit rocksdb_jni::Registry g_registry{};
// What opens is looked at soon, but not each by itself when many do.
constexpr std::uint64_t kNoticeNs = 20 * kMillisecond;
// Of the time that the process's end may take.
constexpr std::uint64_t kExitNs = 50 * kMillisecond;
// At the default period: of a core, at most a hundredth.
constexpr std::uint64_t kParts = 100;

// As wrackline_submit does, but a full mailbox is no loss yet: the reader tries again.
int Submit(std::uint64_t key, std::uint32_t kind, const void* record, std::size_t size) {
  if (wrackline_recording() == 0) return ENODEV;
  return State()->mailbox.Put(key, kind, record, size);
}

// Brings a counter of the reader's, which only grows, into one that others count in too.
void Add(std::uint64_t now, std::uint64_t* before, std::atomic<std::uint64_t>* total) {
  total->fetch_add(now - *before, std::memory_order_relaxed);
  *before = now;
}

}  // namespace

rocksdb_jni::Registry& RocksDbRegistry() { return g_registry; }

void RocksDbThread::Open(std::uint64_t period_ns) {
  period_ns_ = period_ns;
  g_registry.Enable();
}

bool RocksDbThread::Wanted() const {
  return g_registry.bell()->load(std::memory_order_acquire) != 0;
}

void RocksDbThread::Wake() {
  wakes_.fetch_add(1, std::memory_order_release);
  FutexWake(&wakes_);
  g_registry.bell()->store(1, std::memory_order_release);
  FutexWake(g_registry.bell());
}

void RocksDbThread::Stop(std::uint64_t until_ns) { g_registry.Stop(until_ns); }

void RocksDbThread::CountLosses() {
  const rocksdb_jni::ReaderCounts counts = reader_.Counts();
  LossCounters& losses = State()->losses;
  Add(counts.refused, &refused_, &losses.submitted_refused);
  losses.rocksdb_missed.store(counts.unseen + counts.unreadable + g_registry.Counts().no_room,
                              std::memory_order_relaxed);
}

void RocksDbThread::Run(OwnThread* self) {
  IgnoreThisThread();
  if (!opened_) {
    opened_ = reader_.Open(&g_registry, {Submit});
    // Of a program that ends without the VM's knowing: before the destructors of the libraries that are loaded by now.
    atexit([] { Stop(MonotonicNs() + kExitNs); });
  }
  std::uint64_t due = MonotonicNs();
  for (;;) {
    const std::uint32_t wakes = wakes_.load(std::memory_order_acquire);
    if (self->LeavesNow()) return;
    if (!opened_ || g_registry.stopped() || !Active()) {
      FutexWait(&wakes_, wakes, 0);
      continue;
    }
    g_registry.bell()->store(0, std::memory_order_release);
    const std::uint64_t begin = MonotonicNs();
    const std::uint64_t cpu = ThreadCpuNs();
    const bool sample = begin >= due;
    reader_.Round(sample);
    CountLosses();
    if (sample) {
      g_registry.SetBusy(true);
      if (!g_registry.stopped()) RecordRocksDbObjects();
      g_registry.SetBusy(false);
    }
    const std::uint64_t end = MonotonicNs();
    if (sample) {
      due = begin + period_ns_;
      // A shorter period is somebody's wish.
      const std::uint64_t paced = end + (ThreadCpuNs() - cpu) * kParts;
      if (period_ns_ >= kSecond && paced > due) due = paced;
    }
    FutexWait(g_registry.bell(), 0, due);
    if (MonotonicNs() < due) {
      const std::uint64_t notice = end + kNoticeNs;
      FutexWait(&wakes_, wakes, notice < due ? notice : due);
    }
  }
}

std::size_t RocksDbThread::resident_bytes() const {
  return g_registry.memory() == nullptr
             ? 0
             : ResidentBytes(g_registry.memory(), rocksdb_jni::Registry::memory_bytes()) +
                   ResidentBytes(reader_.memory(), rocksdb_jni::Reader::memory_bytes());
}

}  // namespace wrackline::preload
