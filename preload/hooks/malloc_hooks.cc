#include "preload/hooks/malloc_hooks.h"

#include "preload/hooks/hook_section.h"

namespace wrackline::preload {

void* ReallocateBootstrap(void* old, std::size_t size, const void* caller) {
  const std::size_t kept = BootstrapSize(old);
  void* pointer = AllocateThrough(Next().malloc, caller, size, size);
  if (pointer != nullptr) std::memcpy(pointer, old, kept < size ? kept : size);
  return pointer;
}

}  // namespace wrackline::preload

using wrackline::preload::Next;
namespace hooks = wrackline::preload;

// NOLINTBEGIN(misc-definitions-in-headers)
#define WRACKLINE_HOOK extern "C" __attribute__((visibility("default"))) WRACKLINE_HOOK_CODE
#define WRACKLINE_CALLER __builtin_return_address(0)

WRACKLINE_HOOK void* malloc(std::size_t size) {
  return hooks::AllocateThrough(Next().malloc, WRACKLINE_CALLER, size, size);
}

WRACKLINE_HOOK void* calloc(std::size_t count, std::size_t size) {
  return hooks::CallocThrough(Next().calloc, WRACKLINE_CALLER, count, size);
}

WRACKLINE_HOOK void* realloc(void* old, std::size_t size) {
  if (hooks::IsBootstrap(old)) return hooks::ReallocateBootstrap(old, size, WRACKLINE_CALLER);
  return hooks::ReallocateThrough(Next().realloc, WRACKLINE_CALLER, old, size, size);
}

WRACKLINE_HOOK void* reallocarray(void* old, std::size_t count, std::size_t size) {
  std::size_t bytes;
  if (__builtin_mul_overflow(count, size, &bytes)) {
    errno = ENOMEM;
    return nullptr;
  }
  if (hooks::IsBootstrap(old)) return hooks::ReallocateBootstrap(old, bytes, WRACKLINE_CALLER);
  return hooks::ReallocateThrough(Next().reallocarray, WRACKLINE_CALLER, old, bytes, count, size);
}

WRACKLINE_HOOK int posix_memalign(void** out, std::size_t alignment, std::size_t size) {
  return hooks::PosixMemalignThrough(Next().posix_memalign, WRACKLINE_CALLER, out, alignment, size);
}

WRACKLINE_HOOK void* aligned_alloc(std::size_t alignment, std::size_t size) {
  return hooks::AllocateOnceThrough(Next().aligned_alloc, WRACKLINE_CALLER, size, alignment, size);
}

WRACKLINE_HOOK void* memalign(std::size_t alignment, std::size_t size) {
  return hooks::AllocateOnceThrough(Next().memalign, WRACKLINE_CALLER, size, alignment, size);
}

WRACKLINE_HOOK void* valloc(std::size_t size) {
  return hooks::AllocateOnceThrough(Next().valloc, WRACKLINE_CALLER, size, size);
}

WRACKLINE_HOOK void* pvalloc(std::size_t size) {
  return hooks::AllocateOnceThrough(Next().pvalloc, WRACKLINE_CALLER, size, size);
}

WRACKLINE_HOOK void free(void* pointer) { hooks::FreeThrough(Next().free, pointer); }

// Gone from <stdlib.h> since glibc 2.26; old binaries still call it.
WRACKLINE_HOOK void cfree(void* pointer) { hooks::FreeThrough(Next().free, pointer); }

WRACKLINE_HOOK void free_sized(void* pointer, std::size_t size) {  // C23
  hooks::FreeThrough(Next().free_sized, pointer, size);
}

WRACKLINE_HOOK void free_aligned_sized(void* pointer, std::size_t alignment, std::size_t size) {
  hooks::FreeThrough(Next().free_aligned_sized, pointer, alignment, size);
}

WRACKLINE_HOOK std::size_t malloc_usable_size(void* pointer) {
  if (hooks::IsBootstrap(pointer)) return hooks::BootstrapSize(pointer);
  return Next().malloc_usable_size(pointer);
}
// NOLINTEND(misc-definitions-in-headers)
