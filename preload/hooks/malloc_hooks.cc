#include "preload/hooks/malloc_hooks.h"

#include "preload/hooks/callers_frame.h"
#include "preload/hooks/hook_section.h"

namespace hooks = wrackline::preload;
using wrackline::preload::Next;
using wrackline::preload::Request;

// NOLINTBEGIN(misc-definitions-in-headers)
#define WRACKLINE_HOOK extern "C" __attribute__((visibility("default"))) WRACKLINE_HOOK_CODE
#define WRACKLINE_CALLER __builtin_return_address(0)

// The hot ones. Each ends in a jump to the real function; what is unlikely is a call out of line.

namespace {
// Out of line, so that the hooks need no frame.
[[gnu::noinline]] WRACKLINE_HOOK_CODE void* MallocCrossing(std::size_t size, const void* pc,
                                                           const void* stack, std::uint64_t rbp) {
  return hooks::AllocateCrossing<false>(Request{size, {pc, stack, rbp}}, Next().malloc, size);
}
[[gnu::noinline]] WRACKLINE_HOOK_CODE void* CallocCrossing(std::size_t count, std::size_t size,
                                                           const void* pc, const void* stack,
                                                           std::uint64_t rbp) {
  std::size_t bytes;
  if (__builtin_mul_overflow(count, size, &bytes)) return Next().calloc(count, size);
  return hooks::AllocateCrossing<false>(Request{bytes, {pc, stack, rbp}, 0, true}, Next().calloc,
                                        count, size);
}
[[gnu::noinline]] WRACKLINE_HOOK_CODE void* ReallocSlow(void* old, std::size_t size, const void* pc,
                                                        const void* stack, std::uint64_t rbp) {
  return hooks::ReallocateThrough(Next().realloc, {pc, stack, rbp}, old, size, size);
}
// A sample, or what may be one.
[[gnu::noinline]] WRACKLINE_HOOK_CODE void FreeSample(void* pointer) {
  hooks::FreeThrough(Next().free, pointer);
}
[[gnu::always_inline]] inline void FreeOutsideRegion(void* pointer) {
  if (hooks::MayBeLive(pointer)) [[unlikely]] {
    return FreeSample(pointer);
  }
  hooks::g_free.Now()(pointer);
}
[[gnu::noinline]] WRACKLINE_HOOK_CODE void FreeLow(void* pointer) {
  if (hooks::InRegion(pointer)) return FreeSample(pointer);
  FreeOutsideRegion(pointer);
}
}  // namespace

WRACKLINE_HOOK void* malloc(std::size_t size) {
  if (!hooks::CountDown(size)) [[unlikely]] {
    return MallocCrossing(size, WRACKLINE_CALLER, WRACKLINE_STACK, hooks::CallersRbp());
  }
  return hooks::g_malloc.Now()(size);
}

WRACKLINE_HOOK void* calloc(std::size_t count, std::size_t size) {
  std::size_t bytes;
  if (__builtin_mul_overflow(count, size, &bytes) || !hooks::CountDown(bytes)) [[unlikely]] {
    return CallocCrossing(count, size, WRACKLINE_CALLER, WRACKLINE_STACK, hooks::CallersRbp());
  }
  return hooks::g_calloc.Now()(count, size);
}

WRACKLINE_HOOK void* realloc(void* old, std::size_t size) {
  if (hooks::InRegion(old) || hooks::MayBeLive(old) || !hooks::CountDown(size)) [[unlikely]] {
    return ReallocSlow(old, size, WRACKLINE_CALLER, WRACKLINE_STACK, hooks::CallersRbp());
  }
  return hooks::g_realloc.Now()(old, size);
}

WRACKLINE_HOOK void free(void* pointer) {
  if (hooks::MayBeInRegion(pointer)) [[unlikely]] {
    return FreeLow(pointer);
  }
  FreeOutsideRegion(pointer);
}

WRACKLINE_HOOK std::size_t malloc_usable_size(void* pointer) {
  if (hooks::InRegion(pointer) && wrackline::preload::SampledRegion::IsSlot(pointer)) [[unlikely]] {
    return hooks::PlacedUsableSize(pointer);
  }
  if (hooks::IsBootstrap(pointer)) [[unlikely]] {
    return hooks::BootstrapSize(pointer);
  }
  return Next().malloc_usable_size(pointer);
}

// The rarer ones.

WRACKLINE_HOOK void* reallocarray(void* old, std::size_t count, std::size_t size) {
  std::size_t bytes;
  if (__builtin_mul_overflow(count, size, &bytes)) {
    errno = ENOMEM;
    return nullptr;
  }
  return hooks::ReallocateThrough(Next().reallocarray, WRACKLINE_CALLER, old, bytes, count, size);
}

WRACKLINE_HOOK int posix_memalign(void** out, std::size_t alignment, std::size_t size) {
  return hooks::PosixMemalignThrough(Next().posix_memalign, WRACKLINE_CALLER, out, alignment, size);
}

WRACKLINE_HOOK void* aligned_alloc(std::size_t alignment, std::size_t size) {
  return hooks::AllocateOnceThrough(Next().aligned_alloc,
                                    Request{size, WRACKLINE_CALLER, alignment}, alignment, size);
}

WRACKLINE_HOOK void* memalign(std::size_t alignment, std::size_t size) {
  return hooks::AllocateOnceThrough(Next().memalign, Request{size, WRACKLINE_CALLER, alignment},
                                    alignment, size);
}

WRACKLINE_HOOK void* valloc(std::size_t size) {
  return hooks::AllocateOnceThrough(Next().valloc, Request{size, WRACKLINE_CALLER, 4096}, size);
}

// Its caller owns whole pages, whatever was asked for: never placed.
WRACKLINE_HOOK void* pvalloc(std::size_t size) {
  return hooks::AllocateOnceThrough(
      Next().pvalloc,
      Request{size, WRACKLINE_CALLER, 2 * wrackline::preload::SampledRegion::kLargest}, size);
}

// Gone from <stdlib.h> since glibc 2.26; old binaries still call it.
WRACKLINE_HOOK void cfree(void* pointer) { hooks::FreeThrough(Next().free, pointer); }

WRACKLINE_HOOK void free_sized(void* pointer, std::size_t size) {  // C23
  hooks::FreeThrough(Next().free_sized, pointer, size);
}

WRACKLINE_HOOK void free_aligned_sized(void* pointer, std::size_t alignment, std::size_t size) {
  hooks::FreeThrough(Next().free_aligned_sized, pointer, alignment, size);
}
// NOLINTEND(misc-definitions-in-headers)
