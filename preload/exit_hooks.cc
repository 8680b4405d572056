#include "preload/exit_hooks.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>

#include "preload/recorder_thread.h"

namespace wrackline::preload {
namespace {

using ExitFunction = void (*)(int);
constinit std::atomic<ExitFunction> g_next_exit{nullptr};
constinit std::atomic<ExitFunction> g_next_quick_exit{nullptr};

void AtExit(int status, void*) { StopRecording(status, true); }

// The kernel's own, where there is no other one to forward to.
[[noreturn]] void ExitNow(int status) {
  for (;;) syscall(SYS_exit_group, status);
}

[[noreturn]] void Leave(int status) {
  StopRecording(status, true);
  // Usually libc's, unless another preloaded library comes between.
  if (ExitFunction next = g_next_exit.load(std::memory_order_relaxed)) next(status);
  ExitNow(status);
}

}  // namespace

void InstallExitHooks() {
  g_next_exit.store(reinterpret_cast<ExitFunction>(dlsym(RTLD_NEXT, "_exit")));
  g_next_quick_exit.store(reinterpret_cast<ExitFunction>(dlsym(RTLD_NEXT, "quick_exit")));
  // on_exit gives the status, which atexit and a destructor do not. Registered by a constructor,
  // before main and before libc registers the loader's own end, it runs as the last handler: frees
  // by other destructors are still seen.
  if (on_exit(AtExit, nullptr) != 0) {
    atexit([] { StopRecording(0, false); });
  }
}

}  // namespace wrackline::preload

// exit() ends in libc's own _exit, which is not ours: that way is covered by on_exit. These are
// what programs call.
extern "C" __attribute__((visibility("default"), noreturn)) void _exit(int status) {
  wrackline::preload::Leave(status);
}

extern "C" __attribute__((visibility("default"), noreturn)) void _Exit(int status) noexcept {
  wrackline::preload::Leave(status);
}

extern "C" __attribute__((visibility("default"), noreturn)) void quick_exit(int status) noexcept {
  wrackline::preload::StopRecording(status, true);
  using namespace wrackline::preload;
  if (ExitFunction next = g_next_quick_exit.load(std::memory_order_relaxed)) next(status);
  ExitNow(status);
}
