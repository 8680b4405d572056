#include "preload/assistant.h"

#include <cerrno>

#include "preload/clock.h"
#include "preload/futex.h"
#include "preload/own_thread.h"
#include "preload/pages.h"
#include "preload/sampling/profile_state.h"
#include "preload/unwind/local_objects.h"
#include "wrackline/shim.h"

namespace wrackline::preload {
namespace {

// Of the one record of its kind; those of others are unlikely to be "wrackut".
constexpr std::uint64_t kUntouchedKey = 0x77'72'61'63'6b'75'74'00;

}  // namespace

int Assistant::Open(Allocator* allocator) {
  allocator_ = allocator;
  scans_ = MapArray<ModuleScan>(2);
  naming_ = MapArray<NamingJob>(1);
  lines_ = MapArray<LineJob>(1);
  untouched_ = MapArray<UntouchedBytes>(1);
  return scans_ != nullptr && naming_ != nullptr && lines_ != nullptr && untouched_ != nullptr
             ? 0
             : ENOMEM;
}

void Assistant::Request(Job job) {
  requested_.fetch_or(job, std::memory_order_release);
  FutexWake(&requested_);
}

void Assistant::Wake() {
  requested_.fetch_or(kLookUp, std::memory_order_release);
  FutexWake(&requested_);
}

void Assistant::Run(OwnThread* self) {
  for (;;) {
    if (self->LeavesNow()) return;
    const std::uint32_t wanted =
        requested_.fetch_and(~kLookUp, std::memory_order_acq_rel) & ~kLookUp;
    if (wanted == 0) {
      FutexWait(&requested_, 0, 0);
      continue;
    }
    const Job job = static_cast<Job>(wanted & -wanted);
    Timing timing{};
    timing.began_ns = MonotonicNs();
    const std::uint64_t cpu = ThreadCpuNs();
    Do(job);
    timing.cpu_ns = ThreadCpuNs() - cpu;
    timing.ended_ns = MonotonicNs();
    timings_[__builtin_ctz(job)] = timing;
    // Done before it is no longer requested: between the two it is not idle.
    done_.fetch_or(job, std::memory_order_acq_rel);
    requested_.fetch_and(~job, std::memory_order_acq_rel);
  }
}

void Assistant::Do(Job job) {
  switch (job) {
    case kUnwinderObjects:
      PublishLocalObjects();
      break;
    case kScanModules:
      scan_ = 1 - scan_;
      ScanModules("self", &scans_[scan_], &scans_[1 - scan_]);
      // Every ten seconds or so, which is what the region wants.
      if (ProfileState* state = State()) state->region.ReleaseIdle();
      break;
    case kName:
      ResolveNames(naming_);
      break;
    case kRollup:
      rollup_ = container::ReadSmapsRollup("", "self");
      break;
    case kAllocator:
      allocator_->Read(&statistics_);
      break;
    case kLines:
      ResolveLines(lines_);
      break;
    case kUntouched: {
      const std::uint64_t now = MonotonicNs();
      if (const ProfileState* state = State()) untouched_->Measure(*state);
      // No room: the next figures are as good.
      if (const std::size_t size = untouched_->Encode(now); size != 0)
        wrackline_submit(kUntouchedKey, WRACKLINE_SUBMIT_STATE, untouched_->encoded(), size);
      break;
    }
  }
}

std::size_t Assistant::resident_bytes() const {
  return ResidentBytes(scans_, 2 * sizeof(ModuleScan)) + ResidentBytes(naming_, sizeof(NamingJob)) +
         ResidentBytes(lines_, sizeof(LineJob)) + ResidentBytes(untouched_, sizeof(UntouchedBytes));
}

}  // namespace wrackline::preload
