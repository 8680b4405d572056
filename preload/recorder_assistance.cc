// RecorderLoop's work with the threads that may wait: what it asks the assistant and the JVM thread for, and what it takes from
// them (assistant.h, jvm/jvm_thread.h).
#include <algorithm>
#include <ctime>

#include "preload/clock.h"
#include "preload/jvm/jvm_watch.h"
#include "preload/recorder_loop.h"

namespace wrackline::preload {
namespace {

constexpr std::uint64_t kRescanNs = 10 * kSecond;
// A table of symbols is read whole for each job too, and a program that ran for long has its usual stacks named.
constexpr std::uint64_t kNamePatienceNs = 200 * kMillisecond;
constexpr std::uint64_t kLongestPatienceNs = 5 * kSecond;
constexpr std::uint64_t kPatienceParts = 20;  // of the program's age
// A line table is read whole for each job: the more addresses come along, the better.
constexpr std::uint64_t kLinePatienceNs = kSecond;
// Of StopRecording's 250 ms.
constexpr std::uint64_t kFinishLinesNs = 30 * kMillisecond;

}  // namespace

void RecorderLoop::TakeAssistance() {
  // Nothing is handed over: the job can be asked for again.
  assistant_->Taken(Assistant::kUnwinderObjects);
  if (assistant_->Taken(Assistant::kScanModules)) {
    const Assistant::Timing& timing = assistant_->timing(Assistant::kScanModules);
    modules_.Merge(*assistant_->scan());
    scanned_ns_ = timing.began_ns;
    scan_duty_.Spent(timing.ended_ns, timing.cpu_ns);
    scan_duty_.NotBefore(timing.ended_ns + kSecond);
  }
  if (assistant_->Taken(Assistant::kName)) {
    names_.TakeJob(*assistant_->naming());
    const Assistant::Timing& timing = assistant_->timing(Assistant::kName);
    name_duty_.Spent(timing.ended_ns, timing.cpu_ns);
  }
  if (jvm_thread_->Taken()) names_.TakeJavaJob(*jvm_thread_->naming());
  if (assistant_->Taken(Assistant::kLines)) {
    const Assistant::Timing& timing = assistant_->timing(Assistant::kLines);
    line_duty_.Spent(timing.ended_ns, timing.cpu_ns);
    if (assistant_->lines()->done) {
      lines_begun_ = false;
      names_.TakeLineJob(*assistant_->lines());
    }
  }
  if (assistant_->Taken(Assistant::kRollup)) {
    const Assistant::Timing& timing = assistant_->timing(Assistant::kRollup);
    // Empty where the kernel or the sandbox has no such file: then there is no figure, and no later
    // try costs much.
    rollup_fresh_ = assistant_->rollup().rss.has_value();
    rollup_pace_.Ended(timing.ended_ns, timing.cpu_ns);
  }
  if (assistant_->Taken(Assistant::kAllocator)) {
    const Assistant::Timing& timing = assistant_->timing(Assistant::kAllocator);
    statistics_fresh_ = true;
    allocator_duty_.Spent(timing.ended_ns, timing.cpu_ns);
    allocator_duty_.NotBefore(allocator_->not_before_ns());
  }
  if (assistant_->Taken(Assistant::kUntouched)) {
    const Assistant::Timing& timing = assistant_->timing(Assistant::kUntouched);
    untouched_pace_.Ended(timing.ended_ns, timing.cpu_ns);
  }
  names_.Place(modules_, scanned_ns_);
}

// How long a frame waits for others to be named with it. Near the limit the next step may be the last.
std::uint64_t RecorderLoop::NamePatience(std::uint64_t now_ns) const {
  if (fast_mode_.fast()) return kNamePatienceNs;
  const std::uint64_t age = now_ns - state_->epoch_monotonic_ns;
  return std::clamp(age / kPatienceParts, kNamePatienceNs, kLongestPatienceNs);
}

void RecorderLoop::RequestAssistance(std::uint64_t now_ns, bool finishing) {
  if (!finishing) RequestJavaNames();
  const std::uint64_t patience = finishing ? 0 : NamePatience(now_ns);
  const bool rescan = names_.WantsModules() || now_ns >= scanned_ns_ + kRescanNs;
  if (assistant_->Idle(Assistant::kScanModules) && rescan &&
      (finishing || scan_duty_.Allowed(now_ns))) {
    assistant_->Request(Assistant::kScanModules);
  }
  if (assistant_->Idle(Assistant::kName) && (finishing || name_duty_.Allowed(now_ns)) &&
      names_.MakeJob(modules_, now_ns, patience, assistant_->naming())) {
    assistant_->Request(Assistant::kName);
  }
  if (assistant_->Idle(Assistant::kLines) && assistant_->Idle(Assistant::kName) &&
      (finishing || line_duty_.Allowed(now_ns))) {
    if (!lines_begun_) {
      lines_begun_ =
          names_.MakeLineJob(modules_, now_ns, finishing ? 0 : std::max(kLinePatienceNs, patience),
                             assistant_->lines());
    }
    if (lines_begun_) assistant_->Request(Assistant::kLines);
  }
  if (!finishing && now_ns >= next_objects_ns_ && assistant_->Idle(Assistant::kUnwinderObjects)) {
    assistant_->Request(Assistant::kUnwinderObjects);
    next_objects_ns_ = now_ns + kSecond;
  }
  // The figures below are for a timeline; without a file there is none.
  if (finishing || !recorder_.is_open()) return;
  if (settings_.interval != 0 && assistant_->Idle(Assistant::kUntouched) &&
      untouched_pace_.Due(now_ns, moves_, fast_mode_.fast())) {
    untouched_pace_.Began(moves_);
    assistant_->Request(Assistant::kUntouched);
  }
  if (now_ns < next_slow_ns_) return;
  next_slow_ns_ = now_ns + (fast_mode_.fast() ? kFastStepNs : kTimelineNs) - kFastStepNs / 2;
  if (assistant_->Idle(Assistant::kRollup) && rollup_pace_.Due(now_ns, moves_, fast_mode_.fast())) {
    rollup_pace_.Began(moves_);
    assistant_->Request(Assistant::kRollup);
  }
  if (assistant_->Idle(Assistant::kAllocator) && allocator_duty_.Allowed(now_ns) &&
      allocator_->available()) {
    assistant_->Request(Assistant::kAllocator);
  }
}

void RecorderLoop::RequestJavaNames() {
  const JvmStage stage = StageOfJvm();
  if (stage != JvmStage::kServed && stage != JvmStage::kDying) return;
  if (jvm_thread_->Idle() && names_.MakeJavaJob(jvm_thread_->naming())) jvm_thread_->Request();
}

void RecorderLoop::FinishNames(std::uint64_t deadline_ns) {
  const std::uint64_t lines_deadline_ns = MonotonicNs() + kFinishLinesNs;
  for (;;) {
    TakeAssistance();
    const std::uint64_t now = MonotonicNs();
    const bool lines = names_.lines_waiting() && now < lines_deadline_ns;
    if ((!names_.waiting() && !lines) || now >= deadline_ns) return;
    RequestAssistance(now, true);
    // The assistant wakes nobody; a millisecond of a process's end is not worth a second futex.
    const timespec pause{0, static_cast<long>(kMillisecond)};
    nanosleep(&pause, nullptr);
  }
}

}  // namespace wrackline::preload
