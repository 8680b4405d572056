// mimalloc's functions that give out a block, free, measure or ask about one; mimalloc_family.h.
#include "preload/hooks/mimalloc_family.h"
#include "preload/hooks/new_hooks.h"

namespace wrackline::preload {
namespace {

constexpr const char* kLibraries[] = {"libmimalloc.so.2", "libmimalloc.so.3",
                                      "libmimalloc-secure.so.2", "libmimalloc.so", nullptr};

using Sized = void*(std::size_t);
using Counted = void*(std::size_t, std::size_t);
using Aligned = void*(std::size_t, std::size_t);  // in either order
using AlignedAt = void*(std::size_t, std::size_t, std::size_t);

constinit FamilyFunction<MiHeap*()> g_get_default = {&g_mimalloc, "mi_heap_get_default"};
constinit FamilyFunction<MiHeap*()> g_get_backing = {&g_mimalloc, "mi_heap_get_backing"};
constinit FamilyFunction<Sized> g_mi_malloc = {&g_mimalloc, "mi_malloc"};
constinit FamilyFunction<Sized> g_mi_zalloc = {&g_mimalloc, "mi_zalloc"};
constinit FamilyFunction<AlignedAt> g_mi_malloc_at = {&g_mimalloc, "mi_malloc_aligned_at"};
constinit FamilyFunction<AlignedAt> g_mi_zalloc_at = {&g_mimalloc, "mi_zalloc_aligned_at"};
constinit FamilyFunction<void*(MiHeap*, std::size_t)> g_heap_malloc = {&g_mimalloc,
                                                                       "mi_heap_malloc"};
constinit FamilyFunction<void*(MiHeap*, std::size_t)> g_heap_zalloc = {&g_mimalloc,
                                                                       "mi_heap_zalloc"};
using HeapAlignedAt = void*(MiHeap*, std::size_t, std::size_t, std::size_t);
constinit FamilyFunction<HeapAlignedAt> g_heap_malloc_at = {&g_mimalloc,
                                                            "mi_heap_malloc_aligned_at"};
constinit FamilyFunction<HeapAlignedAt> g_heap_zalloc_at = {&g_mimalloc,
                                                            "mi_heap_zalloc_aligned_at"};

// Like AllocateIn; for mi_new and its kind, which never return null.
template <typename Function, typename... Arguments>
inline void* NewIn(FamilyFunction<Function>& function, const FamilyRequest& request,
                   Arguments... arguments) {
  Function* real = function.Find(request.caller);
  if (real == nullptr) {
    return NewThroughMalloc(request.size, request.alignment, false, request.caller);
  }
  return AllocateWith(request, [&] { return real(arguments...); });
}

inline char* CopyOf(const char* text, std::size_t length, const void* caller) {
  auto* copy =
      static_cast<char*>(AllocateIn(g_mi_malloc, DescribeMi(length + 1, caller), length + 1));
  if (copy == nullptr) return nullptr;
  std::memcpy(copy, text, length);
  copy[length] = '\0';
  return copy;
}

}  // namespace

constinit Family g_mimalloc = {"mi_malloc", kLibraries};
constinit FamilyFunction<void(void*)> g_mi_free = {&g_mimalloc, "mi_free"};
constinit FamilyFunction<std::size_t(const void*)> g_mi_usable_size = {&g_mimalloc,
                                                                       "mi_usable_size"};

bool InFirstClassHeap(const void* caller) {
  const auto get_default = g_get_default.Find(caller);
  const auto get_backing = g_get_backing.Find(caller);
  return get_default != nullptr && get_backing != nullptr && get_default() != get_backing();
}

FamilyRequest DescribeMi(std::size_t size, const void* caller, bool zeroed, std::size_t alignment,
                         std::size_t offset) {
  FamilyRequest request = {size, caller, alignment, offset, zeroed};
  if (PointWithin(size) && InFirstClassHeap(caller)) request.counted = false;
  return request;
}

FamilyRequest DescribeMiAligned(std::size_t size, const void* caller, bool zeroed,
                                std::size_t alignment, std::size_t offset) {
  FamilyRequest request = DescribeMi(size, caller, zeroed, alignment, offset);
  if (alignment == 0) request.placeable = false;
  return request;
}

void* FreshMi(MiHeap* heap, const FamilyRequest& request, std::size_t size) {
  const void* caller = request.caller;
  if (request.alignment != 0) {
    if (heap != nullptr) {
      const auto real = (request.zeroed ? g_heap_zalloc_at : g_heap_malloc_at).Find(caller);
      if (real != nullptr) return real(heap, size, request.alignment, request.offset);
    }
    const auto real = (request.zeroed ? g_mi_zalloc_at : g_mi_malloc_at).Find(caller);
    if (real != nullptr) return real(size, request.alignment, request.offset);
  } else {
    if (heap != nullptr) {
      const auto real = (request.zeroed ? g_heap_zalloc : g_heap_malloc).Find(caller);
      if (real != nullptr) return real(heap, size);
    }
    const auto real = (request.zeroed ? g_mi_zalloc : g_mi_malloc).Find(caller);
    if (real != nullptr) return real(size);
  }
  FamilyRequest fresh = request;
  fresh.size = size;
  return AllocateFromNext(fresh);
}

void ReleaseMi(void* block, const void* caller) {
  const auto real = g_mi_free.Find(caller);
  real != nullptr ? real(block) : Next().free(block);
}

std::size_t UsableMi(const void* block, const void* caller) {
  return UsableSizeIn(g_mi_usable_size, caller, block);
}

}  // namespace wrackline::preload

using namespace wrackline::preload;  // NOLINT(google-build-using-namespace)

// NOLINTBEGIN(misc-definitions-in-headers)
WRACKLINE_HOOK void* mi_malloc(std::size_t size) {
  return AllocateIn(g_mi_malloc, DescribeMi(size, WRACKLINE_CALLER), size);
}
WRACKLINE_HOOK void* mi_malloc_small(std::size_t size) {
  WRACKLINE_BEHIND(Sized, "mi_malloc_small");
  return AllocateIn(behind, DescribeMi(size, WRACKLINE_CALLER), size);
}
WRACKLINE_HOOK void* mi_zalloc(std::size_t size) {
  return AllocateIn(g_mi_zalloc, DescribeMi(size, WRACKLINE_CALLER, true), size);
}
WRACKLINE_HOOK void* mi_zalloc_small(std::size_t size) {
  WRACKLINE_BEHIND(Sized, "mi_zalloc_small");
  return AllocateIn(behind, DescribeMi(size, WRACKLINE_CALLER, true), size);
}
WRACKLINE_HOOK void* mi_calloc(std::size_t count, std::size_t size) {
  WRACKLINE_BEHIND(Counted, "mi_calloc");
  return AllocateIn(behind, DescribeMi(Product(count, size), WRACKLINE_CALLER, true), count, size);
}
WRACKLINE_HOOK void* mi_mallocn(std::size_t count, std::size_t size) {
  WRACKLINE_BEHIND(Counted, "mi_mallocn");
  return AllocateIn(behind, DescribeMi(Product(count, size), WRACKLINE_CALLER), count, size);
}

WRACKLINE_HOOK void* mi_malloc_aligned(std::size_t size, std::size_t alignment) {
  WRACKLINE_BEHIND(Aligned, "mi_malloc_aligned");
  return AllocateIn(behind, DescribeMiAligned(size, WRACKLINE_CALLER, false, alignment), size,
                    alignment);
}
WRACKLINE_HOOK void* mi_zalloc_aligned(std::size_t size, std::size_t alignment) {
  WRACKLINE_BEHIND(Aligned, "mi_zalloc_aligned");
  return AllocateIn(behind, DescribeMiAligned(size, WRACKLINE_CALLER, true, alignment), size,
                    alignment);
}
WRACKLINE_HOOK void* mi_calloc_aligned(std::size_t count, std::size_t size, std::size_t alignment) {
  WRACKLINE_BEHIND(AlignedAt, "mi_calloc_aligned");
  return AllocateIn(behind,
                    DescribeMiAligned(Product(count, size), WRACKLINE_CALLER, true, alignment),
                    count, size, alignment);
}
WRACKLINE_HOOK void* mi_malloc_aligned_at(std::size_t size, std::size_t alignment,
                                          std::size_t offset) {
  return AllocateIn(g_mi_malloc_at,
                    DescribeMiAligned(size, WRACKLINE_CALLER, false, alignment, offset), size,
                    alignment, offset);
}
WRACKLINE_HOOK void* mi_zalloc_aligned_at(std::size_t size, std::size_t alignment,
                                          std::size_t offset) {
  return AllocateIn(g_mi_zalloc_at,
                    DescribeMiAligned(size, WRACKLINE_CALLER, true, alignment, offset), size,
                    alignment, offset);
}
WRACKLINE_HOOK void* mi_calloc_aligned_at(std::size_t count, std::size_t size,
                                          std::size_t alignment, std::size_t offset) {
  WRACKLINE_BEHIND(void*(std::size_t, std::size_t, std::size_t, std::size_t),
                   "mi_calloc_aligned_at");
  return AllocateIn(
      behind, DescribeMiAligned(Product(count, size), WRACKLINE_CALLER, true, alignment, offset),
      count, size, alignment, offset);
}
WRACKLINE_HOOK void* mi_memalign(std::size_t alignment, std::size_t size) {
  WRACKLINE_BEHIND(Aligned, "mi_memalign");
  return AllocateIn(behind, DescribeMiAligned(size, WRACKLINE_CALLER, false, alignment), alignment,
                    size);
}
WRACKLINE_HOOK void* mi_aligned_alloc(std::size_t alignment, std::size_t size) {
  WRACKLINE_BEHIND(Aligned, "mi_aligned_alloc");
  return AllocateIn(behind, DescribeMiAligned(size, WRACKLINE_CALLER, false, alignment), alignment,
                    size);
}
WRACKLINE_HOOK int mi_posix_memalign(void** out, std::size_t alignment, std::size_t size) {
  WRACKLINE_BEHIND(int(void**, std::size_t, std::size_t), "mi_posix_memalign");
  const void* caller = WRACKLINE_CALLER;
  const auto found = behind.Find(caller);
  const auto real = found != nullptr ? found : Next().posix_memalign;
  if (PointWithin(size) && InFirstClassHeap(caller)) return real(out, alignment, size);
  return PosixMemalignThrough(real, caller, out, alignment, size);
}
WRACKLINE_HOOK void* mi_valloc(std::size_t size) {
  WRACKLINE_BEHIND(Sized, "mi_valloc");
  return AllocateIn(behind, DescribeMi(size, WRACKLINE_CALLER, false, 4096), size);
}
// Its caller owns whole pages, whatever was asked for: never placed.
WRACKLINE_HOOK void* mi_pvalloc(std::size_t size) {
  WRACKLINE_BEHIND(Sized, "mi_pvalloc");
  const auto real = behind.Find(WRACKLINE_CALLER);
  FamilyRequest request = DescribeMi(size, WRACKLINE_CALLER);
  request.placeable = false;
  return AllocateWith(request, [=] { return real != nullptr ? real(size) : Next().pvalloc(size); });
}

WRACKLINE_HOOK void* mi_new(std::size_t size) {
  WRACKLINE_BEHIND(Sized, "mi_new");
  return NewIn(behind, DescribeMi(size, WRACKLINE_CALLER), size);
}
WRACKLINE_HOOK void* mi_new_n(std::size_t count, std::size_t size) {
  WRACKLINE_BEHIND(Counted, "mi_new_n");
  return NewIn(behind, DescribeMi(Product(count, size), WRACKLINE_CALLER), count, size);
}
WRACKLINE_HOOK void* mi_new_aligned(std::size_t size, std::size_t alignment) {
  WRACKLINE_BEHIND(Aligned, "mi_new_aligned");
  return NewIn(behind, DescribeMiAligned(size, WRACKLINE_CALLER, false, alignment), size,
               alignment);
}
WRACKLINE_HOOK void* mi_new_nothrow(std::size_t size) {
  WRACKLINE_BEHIND(Sized, "mi_new_nothrow");
  return AllocateIn(behind, DescribeMi(size, WRACKLINE_CALLER), size);
}
WRACKLINE_HOOK void* mi_new_aligned_nothrow(std::size_t size, std::size_t alignment) {
  WRACKLINE_BEHIND(Aligned, "mi_new_aligned_nothrow");
  return AllocateIn(behind, DescribeMiAligned(size, WRACKLINE_CALLER, false, alignment), size,
                    alignment);
}

WRACKLINE_HOOK char* mi_strdup(const char* text) {
  return text == nullptr ? nullptr : CopyOf(text, std::strlen(text), WRACKLINE_CALLER);
}
WRACKLINE_HOOK char* mi_strndup(const char* text, std::size_t length) {
  if (text == nullptr) return nullptr;
  const void* end = std::memchr(text, 0, length);
  if (end != nullptr) length = static_cast<std::size_t>(static_cast<const char*>(end) - text);
  return CopyOf(text, length, WRACKLINE_CALLER);
}

WRACKLINE_HOOK void mi_free(void* pointer) { FreeIn(g_mi_free, WRACKLINE_CALLER, pointer); }
WRACKLINE_HOOK void mi_cfree(void* pointer) {
  WRACKLINE_BEHIND(void(void*), "mi_cfree");
  FreeIn(behind, WRACKLINE_CALLER, pointer);
}
WRACKLINE_HOOK void mi_free_size(void* pointer, std::size_t size) {
  WRACKLINE_BEHIND(void(void*, std::size_t), "mi_free_size");
  FreeIn(behind, WRACKLINE_CALLER, pointer, size);
}
WRACKLINE_HOOK void mi_free_aligned(void* pointer, std::size_t alignment) {
  WRACKLINE_BEHIND(void(void*, std::size_t), "mi_free_aligned");
  FreeIn(behind, WRACKLINE_CALLER, pointer, alignment);
}
WRACKLINE_HOOK void mi_free_size_aligned(void* pointer, std::size_t size, std::size_t alignment) {
  WRACKLINE_BEHIND(void(void*, std::size_t, std::size_t), "mi_free_size_aligned");
  FreeIn(behind, WRACKLINE_CALLER, pointer, size, alignment);
}

WRACKLINE_HOOK std::size_t mi_usable_size(const void* pointer) {
  return UsableMi(pointer, WRACKLINE_CALLER);
}
WRACKLINE_HOOK std::size_t mi_malloc_size(const void* pointer) {
  WRACKLINE_BEHIND(std::size_t(const void*), "mi_malloc_size");
  return UsableSizeIn(behind, WRACKLINE_CALLER, pointer);
}
WRACKLINE_HOOK std::size_t mi_malloc_usable_size(const void* pointer) {
  WRACKLINE_BEHIND(std::size_t(const void*), "mi_malloc_usable_size");
  return UsableSizeIn(behind, WRACKLINE_CALLER, pointer);
}

// A block of ours counts as one of the heap that would have given it out: the thread's.
WRACKLINE_HOOK bool mi_is_in_heap_region(const void* pointer) {
  WRACKLINE_BEHIND(bool(const void*), "mi_is_in_heap_region");
  if (IsOurs(pointer)) return true;
  const auto real = behind.Find(WRACKLINE_CALLER);
  return real != nullptr && real(pointer);
}
WRACKLINE_HOOK bool mi_check_owned(const void* pointer) {
  WRACKLINE_BEHIND(bool(const void*), "mi_check_owned");
  if (IsOurs(pointer)) return true;
  const auto real = behind.Find(WRACKLINE_CALLER);
  return real != nullptr && real(pointer);
}
namespace {
bool OwnedBy(FamilyFunction<bool(MiHeap*, const void*)>& behind, MiHeap* heap, const void* pointer,
             const void* caller) {
  if (IsOurs(pointer)) {
    const auto backing = g_get_backing.Find(caller);
    return backing != nullptr && backing() == heap;
  }
  const auto real = behind.Find(caller);
  return real != nullptr && real(heap, pointer);
}
}  // namespace
WRACKLINE_HOOK bool mi_heap_check_owned(MiHeap* heap, const void* pointer) {
  WRACKLINE_BEHIND(bool(MiHeap*, const void*), "mi_heap_check_owned");
  return OwnedBy(behind, heap, pointer, WRACKLINE_CALLER);
}
WRACKLINE_HOOK bool mi_heap_contains_block(MiHeap* heap, const void* pointer) {
  WRACKLINE_BEHIND(bool(MiHeap*, const void*), "mi_heap_contains_block");
  return OwnedBy(behind, heap, pointer, WRACKLINE_CALLER);
}
// NOLINTEND(misc-definitions-in-headers)
