// Compiled without exceptions, but with unwind tables and without `noexcept`: a bad_alloc thrown by
// the function behind passes through these frames.
#include "preload/hooks/new_hooks.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include <new>
#include <type_traits>

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

[[gnu::noinline, gnu::cold]] void* SearchOperator(NextOperator* next, const void* caller,
                                                  bool* own) {
  if (t_searching != 0) return nullptr;
  // Not found is not for ever (a library may be opened later), but it must not cost a search each
  // time: after the first that fails the 2nd, 4th, 8th... call searches again. Threads that come at
  // once search side by side: what one of them is about to find is not missing.
  std::uint32_t failed = next->failed_searches.load(std::memory_order_relaxed);
  if (failed != 0) {
    failed = next->failed_searches.fetch_add(1, std::memory_order_relaxed);
    if ((failed & (failed + 1)) != 0) return nullptr;
  }
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
  if (function == nullptr) {
    if (failed == 0) next->failed_searches.fetch_add(1, std::memory_order_relaxed);
    return nullptr;
  }
  Next();  // so that the next allocator's place is known
  *own = BelongsToNextAllocator(function);
  return function;
}

void* NewThroughMalloc(std::size_t size, std::size_t alignment, bool may_fail, const void* caller) {
  if (size == 0) size = 1;
  void* pointer =
      MallocAligns(alignment, size)
          ? AllocateThrough(Next().malloc, {size, caller}, size)
          : AllocateOnceThrough(Next().memalign, {size, caller, alignment}, alignment, size);
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

using Nothrow = const std::nothrow_t*;  // as it is passed

constexpr std::size_t AlignmentOf() { return 0; }
constexpr std::size_t AlignmentOf(Nothrow) { return 0; }
template <typename... Tail>
constexpr std::size_t AlignmentOf(std::align_val_t alignment, Tail...) {
  return static_cast<std::size_t>(alignment);
}

// One form of operator new; Form::kSymbol is its name. The hook is a jump to `target.now`: the real
// function, which calls malloc; or, where the real one is the allocator's own, Counting.
template <typename Form, typename... Tail>
struct New {
  static constexpr bool kMayFail = (std::is_same_v<Tail, Nothrow> || ...);
  static constexpr bool kAligned = (std::is_same_v<Tail, std::align_val_t> || ...);
  static constinit inline NextOperator next = {Form::kSymbol, {}};

  [[gnu::noinline]] WRACKLINE_HOOK_CODE static void* Counting(std::size_t size, Tail... tail) {
    // Once: jemalloc's aligned forms call aligned_alloc.
    return AllocateOnceThrough(target.Real(),
                               Request{size, __builtin_return_address(0), AlignmentOf(tail...)},
                               size, tail...);
  }

  // The same for a function that was seen to call no hook.
  [[gnu::noinline, gnu::hot]] WRACKLINE_HOOK_CODE static void* CountingAlone(std::size_t size,
                                                                             Tail... tail) {
    if (!CountDown(size)) [[unlikely]] {
      return Crossing(size, __builtin_return_address(0), tail...);
    }
    return target.Real()(size, tail...);
  }

  // Out of line, so that CountingAlone needs no frame.
  [[gnu::noinline]] WRACKLINE_HOOK_CODE static void* Crossing(std::size_t size, const void* caller,
                                                              Tail... tail) {
    return AllocateCrossing<true>(Request{size, caller}, target.Real(), size, tail...);
  }

  [[gnu::noinline]] WRACKLINE_HOOK_CODE static void* Unresolved(std::size_t size, Tail... tail) {
    const void* caller = __builtin_return_address(0);
    auto* real = target.Real();  // the allocator's own, when a call before has found it
    if (real == nullptr) {
      bool own = false;
      void* found = SearchOperator(&next, caller, &own);
      if (found == nullptr) {
        return NewThroughMalloc(size, AlignmentOf(tail...), kMayFail, caller);
      }
      real = reinterpret_cast<void* (*)(std::size_t, Tail...)>(found);
      if (!own) {
        Resolve(&target, real);
        return real(size, tail...);
      }
      target.real.store(real, std::memory_order_release);
    }
    const ThreadState& thread = internal::t_thread;
    const std::uint64_t left = thread.bytes_until_sample;
    const std::uint64_t random = thread.random;
    // A sample, or nothing to count, tells nothing of the function: the next call will.
    if (size == 0 || left < size) {
      return AllocateOnceThrough(real, Request{size, caller, AlignmentOf(tail...)}, size, tail...);
    }
    void* pointer = real(size, tail...);
    // No hook has counted on the way: the plain forms of jemalloc and tcmalloc. (Their aligned ones
    // may call this or that, as the alignment has it.)
    const bool alone = thread.bytes_until_sample == left && thread.random == random;
    if (alone) CountDown(size);
    target.now.store(alone && !kAligned ? &CountingAlone : &Counting, std::memory_order_release);
    return pointer;
  }

  static constinit inline Target<void*(std::size_t, Tail...)> target =
      MakeTarget<void*(std::size_t, Tail...)>(&Unresolved);
};

// One form of operator delete. Where the real function is the allocator's own, no hook of free's
// looks at the block after this one.
template <typename Form, typename... Tail>
struct Delete {
  static constinit inline NextOperator next = {Form::kSymbol, {}};

  [[gnu::noinline, gnu::hot]] WRACKLINE_HOOK_CODE static void Looking(void* pointer, Tail... tail) {
    if (MayBeLive(pointer)) [[unlikely]] {
      return Sample(pointer, tail...);
    }
    target.Real()(pointer, tail...);
  }

  [[gnu::noinline]] WRACKLINE_HOOK_CODE static void Sample(void* pointer, Tail... tail) {
    FreeThrough(target.Real(), pointer, tail...);
  }

  [[gnu::noinline]] WRACKLINE_HOOK_CODE static void Unresolved(void* pointer, Tail... tail) {
    bool own = false;
    void* found = SearchOperator(&next, __builtin_return_address(0), &own);
    if (found == nullptr) return FreeThrough(Next().free, pointer);
    auto* real = reinterpret_cast<void (*)(void*, Tail...)>(found);
    target.real.store(real, std::memory_order_release);
    target.now.store(own ? &Looking : real, std::memory_order_release);
    FreeThrough(real, pointer, tail...);
  }

  [[gnu::noinline]] WRACKLINE_HOOK_CODE static void Placed(void* pointer, Tail... tail) {
    // As a rule it ends here; an address in the window that is not ours goes on.
    if (!ReleasePlaced(pointer)) target.Now()(pointer, tail...);
  }

  [[gnu::noinline]] WRACKLINE_HOOK_CODE static void Low(void* pointer, Tail... tail) {
    if (InRegion(pointer)) return Placed(pointer, tail...);
    target.Now()(pointer, tail...);
  }

  static constinit inline Target<void(void*, Tail...)> target =
      MakeTarget<void(void*, Tail...)>(&Unresolved);
};

template <typename Entry, typename... Tail>
inline void DeleteThrough(void* pointer, Tail... tail) {
  if (MayBeInRegion(pointer)) [[unlikely]] {
    return Entry::Low(pointer, tail...);
  }
  Entry::target.Now()(pointer, tail...);
}

}  // namespace
}  // namespace wrackline::preload

using wrackline::preload::Delete;
using wrackline::preload::DeleteThrough;
using wrackline::preload::New;
using wrackline::preload::Nothrow;

#define WRACKLINE_HOOK __attribute__((visibility("default"))) WRACKLINE_HOOK_CODE
#define WRACKLINE_FORM(name, symbol)               \
  namespace {                                      \
  struct name {                                    \
    static constexpr const char* kSymbol = symbol; \
  };                                               \
  }

WRACKLINE_FORM(NewPlain, "_Znwm")
WRACKLINE_FORM(NewArray, "_Znam")
WRACKLINE_FORM(NewNothrow, "_ZnwmRKSt9nothrow_t")
WRACKLINE_FORM(NewArrayNothrow, "_ZnamRKSt9nothrow_t")
WRACKLINE_FORM(NewAligned, "_ZnwmSt11align_val_t")
WRACKLINE_FORM(NewArrayAligned, "_ZnamSt11align_val_t")
WRACKLINE_FORM(NewAlignedNothrow, "_ZnwmSt11align_val_tRKSt9nothrow_t")
WRACKLINE_FORM(NewArrayAlignedNothrow, "_ZnamSt11align_val_tRKSt9nothrow_t")
WRACKLINE_FORM(DeletePlain, "_ZdlPv")
WRACKLINE_FORM(DeleteArray, "_ZdaPv")
WRACKLINE_FORM(DeleteNothrow, "_ZdlPvRKSt9nothrow_t")
WRACKLINE_FORM(DeleteArrayNothrow, "_ZdaPvRKSt9nothrow_t")
WRACKLINE_FORM(DeleteSized, "_ZdlPvm")
WRACKLINE_FORM(DeleteArraySized, "_ZdaPvm")
WRACKLINE_FORM(DeleteAligned, "_ZdlPvSt11align_val_t")
WRACKLINE_FORM(DeleteArrayAligned, "_ZdaPvSt11align_val_t")
WRACKLINE_FORM(DeleteAlignedNothrow, "_ZdlPvSt11align_val_tRKSt9nothrow_t")
WRACKLINE_FORM(DeleteArrayAlignedNothrow, "_ZdaPvSt11align_val_tRKSt9nothrow_t")
WRACKLINE_FORM(DeleteSizedAligned, "_ZdlPvmSt11align_val_t")
WRACKLINE_FORM(DeleteArraySizedAligned, "_ZdaPvmSt11align_val_t")

WRACKLINE_HOOK void* operator new(std::size_t size) { return New<NewPlain>::target.Now()(size); }
WRACKLINE_HOOK void* operator new[](std::size_t size) { return New<NewArray>::target.Now()(size); }
WRACKLINE_HOOK void* operator new(std::size_t size, const std::nothrow_t& tag) noexcept {
  return New<NewNothrow, Nothrow>::target.Now()(size, &tag);
}
WRACKLINE_HOOK void* operator new[](std::size_t size, const std::nothrow_t& tag) noexcept {
  return New<NewArrayNothrow, Nothrow>::target.Now()(size, &tag);
}
WRACKLINE_HOOK void* operator new(std::size_t size, std::align_val_t alignment) {
  return New<NewAligned, std::align_val_t>::target.Now()(size, alignment);
}
WRACKLINE_HOOK void* operator new[](std::size_t size, std::align_val_t alignment) {
  return New<NewArrayAligned, std::align_val_t>::target.Now()(size, alignment);
}
WRACKLINE_HOOK void* operator new(std::size_t size, std::align_val_t alignment,
                                  const std::nothrow_t& tag) noexcept {
  return New<NewAlignedNothrow, std::align_val_t, Nothrow>::target.Now()(size, alignment, &tag);
}
WRACKLINE_HOOK void* operator new[](std::size_t size, std::align_val_t alignment,
                                    const std::nothrow_t& tag) noexcept {
  return New<NewArrayAlignedNothrow, std::align_val_t, Nothrow>::target.Now()(size, alignment,
                                                                              &tag);
}

WRACKLINE_HOOK void operator delete(void* pointer) noexcept {
  DeleteThrough<Delete<DeletePlain>>(pointer);
}
WRACKLINE_HOOK void operator delete[](void* pointer) noexcept {
  DeleteThrough<Delete<DeleteArray>>(pointer);
}
WRACKLINE_HOOK void operator delete(void* pointer, const std::nothrow_t& tag) noexcept {
  DeleteThrough<Delete<DeleteNothrow, Nothrow>>(pointer, &tag);
}
WRACKLINE_HOOK void operator delete[](void* pointer, const std::nothrow_t& tag) noexcept {
  DeleteThrough<Delete<DeleteArrayNothrow, Nothrow>>(pointer, &tag);
}
WRACKLINE_HOOK void operator delete(void* pointer, std::size_t size) noexcept {
  DeleteThrough<Delete<DeleteSized, std::size_t>>(pointer, size);
}
WRACKLINE_HOOK void operator delete[](void* pointer, std::size_t size) noexcept {
  DeleteThrough<Delete<DeleteArraySized, std::size_t>>(pointer, size);
}
WRACKLINE_HOOK void operator delete(void* pointer, std::align_val_t alignment) noexcept {
  DeleteThrough<Delete<DeleteAligned, std::align_val_t>>(pointer, alignment);
}
WRACKLINE_HOOK void operator delete[](void* pointer, std::align_val_t alignment) noexcept {
  DeleteThrough<Delete<DeleteArrayAligned, std::align_val_t>>(pointer, alignment);
}
WRACKLINE_HOOK void operator delete(void* pointer, std::align_val_t alignment,
                                    const std::nothrow_t& tag) noexcept {
  DeleteThrough<Delete<DeleteAlignedNothrow, std::align_val_t, Nothrow>>(pointer, alignment, &tag);
}
WRACKLINE_HOOK void operator delete[](void* pointer, std::align_val_t alignment,
                                      const std::nothrow_t& tag) noexcept {
  DeleteThrough<Delete<DeleteArrayAlignedNothrow, std::align_val_t, Nothrow>>(pointer, alignment,
                                                                              &tag);
}
WRACKLINE_HOOK void operator delete(void* pointer, std::size_t size,
                                    std::align_val_t alignment) noexcept {
  DeleteThrough<Delete<DeleteSizedAligned, std::size_t, std::align_val_t>>(pointer, size,
                                                                           alignment);
}
WRACKLINE_HOOK void operator delete[](void* pointer, std::size_t size,
                                      std::align_val_t alignment) noexcept {
  DeleteThrough<Delete<DeleteArraySizedAligned, std::size_t, std::align_val_t>>(pointer, size,
                                                                                alignment);
}
