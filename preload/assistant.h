// The assistant thread: what the recorder thread must not wait for. Symbol tables are read from
// disk, smaps_rollup walks every page table, mincore those of sampled objects, mallinfo2 takes the allocator's locks, maps waits for
// the mmap lock: each may take longer than the 100 ms within which the recorder thread owes the
// file its next flush, most of all in the reclaim that precedes a kill.
//
// One job of each kind at a time. Its data belongs to the assistant from Request to the moment
// Taken says so, otherwise to the recorder thread. When the thread cannot be had, every job stays
// undone and the recording goes on without.
#pragma once

#include <atomic>
#include <cstdint>

#include "lib/container/process.h"
#include "preload/allocator_statistics.h"
#include "preload/frame_lines.h"
#include "preload/frame_names.h"
#include "preload/modules.h"
#include "preload/untouched.h"

namespace wrackline::preload {

class OwnThread;

class Assistant {
 public:
  enum Job : std::uint32_t {
    kUnwinderObjects = 1,  // PublishLocalObjects: may wait for the loader's lock where glibc is old
    kScanModules = 2,
    // Figures go before names: a program that dies while it starts has many names waiting, and its ledger lives of the last figures.
    kUntouched = 4,
    kAllocator = 8,
    kRollup = 16,
    kName = 32,
    kLines = 64,  // the least urgent: a slice of a LineJob
  };

  // Maps its memory. 0 or an errno value. `allocator` must live as long as the process.
  int Open(Allocator* allocator);
  // The thread's body; returns when `self` is to leave. Jobs stay requested.
  void Run(OwnThread* self);
  // Makes Run look whether it is to leave, after the job at hand. Any thread.
  void Wake();

  // --- recorder thread ---
  // True while the job's data is the recorder thread's.
  bool Idle(Job job) const {
    return ((requested_.load(std::memory_order_acquire) | done_.load(std::memory_order_acquire)) &
            job) == 0;
  }
  void Request(Job job);
  // True once after each finished job.
  bool Taken(Job job) { return (done_.fetch_and(~job, std::memory_order_acq_rel) & job) != 0; }

  ModuleScan* scan() { return &scans_[scan_]; }
  NamingJob* naming() { return naming_; }
  LineJob* lines() { return lines_; }
  const container::SmapsRollup& rollup() const { return rollup_; }
  const AllocatorStatistics& allocator_statistics() const { return statistics_; }
  // When the last job of this kind began and ended (CLOCK_MONOTONIC), and the CPU time it took.
  struct Timing {
    std::uint64_t began_ns, ended_ns, cpu_ns;
  };
  const Timing& timing(Job job) const { return timings_[__builtin_ctz(job)]; }
  std::size_t resident_bytes() const;

 private:
  void Do(Job job);

  static constexpr std::uint32_t kLookUp = 1u << 31;  // of requested_, beside the jobs
  std::atomic<std::uint32_t> requested_{0};           // futex
  std::atomic<std::uint32_t> done_{0};
  Allocator* allocator_ = nullptr;
  ModuleScan* scans_ = nullptr;  // the last two
  std::uint32_t scan_ = 0;       // the last one
  NamingJob* naming_ = nullptr;
  LineJob* lines_ = nullptr;
  UntouchedBytes* untouched_ = nullptr;
  container::SmapsRollup rollup_;
  AllocatorStatistics statistics_;
  Timing timings_[7] = {};
};

}  // namespace wrackline::preload
