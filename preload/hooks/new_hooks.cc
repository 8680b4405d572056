// Compiled without exceptions, but with unwind tables and without `noexcept`: a bad_alloc thrown by
// the function behind passes through these frames.
#include "preload/hooks/new_hooks.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include <new>

#include "preload/hooks/hook_section.h"
#include "preload/hooks/malloc_hooks.h"

namespace wrackline::preload {
namespace {

// This thread is searching: the dynamic linker's own calls must not search again.
constinit thread_local int t_searching = 0;

// A function of that name which is not ours (a handle's search may lead back here).
void* Look(void* handle, const char* symbol) {
  void* function = dlsym(handle, symbol);
  return function != nullptr && !IsHookCode(static_cast<const char*>(function) + 1) ? function
                                                                                    : nullptr;
}

// Only in libraries that are loaded already; the handle is kept, so that the function stays.
void* LookInLoaded(const char* library, const char* symbol) {
  void* handle = dlopen(library, RTLD_NOLOAD | RTLD_LAZY);
  if (handle == nullptr) return nullptr;
  void* function = Look(handle, symbol);
  if (function == nullptr) dlclose(handle);
  return function;
}

}  // namespace

[[gnu::noinline, gnu::cold]] void* SearchOperator(NextOperator* next, const void* caller) {
  if (t_searching != 0) return nullptr;
  // Not found is not for ever (a library may be opened later), but it must not cost a search each
  // time: the 1st, 2nd, 4th, 8th... call searches again.
  const std::uint32_t failed = next->failed_searches.fetch_add(1, std::memory_order_relaxed);
  if ((failed & (failed + 1)) != 0) return nullptr;
  const int saved_errno = errno;
  t_searching = 1;
  void* function = Look(RTLD_NEXT, next->symbol);
  if (function == nullptr) function = LookInLoaded("libstdc++.so.6", next->symbol);
  if (function == nullptr) {
    Dl_info info;
    if (dladdr(caller, &info) != 0 && info.dli_fname != nullptr && info.dli_fname[0] != '\0') {
      function = LookInLoaded(info.dli_fname, next->symbol);
    }
  }
  if (function == nullptr) function = LookInLoaded("libc++.so.1", next->symbol);
  t_searching = 0;
  errno = saved_errno;
  if (function == nullptr) return nullptr;
  Next();  // so that the next allocator's place is known
  next->sample_here.store(BelongsToNextAllocator(function), std::memory_order_relaxed);
  next->function.store(function, std::memory_order_release);
  return function;
}

void* NewThroughMalloc(std::size_t size, std::size_t alignment, bool may_fail, const void* caller) {
  if (size == 0) size = 1;
  void* pointer = alignment <= alignof(std::max_align_t)
                      ? AllocateThrough(Next().malloc, caller, size, size)
                      : AllocateThrough(Next().memalign, caller, size, alignment, size);
  if (pointer == nullptr && !may_fail) {
    static constexpr char kLine[] =
        "wrackline: operator new failed for want of memory, and no C++ runtime is loaded to throw "
        "std::bad_alloc\n";
    if (write(STDERR_FILENO, kLine, sizeof kLine - 1) < 0) {
      // Nobody to tell.
    }
    abort();
  }
  return pointer;
}

namespace {

template <typename... Tail>
inline void* NewHook(NextOperator* next, const void* caller, std::size_t size,
                     std::size_t alignment, bool may_fail, Tail... tail) {
  void* found = FindOperator(next, caller);
  if (found == nullptr) [[unlikely]] {
    return NewThroughMalloc(size, alignment, may_fail, caller);
  }
  auto real = reinterpret_cast<void* (*)(std::size_t, Tail...)>(found);
  if (next->sample_here.load(std::memory_order_relaxed)) {
    return AllocateOnceThrough(real, caller, size, size, tail...);
  }
  return real(size, tail...);
}

template <typename... Tail>
inline void DeleteHook(NextOperator* next, const void* caller, void* pointer, Tail... tail) {
  void* found = FindOperator(next, caller);
  if (found == nullptr) [[unlikely]] {
    return FreeThrough(Next().free, pointer);
  }
  // Also when free's hook will see it again: a sample is removed once.
  FreeThrough(reinterpret_cast<void (*)(void*, Tail...)>(found), pointer, tail...);
}

}  // namespace
}  // namespace wrackline::preload

using wrackline::preload::DeleteHook;
using wrackline::preload::NewHook;
using wrackline::preload::NextOperator;

namespace {
constexpr std::size_t kNoAlignment = 0;
std::size_t Bytes(std::align_val_t alignment) { return static_cast<std::size_t>(alignment); }
}  // namespace

#define WRACKLINE_HOOK __attribute__((visibility("default"))) WRACKLINE_HOOK_CODE
#define WRACKLINE_CALLER __builtin_return_address(0)
#define WRACKLINE_NEXT(symbol)                               \
  static constinit NextOperator next = {symbol, {}, {}, {}}; \
  const void* caller = WRACKLINE_CALLER

WRACKLINE_HOOK void* operator new(std::size_t size) {
  WRACKLINE_NEXT("_Znwm");
  return NewHook(&next, caller, size, kNoAlignment, false);
}
WRACKLINE_HOOK void* operator new[](std::size_t size) {
  WRACKLINE_NEXT("_Znam");
  return NewHook(&next, caller, size, kNoAlignment, false);
}
WRACKLINE_HOOK void* operator new(std::size_t size, const std::nothrow_t& tag) noexcept {
  WRACKLINE_NEXT("_ZnwmRKSt9nothrow_t");
  return NewHook(&next, caller, size, kNoAlignment, true, &tag);
}
WRACKLINE_HOOK void* operator new[](std::size_t size, const std::nothrow_t& tag) noexcept {
  WRACKLINE_NEXT("_ZnamRKSt9nothrow_t");
  return NewHook(&next, caller, size, kNoAlignment, true, &tag);
}
WRACKLINE_HOOK void* operator new(std::size_t size, std::align_val_t alignment) {
  WRACKLINE_NEXT("_ZnwmSt11align_val_t");
  return NewHook(&next, caller, size, Bytes(alignment), false, alignment);
}
WRACKLINE_HOOK void* operator new[](std::size_t size, std::align_val_t alignment) {
  WRACKLINE_NEXT("_ZnamSt11align_val_t");
  return NewHook(&next, caller, size, Bytes(alignment), false, alignment);
}
WRACKLINE_HOOK void* operator new(std::size_t size, std::align_val_t alignment,
                                  const std::nothrow_t& tag) noexcept {
  WRACKLINE_NEXT("_ZnwmSt11align_val_tRKSt9nothrow_t");
  return NewHook(&next, caller, size, Bytes(alignment), true, alignment, &tag);
}
WRACKLINE_HOOK void* operator new[](std::size_t size, std::align_val_t alignment,
                                    const std::nothrow_t& tag) noexcept {
  WRACKLINE_NEXT("_ZnamSt11align_val_tRKSt9nothrow_t");
  return NewHook(&next, caller, size, Bytes(alignment), true, alignment, &tag);
}

WRACKLINE_HOOK void operator delete(void* pointer) noexcept {
  WRACKLINE_NEXT("_ZdlPv");
  DeleteHook(&next, caller, pointer);
}
WRACKLINE_HOOK void operator delete[](void* pointer) noexcept {
  WRACKLINE_NEXT("_ZdaPv");
  DeleteHook(&next, caller, pointer);
}
WRACKLINE_HOOK void operator delete(void* pointer, const std::nothrow_t& tag) noexcept {
  WRACKLINE_NEXT("_ZdlPvRKSt9nothrow_t");
  DeleteHook(&next, caller, pointer, &tag);
}
WRACKLINE_HOOK void operator delete[](void* pointer, const std::nothrow_t& tag) noexcept {
  WRACKLINE_NEXT("_ZdaPvRKSt9nothrow_t");
  DeleteHook(&next, caller, pointer, &tag);
}
WRACKLINE_HOOK void operator delete(void* pointer, std::size_t size) noexcept {
  WRACKLINE_NEXT("_ZdlPvm");
  DeleteHook(&next, caller, pointer, size);
}
WRACKLINE_HOOK void operator delete[](void* pointer, std::size_t size) noexcept {
  WRACKLINE_NEXT("_ZdaPvm");
  DeleteHook(&next, caller, pointer, size);
}
WRACKLINE_HOOK void operator delete(void* pointer, std::align_val_t alignment) noexcept {
  WRACKLINE_NEXT("_ZdlPvSt11align_val_t");
  DeleteHook(&next, caller, pointer, alignment);
}
WRACKLINE_HOOK void operator delete[](void* pointer, std::align_val_t alignment) noexcept {
  WRACKLINE_NEXT("_ZdaPvSt11align_val_t");
  DeleteHook(&next, caller, pointer, alignment);
}
WRACKLINE_HOOK void operator delete(void* pointer, std::align_val_t alignment,
                                    const std::nothrow_t& tag) noexcept {
  WRACKLINE_NEXT("_ZdlPvSt11align_val_tRKSt9nothrow_t");
  DeleteHook(&next, caller, pointer, alignment, &tag);
}
WRACKLINE_HOOK void operator delete[](void* pointer, std::align_val_t alignment,
                                      const std::nothrow_t& tag) noexcept {
  WRACKLINE_NEXT("_ZdaPvSt11align_val_tRKSt9nothrow_t");
  DeleteHook(&next, caller, pointer, alignment, &tag);
}
WRACKLINE_HOOK void operator delete(void* pointer, std::size_t size,
                                    std::align_val_t alignment) noexcept {
  WRACKLINE_NEXT("_ZdlPvmSt11align_val_t");
  DeleteHook(&next, caller, pointer, size, alignment);
}
WRACKLINE_HOOK void operator delete[](void* pointer, std::size_t size,
                                      std::align_val_t alignment) noexcept {
  WRACKLINE_NEXT("_ZdaPvmSt11align_val_t");
  DeleteHook(&next, caller, pointer, size, alignment);
}
