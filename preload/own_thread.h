// One of the shim's own threads: made with all signals blocked and a small stack, and able to go away for a moment, until the kernel
// knows it no more. Some calls of a program are right only in a process whose threads are all the program's (credential_hooks.h).
//
//   bool Body(OwnThread& self) { while (!self.asked_to_leave()) { ...work, sleep on a futex... } return true; }
//   static OwnThread thread;
//   thread.Start(body);
//   thread.Leave(wake, until_ns);   // from a thread of the program
//   thread.Return();                // made anew, with the credentials of the calling thread
//
// Zero-initialised it is a thread that never ran. Start, Leave and Return are called by one thread at a time.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace wrackline::preload {

class OwnThread {
 public:
  static constexpr std::size_t kStackBytes = 256 * 1024;

  // 0 or an errno value. `body` gets this object; when it returns, the thread ends.
  int Start(void (*body)(OwnThread* self), std::size_t stack_bytes = kStackBytes);

  // --- the body ---
  // True once: then the body returns.
  bool LeavesNow();

  // --- the others ---
  // Asks the thread to go and waits, calling `wake` now and then, until it has gone. False at
  // `until_ns` (CLOCK_MONOTONIC): it is still there. True when it was not there at all.
  bool Leave(void (*wake)(), std::uint64_t until_ns);
  // After Leave, whatever that returned. An errno value when a thread that left cannot be made again.
  int Return();

 private:
  enum State : std::uint32_t { kNone, kRunning, kAsked, kLeft };
  static void* Run(void* self);

  std::atomic<std::uint32_t> state_;
  std::atomic<std::int32_t> tid_;
  void (*body_)(OwnThread* self);
  std::size_t stack_bytes_;
};

}  // namespace wrackline::preload
