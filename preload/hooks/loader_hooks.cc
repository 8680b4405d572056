// dlclose, forwarded: the unwinder must know that code goes (unwind/code_changes.h).
#include <dlfcn.h>

#include <atomic>

#include "preload/unwind/code_changes.h"

namespace wrackline::preload {
namespace {

using Close = int (*)(void* handle);
constinit std::atomic<Close> g_close{nullptr};

Close RealClose() {
  Close close = g_close.load(std::memory_order_acquire);
  if (close != nullptr) return close;
  close = reinterpret_cast<Close>(dlsym(RTLD_NEXT, "dlclose"));
  g_close.store(close, std::memory_order_release);
  return close;
}

}  // namespace
}  // namespace wrackline::preload

// Not among the code of the hooks, which stacks leave out: none of them is reached through it.
extern "C" __attribute__((visibility("default"))) int dlclose(void* handle) {
  const auto real = wrackline::preload::RealClose();
  // Whoever has a handle has it from a library that has dlclose.
  if (real == nullptr) return -1;
  wrackline::preload::BeginUnload();
  const int result = real(handle);
  wrackline::preload::EndUnload();
  return result;
}
