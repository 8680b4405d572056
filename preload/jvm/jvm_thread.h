// The JVM thread: the one thread of ours that asks the VM, attached to it as a daemon named "wrackline-jvm". It may wait in
// the VM for as long as a collection takes, or for ever when the VM ends; nobody waits for it but for a bounded moment.
//
// A thread of the program's makes it when libjvm runs (jvm_watch.h). When the VM is built, the recorder thread hands it Java
// frames to name. What else it does has a period of its own: kDuties in jvm_thread.cc.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "preload/jvm/java_names.h"

namespace wrackline::preload {

class OwnThread;

class JvmThread {
 public:
  static constexpr std::size_t kStackBytes =
      1 << 20;  // the VM takes 100 KiB of it for its guard pages

  // Maps its memory. 0 or an errno value. `verbose`: says on stderr when it is attached.
  int Open(bool verbose);
  // The thread's body; returns when `self` is to leave. `look` is called now and then, at the latest after a Wake.
  void Run(OwnThread* self, void (*look)());
  // Makes Run look whether it is to leave, or the VM is gone. Any thread.
  void Wake();

  // --- recorder thread; as Assistant has it, for the one kind of job ---
  bool Idle() const { return state_.load(std::memory_order_acquire) == kIdle; }
  void Request();
  bool Taken();
  JavaNamingJob* naming() { return naming_; }
  // Until the job at hand is done, or `until_ns`.
  void WaitForNames(std::uint64_t until_ns);
  std::size_t resident_bytes() const;

 private:
  enum Work : std::uint32_t { kIdle, kRequested, kDone };

  // False: there is no VM to be had.
  bool Serve(OwnThread* self, void (*look)());

  std::atomic<std::uint32_t> state_{kIdle};  // futex
  JavaNamingJob* naming_ = nullptr;
  bool verbose_ = false;
};

}  // namespace wrackline::preload
