// Calls that are right only in a process whose threads are all the program's. The shim's two threads go away for their
// duration and are made anew by the calling thread, whose credentials and namespaces they take over.
//
// capset and prctl(PR_SET_KEEPCAPS, PR_SET_SECUREBITS) change one thread. A program that has one thread and then calls setresgid or
// setgroups is right; with ours beside it the C library sees one thread succeed and the other fail, and aborts the process: `setpriv
// --reuid`, capsh and daemons that keep a capability do this.
// unshare(CLONE_NEWUSER) and setns into a user or mount namespace are refused to a process with several threads.
#include "preload/credential_hooks.h"

#include <dlfcn.h>
#include <errno.h>
#include <sched.h>
#include <stdarg.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>

#include "preload/recorder_thread.h"

namespace wrackline::preload {
namespace {

using Prctl = int (*)(int, ...);
using Capset = int (*)(void*, const void*);
using Unshare = int (*)(int);
using Setns = int (*)(int, int);
// The next ones in the process, another preloaded library's or libc's.
constinit std::atomic<Prctl> g_prctl{nullptr};
constinit std::atomic<Capset> g_capset{nullptr};
constinit std::atomic<Unshare> g_unshare{nullptr};
constinit std::atomic<Setns> g_setns{nullptr};

template <typename Function>
void Find(const char* name, std::atomic<Function>* next) {
  next->store(reinterpret_cast<Function>(dlsym(RTLD_NEXT, name)), std::memory_order_relaxed);
}

template <typename Call>
auto WithoutOwnThreads(const Call& call) {
  const bool away = SendThreadsAway();
  const auto result = call();
  const int saved = errno;
  if (away) LetThreadsReturn();
  errno = saved;
  return result;
}

}  // namespace

void InstallCredentialHooks() {
  Find("prctl", &g_prctl);
  Find("capset", &g_capset);
  Find("unshare", &g_unshare);
  Find("setns", &g_setns);
}

}  // namespace wrackline::preload

extern "C" {

__attribute__((visibility("default"))) int prctl(int option, ...) noexcept {
  using namespace wrackline::preload;
  va_list list;
  va_start(list, option);
  unsigned long a[4];
  for (unsigned long& argument : a) argument = va_arg(list, unsigned long);
  va_end(list);
  const auto forward = [option, &a] {
    const auto next = g_prctl.load(std::memory_order_relaxed);
    return next != nullptr ? next(option, a[0], a[1], a[2], a[3])
                           : static_cast<int>(syscall(SYS_prctl, option, a[0], a[1], a[2], a[3]));
  };
  if (option != PR_SET_KEEPCAPS && option != PR_SET_SECUREBITS) return forward();
  return WithoutOwnThreads(forward);
}

// In no header of libc; libcap's <sys/capability.h> declares it with its own types.
__attribute__((visibility("default"))) int capset(void* header, const void* data) noexcept {
  using namespace wrackline::preload;
  return WithoutOwnThreads([header, data] {
    const auto next = g_capset.load(std::memory_order_relaxed);
    return next != nullptr ? next(header, data)
                           : static_cast<int>(syscall(SYS_capset, header, data));
  });
}

__attribute__((visibility("default"))) int unshare(int flags) noexcept {
  using namespace wrackline::preload;
  const auto forward = [flags] {
    const auto next = g_unshare.load(std::memory_order_relaxed);
    return next != nullptr ? next(flags) : static_cast<int>(syscall(SYS_unshare, flags));
  };
  if ((flags & (CLONE_NEWUSER | CLONE_VM | CLONE_SIGHAND | CLONE_THREAD)) == 0) return forward();
  return WithoutOwnThreads(forward);
}

__attribute__((visibility("default"))) int setns(int file, int type) noexcept {
  using namespace wrackline::preload;
  return WithoutOwnThreads([file, type] {
    const auto next = g_setns.load(std::memory_order_relaxed);
    return next != nullptr ? next(file, type) : static_cast<int>(syscall(SYS_setns, file, type));
  });
}

}  // extern "C"
