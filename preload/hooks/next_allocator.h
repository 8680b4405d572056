// The allocator behind the shim: whatever comes next in the search order (glibc, jemalloc,
// tcmalloc, ...), never one by name.
//
// Entries are found on first use, which may be before any constructor; many threads may find them
// at once, and all find the same. The dynamic linker itself may allocate while it looks: those few
// blocks come from a static pool that is never given back.
//
// An entry that the allocator lacks (free_sized in most, cfree in a newer glibc, pvalloc in
// jemalloc) is answered from its others: another library's entry of that name would hand out blocks
// of another heap.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "preload/hooks/target.h"
#include "preload/sampling/sampled_region.h"

namespace wrackline::preload {

struct NextAllocator {
  void* (*malloc)(std::size_t size);
  void* (*calloc)(std::size_t count, std::size_t size);
  void* (*realloc)(void* pointer, std::size_t size);
  void* (*reallocarray)(void* pointer, std::size_t count, std::size_t size);
  void (*free)(void* pointer);
  int (*posix_memalign)(void** out, std::size_t alignment, std::size_t size);
  void* (*aligned_alloc)(std::size_t alignment, std::size_t size);
  void* (*memalign)(std::size_t alignment, std::size_t size);
  void* (*valloc)(std::size_t size);
  void* (*pvalloc)(std::size_t size);
  std::size_t (*malloc_usable_size)(void* pointer);
  void (*free_sized)(void* pointer, std::size_t size);
  void (*free_aligned_sized)(void* pointer, std::size_t alignment, std::size_t size);
};

namespace internal {
extern std::atomic<const NextAllocator*> g_next;
const NextAllocator& ResolveNext();
}  // namespace internal

// The table; while this very thread is looking for it, one whose entries use the static pool.
inline const NextAllocator& Next() {
  const NextAllocator* next = internal::g_next.load(std::memory_order_acquire);
  if (next != nullptr) [[likely]] {
    return *next;
  }
  return internal::ResolveNext();
}

// The four that are called most, for the hooks to jump to.
extern __attribute__((visibility("hidden"))) Target<void*(std::size_t)> g_malloc;
extern __attribute__((visibility("hidden"))) Target<void*(std::size_t, std::size_t)> g_calloc;
extern __attribute__((visibility("hidden"))) Target<void*(void*, std::size_t)> g_realloc;
extern __attribute__((visibility("hidden"))) Target<void(void*)> g_free;

// True for blocks of the static pool: no allocator may see them. The pool is mapped in the region's
// window, so that free's one test finds them; where it cannot be mapped there, an array of the
// library serves, which the filter of live samples always says to look at.
constexpr std::size_t kBootstrapBytes = SampledRegion::kSpareBytes;
extern unsigned char g_bootstrap[kBootstrapBytes];
inline bool IsBootstrap(const void* pointer) {
  const auto address = reinterpret_cast<std::uintptr_t>(pointer);
  return SampledRegion::IsSpare(pointer) ||
         address - reinterpret_cast<std::uintptr_t>(g_bootstrap) < kBootstrapBytes;
}
std::size_t BootstrapSize(const void* pointer);

// Whether any malloc aligns a block of `size` bytes to `alignment`. What is smaller than the alignment it
// need not: jemalloc and tcmalloc give 8 bytes an alignment of 8.
constexpr bool MallocAligns(std::size_t alignment, std::size_t size) {
  return alignment <= 1 || (alignment <= alignof(std::max_align_t) && alignment <= size);
}

// Whether `code` lies in the object that the next malloc lies in.
bool BelongsToNextAllocator(const void* code);

}  // namespace wrackline::preload
