#include "preload/hooks/thread_hooks.h"

#include <dlfcn.h>

#include <atomic>
#include <cerrno>

#include "preload/hooks/hook_section.h"
#include "preload/hooks/own_code.h"

namespace wrackline::preload {
namespace {

using Create = int (*)(pthread_t*, const pthread_attr_t*, ThreadRoutine, void*);
constinit std::atomic<Create> g_create{nullptr};

Create RealCreate() {
  Create create = g_create.load(std::memory_order_acquire);
  if (create == nullptr) {
    ResolveThreadHooks();
    create = g_create.load(std::memory_order_acquire);
  }
  return create;
}

}  // namespace

void ResolveThreadHooks() {
  g_create.store(reinterpret_cast<Create>(dlsym(RTLD_NEXT, "pthread_create")),
                 std::memory_order_release);
}

}  // namespace wrackline::preload

extern "C" __attribute__((visibility("default"))) WRACKLINE_HOOK_CODE int pthread_create(
    pthread_t* thread, const pthread_attr_t* attributes, void* (*routine)(void*),
    void* argument) noexcept {
  using namespace wrackline::preload;
  const Create real = RealCreate();
  // glibc before 2.34 in a program without libpthread: but this library brings it.
  if (real == nullptr) return EAGAIN;
  const void* const caller = __builtin_return_address(0);
  if (IsOwnCode(caller)) return real(thread, attributes, routine, argument);
  return CreateThrough(real, caller, thread, attributes, routine, argument);
}
