#include "preload/jvm/jvm_thread.h"

#include <cerrno>

#include "preload/clock.h"
#include "preload/futex.h"
#include "preload/jvm/attach.h"
#include "preload/jvm/context.h"
#include "preload/jvm/evidence.h"
#include "preload/jvm/jvm_watch.h"
#include "preload/jvm/thread_names.h"
#include "preload/own_thread.h"
#include "preload/pages.h"
#include "preload/sampling/allocation.h"
#include "preload/sampling/profile_state.h"
#include "preload/text.h"

namespace wrackline::preload {
namespace {

constexpr std::uint64_t kAttachAgainNs = 5 * kMillisecond;
// After that much the VM waits for somebody (a debugger, an agent's premain), or what is called libjvm.so is something else.
constexpr std::uint64_t kAttachSoonNs = 60 * kSecond, kAttachLaterNs = kSecond;

// What the thread does besides names, at one wake-up; first a period after the attachment: a VM that starts has no
// processor to spare, and one that ends before has little to tell.
constexpr std::uint64_t kPeriodNs = kSecond;

void RecordEvidence(const JvmContext& jvm, ProfileState* state) {
  static bool facts_taken = false;
  const JvmAttachment& attachment = Attachment();
  facts_taken =
      facts_taken ||
      RecordJvmFacts(jvm, {attachment.attached_by,
                           (attachment.attached_ns - state->epoch_monotonic_ns) / kMillisecond,
                           attachment.attach_cost_ns, attachment.trouble});
  RecordJvmSample(jvm);
}

void SayAttached() {
  const JvmAttachment& attachment = Attachment();
  Text<256> line;
  line.Append("attached to the VM (").Append(attachment.attached_by).Append(") in ");
  line.AppendNumber(attachment.attach_cost_ns / 1000).Append(" us");
  if (attachment.trouble[0] != '\0') line.Append("; ").Append(attachment.trouble);
  Say(line.c_str());
}

bool Ending() { return StageOfJvm() >= JvmStage::kGone; }

}  // namespace

int JvmThread::Open(bool verbose) {
  verbose_ = verbose;
  naming_ = MapArray<JavaNamingJob>(1);
  return naming_ != nullptr ? 0 : ENOMEM;
}

void JvmThread::Wake() {
  g_jvm.wakes.fetch_add(1, std::memory_order_release);
  FutexWake(&g_jvm.wakes);
}

void JvmThread::Request() {
  state_.store(kRequested, std::memory_order_release);
  Wake();
}

bool JvmThread::Taken() {
  std::uint32_t done = kDone;
  return state_.compare_exchange_strong(done, kIdle, std::memory_order_acq_rel);
}

void JvmThread::WaitForNames(std::uint64_t until_ns) {
  if (state_.load(std::memory_order_acquire) == kRequested) {
    FutexWait(&state_, kRequested, until_ns);
  }
}

void JvmThread::Run(OwnThread* self, void (*look)()) {
  IgnoreThisThread();
  while (StageOfJvm() < JvmStage::kServed) {
    const std::uint32_t wakes = g_jvm.wakes.load(std::memory_order_acquire);
    if (self->LeavesNow()) return;
    if (StageOfJvm() < JvmStage::kServed) FutexWait(&g_jvm.wakes, wakes, 0);
  }
  const bool served = Serve(self, look);
  // Nothing that leaves this loop asks the VM again.
  if (served) return;
  g_jvm.left.store(1, std::memory_order_release);
  FutexWake(&g_jvm.left);
  for (;;) {
    const std::uint32_t wakes = g_jvm.wakes.load(std::memory_order_acquire);
    if (self->LeavesNow()) return;
    FutexWait(&g_jvm.wakes, wakes, 0);
  }
}

bool JvmThread::Serve(OwnThread* self, void (*look)()) {
  JvmContext jvm{};
  const std::uint64_t begin = MonotonicNs();
  for (;;) {
    const std::uint64_t now = MonotonicNs();
    if (Ending()) return false;
    if (Attach(&jvm)) break;
    const std::uint32_t wakes = g_jvm.wakes.load(std::memory_order_acquire);
    if (self->LeavesNow()) return true;
    FutexWait(&g_jvm.wakes, wakes,
              now + (now - begin < kAttachSoonNs ? kAttachAgainNs : kAttachLaterNs));
  }
  if (verbose_) SayAttached();
  std::uint64_t due = MonotonicNs() + kPeriodNs;
  for (;;) {
    const std::uint32_t wakes = g_jvm.wakes.load(std::memory_order_acquire);
    const bool leaves = self->LeavesNow();
    if (leaves || Ending()) {
      Detach(jvm);
      return leaves;
    }
    if (state_.load(std::memory_order_acquire) == kRequested) {
      ResolveJavaNames(jvm, naming_);
      state_.store(kDone, std::memory_order_release);
      FutexWake(&state_);
    }
    look();
    if (MonotonicNs() >= due) {
      NameJavaThreads(jvm, State());
      RecordEvidence(jvm, State());
      due = MonotonicNs() + kPeriodNs;
    }
    FutexWait(&g_jvm.wakes, wakes, due);
  }
}

std::size_t JvmThread::resident_bytes() const {
  return ResidentBytes(naming_, sizeof(JavaNamingJob));
}

}  // namespace wrackline::preload
