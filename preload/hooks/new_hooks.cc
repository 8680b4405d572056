// Compiled without exceptions, but with unwind tables and without `noexcept`: a bad_alloc thrown by
// the function behind passes through these frames.
#include "preload/hooks/new_hooks.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <new>
#include <type_traits>

#include "preload/hooks/callers_frame.h"
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

constexpr char kStandardLibrary[] = "libstdc++.so.6";

// Where libstdc++ lies, when `function` is of it; else null. Allocates nothing, unlike dlopen.
const void* StandardLibraryOf(const void* function) {
  Dl_info info;
  if (dladdr(function, &info) == 0 || info.dli_fname == nullptr) return nullptr;
  const char* slash = strrchr(info.dli_fname, '/');
  const char* name = slash != nullptr ? slash + 1 : info.dli_fname;
  return strncmp(name, kStandardLibrary, sizeof kStandardLibrary - 1) == 0 ? info.dli_fbase
                                                                           : nullptr;
}

// What comes next in the search order, or else of a libstdc++ that was opened privately.
void* NextOf(const char* symbol) {
  void* function = Look(RTLD_NEXT, symbol);
  return function != nullptr ? function : LookInLoaded(kStandardLibrary, symbol);
}

// That library's function of this name, which may have been opened privately.
void* InLibrary(const void* library, const char* symbol) {
  void* function = Look(RTLD_NEXT, symbol);
  if (function != nullptr && StandardLibraryOf(function) == library) return function;
  function = LookInLoaded(kStandardLibrary, symbol);
  return function != nullptr && StandardLibraryOf(function) == library ? function : nullptr;
}

// Whether what that libstdc++ calls malloc is our hook. The search order alone does not say so: opened with RTLD_DEEPBIND, it is
// bound to what was opened with it. So it is asked for a byte, which the hook counts.
bool ReachesOurMalloc(const void* library) {
  static constinit std::atomic<const void*> g_reaches{nullptr}, g_does_not{nullptr};
  if (g_reaches.load(std::memory_order_relaxed) == library) return true;
  if (g_does_not.load(std::memory_order_relaxed) == library) return false;
  auto* allocate = reinterpret_cast<void* (*)(std::size_t)>(InLibrary(library, "_Znwm"));
  auto* release = reinterpret_cast<void (*)(void*)>(InLibrary(library, "_ZdlPv"));
  if (allocate == nullptr || release == nullptr) return false;
  const std::uint64_t left = SetCountdownAside(1);
  const std::uint64_t before = internal::t_thread.bytes_until_sample;
  void* block = allocate(1);
  const bool counted = internal::t_thread.bytes_until_sample != before;
  release(block);
  TakeUpCountdown(left);
  (counted ? g_reaches : g_does_not).store(library, std::memory_order_relaxed);
  return counted;
}

bool LeadsHere(const char* symbol) {
  const void* function = dlsym(RTLD_DEFAULT, symbol);
  return function != nullptr && IsHookCode(static_cast<const char*>(function) + 1);
}

// Whether `function` is libstdc++'s, and all that it calls would come back to hooks of ours, behind
// which the same libstdc++ lies again, and in the end the heap's. What is behind them is decided
// with it: a library that comes later changes nothing.
bool IsStandard(const NextOperator& next, void* function) {
  if (next.heap == nullptr || !LeadsHere(next.heap)) return false;
  const void* library = StandardLibraryOf(function);
  if (library == nullptr) return false;
  for (NextOperator* through = next.through; through != nullptr; through = through->through) {
    if (!LeadsHere(through->symbol)) return false;
    void* behind = through->found.load(std::memory_order_acquire);
    if (behind == nullptr) {
      behind = NextOf(through->symbol);
      void* before = nullptr;
      // Another thread may have just found another one.
      if (behind != nullptr && !through->found.compare_exchange_strong(before, behind)) {
        behind = before;
      }
    }
    if (behind == nullptr || StandardLibraryOf(behind) != library) return false;
  }
  return ReachesOurMalloc(library);
}

void* Search(const NextOperator& next, const void* caller) {
  void* function = NextOf(next.symbol);
  if (function == nullptr) {
    Dl_info info;
    if (dladdr(caller, &info) != 0 && info.dli_fname != nullptr && info.dli_fname[0] != '\0') {
      function = LookInLoaded(info.dli_fname, next.symbol);
    }
  }
  if (function == nullptr) function = LookInLoaded("libc++.so.1", next.symbol);
  return function;
}

// Whether the object that `function` lies in has a free of its own: an allocator's, though malloc is another's.
bool HasFree(const void* function) {
  Dl_info info, of_free;
  if (dladdr(function, &info) == 0 || info.dli_fname == nullptr) return false;
  void* handle = dlopen(info.dli_fname, RTLD_NOLOAD | RTLD_LAZY);
  if (handle == nullptr) return false;
  const void* own = dlsym(handle, "free");
  const bool has =
      own != nullptr && dladdr(own, &of_free) != 0 && of_free.dli_fbase == info.dli_fbase;
  dlclose(handle);
  return has;
}

Answers WhoAnswers(const NextOperator& next, void* function) {
  if (BelongsToNextAllocator(function)) return Answers::kAllocator;
  if (IsStandard(next, function)) return Answers::kStandard;
  // No allocator may be shown a block of ours.
  return next.releases && HasFree(function) ? Answers::kAllocator : Answers::kOther;
}

}  // namespace

[[gnu::noinline, gnu::cold]] void* SearchOperator(NextOperator* next, const void* caller) {
  if (t_searching != 0) return nullptr;
  // Not found is not for ever (a library may be opened later), but it must not cost a search each
  // time: after the first that fails the 2nd, 4th, 8th... call searches again. Threads that come at
  // once search side by side: what one of them is about to find is not missing.
  std::uint32_t failed = next->failed_searches.load(std::memory_order_relaxed);
  if (failed != 0) {
    failed = next->failed_searches.fetch_add(1, std::memory_order_relaxed);
    if ((failed & (failed + 1)) != 0) return nullptr;
  }
  Next();
  // Where this thread is just looking for malloc (a signal handler): the place of the next allocator is not known.
  if (internal::g_next.load(std::memory_order_acquire) == nullptr) return nullptr;
  const int saved_errno = errno;
  t_searching = 1;
  void* function = next->found.load(std::memory_order_acquire);
  if (function == nullptr) {
    function = Search(*next, caller);
    void* before = nullptr;
    // Another thread may have found another one, in a library that was opened meanwhile.
    if (function != nullptr && !next->found.compare_exchange_strong(before, function)) {
      function = before;
    }
  }
  if (function != nullptr) {
    next->answers.store(WhoAnswers(*next, function), std::memory_order_release);
  }
  t_searching = 0;
  errno = saved_errno;
  if (function == nullptr && failed == 0) {
    next->failed_searches.fetch_add(1, std::memory_order_relaxed);
  }
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

// One form of operator new; Form says its name and what libstdc++'s calls. The hook is a jump to `target.now`: a function that is not
// known, which calls malloc if it likes; where it is the allocator's own, Counting; where it is the standard one, Direct.
template <typename Form, typename... Tail>
struct New {
  static constexpr bool kMayFail = (std::is_same_v<Tail, Nothrow> || ...);
  static constexpr bool kAligned = (std::is_same_v<Tail, std::align_val_t> || ...);
  static constinit inline NextOperator next = {
      Form::kSymbol, Form::Through(), Form::kHeap, false, {}, Answers::kOther, {}};

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

  // In place of the standard function: malloc is asked as it would ask it, and counts here.
  [[gnu::noinline, gnu::hot]] WRACKLINE_HOOK_CODE static void* Direct(std::size_t size,
                                                                      Tail... tail) {
    if (!CountDown(size)) [[unlikely]] {
      return DirectCrossing(size, __builtin_return_address(0),
                            kRbpIsLeft ? WRACKLINE_STACK : nullptr, CallersRbp(), tail...);
    }
    void* pointer = g_malloc.Now()(size);
    if (pointer != nullptr) [[likely]] {
      return pointer;
    }
    return target.Real()(size, tail...);
  }

  [[gnu::noinline]] WRACKLINE_HOOK_CODE static void* DirectCrossing(
      std::size_t size, const void* pc, const void* stack, std::uint64_t rbp, Tail... tail) {
    void* pointer = AllocateCrossing<false>(Request{size, {pc, stack, rbp}}, Next().malloc, size);
    return pointer != nullptr ? pointer : target.Real()(size, tail...);
  }

  [[gnu::noinline]] WRACKLINE_HOOK_CODE static void* Unresolved(std::size_t size, Tail... tail) {
    const void* caller = __builtin_return_address(0);
    if (SearchOperator(&next, caller) == nullptr) {
      return NewThroughMalloc(size, AlignmentOf(tail...), kMayFail, caller);
    }
    auto* real = reinterpret_cast<void* (*)(std::size_t, Tail...)>(
        next.found.load(std::memory_order_acquire));
    target.real.store(real, std::memory_order_release);
    switch (next.answers.load(std::memory_order_acquire)) {
      case Answers::kAllocator:
        break;
      case Answers::kStandard:
        if constexpr (Form::kHeap != nullptr) {
          target.now.store(&Direct, std::memory_order_release);
        }
        return real(size, tail...);
      case Answers::kOther:
        target.now.store(real, std::memory_order_release);
        return real(size, tail...);
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

// One form of operator delete. The hook looks for a sample and jumps to `target.now`: a function that is not known; where it is the
// allocator's own, that; where it is the standard one, the heap's free.
template <typename Form, typename... Tail>
struct Delete {
  static constinit inline NextOperator next = {
      Form::kSymbol, Form::Through(), Form::kHeap, true, {}, Answers::kOther, {}};

  static auto* Found() {
    return reinterpret_cast<void (*)(void*, Tail...)>(next.found.load(std::memory_order_acquire));
  }

  // A sample, or what may be one.
  [[gnu::noinline]] WRACKLINE_HOOK_CODE static void Sample(void* pointer, Tail... tail) {
    // Before the answer, which is known before this leads past a hook.
    auto* now = target.now.load(std::memory_order_acquire);
    switch (next.answers.load(std::memory_order_acquire)) {
      case Answers::kAllocator:
        return FreeThrough(Found(), pointer, tail...);
      case Answers::kStandard:
        return FreeThrough(Next().free, pointer);
      case Answers::kOther:
        // Whether it frees the block is its business, and what else it does. If it does, it comes to a hook.
        now(pointer, tail...);
    }
  }

  [[gnu::noinline]] WRACKLINE_HOOK_CODE static void Unresolved(void* pointer, Tail... tail) {
    if (SearchOperator(&next, __builtin_return_address(0)) == nullptr) {
      return FreeThrough(Next().free, pointer);
    }
    auto* real = Found();
    switch (next.answers.load(std::memory_order_acquire)) {
      case Answers::kStandard:
        if constexpr (sizeof...(Tail) == 0) {
          target.now.store(Next().free, std::memory_order_release);
        } else if constexpr (Form::kHeap != nullptr) {
          target.now.store(&Free, std::memory_order_release);
        }
        return FreeThrough(Next().free, pointer);
      case Answers::kAllocator:
        target.now.store(real, std::memory_order_release);
        return FreeThrough(real, pointer, tail...);
      case Answers::kOther:
        target.now.store(real, std::memory_order_release);
        real(pointer, tail...);
    }
  }

  [[gnu::hot]] WRACKLINE_HOOK_CODE static void Free(void* pointer, Tail...) {
    g_free.Now()(pointer);
  }

  // Of what is not in the region.
  [[gnu::always_inline]] inline static void Rest(void* pointer, Tail... tail) {
    if (MayBeLive(pointer)) [[unlikely]] {
      return Sample(pointer, tail...);
    }
    target.Now()(pointer, tail...);
  }

  [[gnu::noinline]] WRACKLINE_HOOK_CODE static void Low(void* pointer, Tail... tail) {
    if (InRegion(pointer)) return Sample(pointer, tail...);
    Rest(pointer, tail...);
  }

  static constinit inline Target<void(void*, Tail...)> target =
      MakeTarget<void(void*, Tail...)>(&Unresolved);
};

template <typename Entry, typename... Tail>
inline void DeleteThrough(void* pointer, Tail... tail) {
  if (MayBeInRegion(pointer)) [[unlikely]] {
    return Entry::Low(pointer, tail...);
  }
  Entry::Rest(pointer, tail...);
}

}  // namespace
}  // namespace wrackline::preload

using wrackline::preload::Delete;
using wrackline::preload::DeleteThrough;
using wrackline::preload::New;
using wrackline::preload::Nothrow;

#define WRACKLINE_HOOK __attribute__((visibility("default"))) WRACKLINE_HOOK_CODE
#define WRACKLINE_STANDARD_FORM(name, symbol, through, heap)                         \
  namespace {                                                                        \
  struct name {                                                                      \
    static constexpr const char* kSymbol = symbol;                                   \
    static constexpr const char* kHeap = heap;                                       \
    static constexpr wrackline::preload::NextOperator* Through() { return through; } \
  };                                                                                 \
  }
#define WRACKLINE_FORM(name, symbol) WRACKLINE_STANDARD_FORM(name, symbol, nullptr, nullptr)

WRACKLINE_STANDARD_FORM(NewPlain, "_Znwm", nullptr, "malloc")
WRACKLINE_STANDARD_FORM(NewArray, "_Znam", (&New<NewPlain>::next), "malloc")
WRACKLINE_FORM(NewNothrow, "_ZnwmRKSt9nothrow_t")
WRACKLINE_FORM(NewArrayNothrow, "_ZnamRKSt9nothrow_t")
WRACKLINE_FORM(NewAligned, "_ZnwmSt11align_val_t")
WRACKLINE_FORM(NewArrayAligned, "_ZnamSt11align_val_t")
WRACKLINE_FORM(NewAlignedNothrow, "_ZnwmSt11align_val_tRKSt9nothrow_t")
WRACKLINE_FORM(NewArrayAlignedNothrow, "_ZnamSt11align_val_tRKSt9nothrow_t")
WRACKLINE_STANDARD_FORM(DeletePlain, "_ZdlPv", nullptr, "free")
WRACKLINE_STANDARD_FORM(DeleteArray, "_ZdaPv", (&Delete<DeletePlain>::next), "free")
WRACKLINE_FORM(DeleteNothrow, "_ZdlPvRKSt9nothrow_t")
WRACKLINE_FORM(DeleteArrayNothrow, "_ZdaPvRKSt9nothrow_t")
WRACKLINE_STANDARD_FORM(DeleteSized, "_ZdlPvm", (&Delete<DeletePlain>::next), "free")
WRACKLINE_STANDARD_FORM(DeleteArraySized, "_ZdaPvm", (&Delete<DeleteArray>::next), "free")
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
