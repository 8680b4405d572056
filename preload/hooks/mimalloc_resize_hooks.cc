// mimalloc's functions that resize a block; mimalloc_family.h.
#include <errno.h>

#include "preload/hooks/mimalloc_family.h"
#include "preload/hooks/new_hooks.h"

namespace wrackline::preload {
namespace {

using Resize = void*(void*, std::size_t);
using Resize2 = void*(void*, std::size_t, std::size_t);
using Resize3 = void*(void*, std::size_t, std::size_t, std::size_t);
using Resize4 = void*(void*, std::size_t, std::size_t, std::size_t, std::size_t);
using HeapResize = void*(MiHeap*, void*, std::size_t);
using HeapResize2 = void*(MiHeap*, void*, std::size_t, std::size_t);
using HeapResize3 = void*(MiHeap*, void*, std::size_t, std::size_t, std::size_t);
using HeapResize4 = void*(MiHeap*, void*, std::size_t, std::size_t, std::size_t, std::size_t);

// real(block) calls the function behind.
template <typename Real>
inline void* ResizeMi(MiHeap* heap, const FamilyRequest& request, void* old, Real real) {
  return ReallocateWith(
      request, old,
      Resizer{real, [&](std::size_t size) { return FreshMi(heap, request, size); },
              [&](void* block) { ReleaseMi(block, request.caller); },
              [&](void* block) { return UsableMi(block, request.caller); }});
}

template <typename Function, typename... Arguments>
inline void* ResizeIn(FamilyFunction<Function>& function, const FamilyRequest& request, void* old,
                      Arguments... arguments) {
  return ResizeMi(nullptr, request, old, [&](void* block) -> void* {
    Function* real = function.Find(request.caller);
    return real != nullptr ? real(block, arguments...) : ReallocateFromNext(block, request);
  });
}

// The new block is the heap's: not sampled.
template <typename Function, typename... Arguments>
inline void* ResizeInHeap(FamilyFunction<Function>& function, FamilyRequest request, MiHeap* heap,
                          void* old, Arguments... arguments) {
  request.counted = false;
  return ResizeMi(heap, request, old, [&](void* block) -> void* {
    Function* real = function.Find(request.caller);
    return real != nullptr ? real(heap, block, arguments...) : ReallocateFromNext(block, request);
  });
}

// In place, or not at all. A block that grows where it is stays the sample that it was, or none.
void* ExpandIn(FamilyFunction<Resize>& function, void* block, std::size_t size,
               const void* caller) {
  if (!IsOurs(block)) {
    const auto real = function.Find(caller);
    if (real != nullptr) return real(block, size);
  }
  return block != nullptr && size <= UsableMi(block, caller) ? block : nullptr;
}

// mi_new_realloc and its kind end as operator new does when memory is short.
void* OrBadAlloc(void* pointer, std::size_t size, const void* caller) {
  if (pointer != nullptr) return pointer;
  WRACKLINE_BEHIND(void*(std::size_t), "mi_new");
  const auto real = behind.Find(caller);
  return real != nullptr ? real(size) : NewThroughMalloc(size, 0, false, caller);
}

}  // namespace
}  // namespace wrackline::preload

using namespace wrackline::preload;  // NOLINT(google-build-using-namespace)

// NOLINTBEGIN(misc-definitions-in-headers)
WRACKLINE_HOOK void* mi_realloc(void* old, std::size_t size) {
  WRACKLINE_BEHIND(Resize, "mi_realloc");
  return ResizeIn(behind, DescribeMi(size, WRACKLINE_CALLER), old, size);
}
WRACKLINE_HOOK void* mi_reallocf(void* old, std::size_t size) {
  WRACKLINE_BEHIND(Resize, "mi_reallocf");
  FamilyRequest request = DescribeMi(size, WRACKLINE_CALLER);
  request.drops_old = true;
  return ResizeIn(behind, request, old, size);
}
WRACKLINE_HOOK void* mi_rezalloc(void* old, std::size_t size) {
  WRACKLINE_BEHIND(Resize, "mi_rezalloc");
  return ResizeIn(behind, DescribeMi(size, WRACKLINE_CALLER, true), old, size);
}
WRACKLINE_HOOK void* mi_reallocn(void* old, std::size_t count, std::size_t size) {
  WRACKLINE_BEHIND(Resize2, "mi_reallocn");
  return ResizeIn(behind, DescribeMi(Product(count, size), WRACKLINE_CALLER), old, count, size);
}
WRACKLINE_HOOK void* mi_recalloc(void* old, std::size_t count, std::size_t size) {
  WRACKLINE_BEHIND(Resize2, "mi_recalloc");
  return ResizeIn(behind, DescribeMi(Product(count, size), WRACKLINE_CALLER, true), old, count,
                  size);
}
WRACKLINE_HOOK void* mi_reallocarray(void* old, std::size_t count, std::size_t size) {
  WRACKLINE_BEHIND(Resize2, "mi_reallocarray");
  return ResizeIn(behind, DescribeMi(Product(count, size), WRACKLINE_CALLER), old, count, size);
}
// NetBSD's: `place` is where the block's address is, and the error is returned.
WRACKLINE_HOOK int mi_reallocarr(void* place, std::size_t count, std::size_t size) {
  WRACKLINE_BEHIND(Resize2, "mi_reallocarray");
  if (place == nullptr) return errno = EINVAL;
  void* old = nullptr;
  std::memcpy(&old, place, sizeof old);
  void* pointer =
      ResizeIn(behind, DescribeMi(Product(count, size), WRACKLINE_CALLER), old, count, size);
  if (pointer == nullptr) return ENOMEM;
  std::memcpy(place, &pointer, sizeof pointer);
  return 0;
}
WRACKLINE_HOOK void* mi_realloc_aligned(void* old, std::size_t size, std::size_t alignment) {
  WRACKLINE_BEHIND(Resize2, "mi_realloc_aligned");
  return ResizeIn(behind, DescribeMiAligned(size, WRACKLINE_CALLER, false, alignment), old, size,
                  alignment);
}
WRACKLINE_HOOK void* mi_realloc_aligned_at(void* old, std::size_t size, std::size_t alignment,
                                           std::size_t offset) {
  WRACKLINE_BEHIND(Resize3, "mi_realloc_aligned_at");
  return ResizeIn(behind, DescribeMiAligned(size, WRACKLINE_CALLER, false, alignment, offset), old,
                  size, alignment, offset);
}
WRACKLINE_HOOK void* mi_rezalloc_aligned(void* old, std::size_t size, std::size_t alignment) {
  WRACKLINE_BEHIND(Resize2, "mi_rezalloc_aligned");
  return ResizeIn(behind, DescribeMiAligned(size, WRACKLINE_CALLER, true, alignment), old, size,
                  alignment);
}
WRACKLINE_HOOK void* mi_rezalloc_aligned_at(void* old, std::size_t size, std::size_t alignment,
                                            std::size_t offset) {
  WRACKLINE_BEHIND(Resize3, "mi_rezalloc_aligned_at");
  return ResizeIn(behind, DescribeMiAligned(size, WRACKLINE_CALLER, true, alignment, offset), old,
                  size, alignment, offset);
}

// Microsoft's names for the same.
namespace {
void* RecallocAligned(FamilyFunction<Resize3>& behind, void* old, std::size_t count,
                      std::size_t size, std::size_t alignment, const void* caller) {
  return ResizeIn(behind, DescribeMiAligned(Product(count, size), caller, true, alignment), old,
                  count, size, alignment);
}
void* RecallocAlignedAt(FamilyFunction<Resize4>& behind, void* old, std::size_t count,
                        std::size_t size, std::size_t alignment, std::size_t offset,
                        const void* caller) {
  return ResizeIn(behind, DescribeMiAligned(Product(count, size), caller, true, alignment, offset),
                  old, count, size, alignment, offset);
}
}  // namespace
WRACKLINE_HOOK void* mi_recalloc_aligned(void* old, std::size_t count, std::size_t size,
                                         std::size_t alignment) {
  WRACKLINE_BEHIND(Resize3, "mi_recalloc_aligned");
  return RecallocAligned(behind, old, count, size, alignment, WRACKLINE_CALLER);
}
WRACKLINE_HOOK void* mi_aligned_recalloc(void* old, std::size_t count, std::size_t size,
                                         std::size_t alignment) {
  WRACKLINE_BEHIND(Resize3, "mi_aligned_recalloc");
  return RecallocAligned(behind, old, count, size, alignment, WRACKLINE_CALLER);
}
WRACKLINE_HOOK void* mi_recalloc_aligned_at(void* old, std::size_t count, std::size_t size,
                                            std::size_t alignment, std::size_t offset) {
  WRACKLINE_BEHIND(Resize4, "mi_recalloc_aligned_at");
  return RecallocAlignedAt(behind, old, count, size, alignment, offset, WRACKLINE_CALLER);
}
WRACKLINE_HOOK void* mi_aligned_offset_recalloc(void* old, std::size_t count, std::size_t size,
                                                std::size_t alignment, std::size_t offset) {
  WRACKLINE_BEHIND(Resize4, "mi_aligned_offset_recalloc");
  return RecallocAlignedAt(behind, old, count, size, alignment, offset, WRACKLINE_CALLER);
}

WRACKLINE_HOOK void* mi_new_realloc(void* old, std::size_t size) {
  WRACKLINE_BEHIND(Resize, "mi_new_realloc");
  return OrBadAlloc(ResizeIn(behind, DescribeMi(size, WRACKLINE_CALLER), old, size), size,
                    WRACKLINE_CALLER);
}
WRACKLINE_HOOK void* mi_new_reallocn(void* old, std::size_t count, std::size_t size) {
  WRACKLINE_BEHIND(Resize2, "mi_new_reallocn");
  const std::size_t bytes = Product(count, size);
  return OrBadAlloc(ResizeIn(behind, DescribeMi(bytes, WRACKLINE_CALLER), old, count, size), bytes,
                    WRACKLINE_CALLER);
}

WRACKLINE_HOOK void* mi_expand(void* block, std::size_t size) {
  WRACKLINE_BEHIND(Resize, "mi_expand");
  return ExpandIn(behind, block, size, WRACKLINE_CALLER);
}
WRACKLINE_HOOK void* mi__expand(void* block, std::size_t size) {
  WRACKLINE_BEHIND(Resize, "mi__expand");
  return ExpandIn(behind, block, size, WRACKLINE_CALLER);
}

// First-class heaps.
WRACKLINE_HOOK void* mi_heap_realloc(MiHeap* heap, void* old, std::size_t size) {
  WRACKLINE_BEHIND(HeapResize, "mi_heap_realloc");
  return ResizeInHeap(behind, FamilyRequest{size, WRACKLINE_CALLER}, heap, old, size);
}
WRACKLINE_HOOK void* mi_heap_reallocf(MiHeap* heap, void* old, std::size_t size) {
  WRACKLINE_BEHIND(HeapResize, "mi_heap_reallocf");
  FamilyRequest request = {size, WRACKLINE_CALLER};
  request.drops_old = true;
  return ResizeInHeap(behind, request, heap, old, size);
}
WRACKLINE_HOOK void* mi_heap_rezalloc(MiHeap* heap, void* old, std::size_t size) {
  WRACKLINE_BEHIND(HeapResize, "mi_heap_rezalloc");
  return ResizeInHeap(behind, FamilyRequest{size, WRACKLINE_CALLER, 0, 0, true}, heap, old, size);
}
WRACKLINE_HOOK void* mi_heap_reallocn(MiHeap* heap, void* old, std::size_t count,
                                      std::size_t size) {
  WRACKLINE_BEHIND(HeapResize2, "mi_heap_reallocn");
  return ResizeInHeap(behind, FamilyRequest{Product(count, size), WRACKLINE_CALLER}, heap, old,
                      count, size);
}
WRACKLINE_HOOK void* mi_heap_recalloc(MiHeap* heap, void* old, std::size_t count,
                                      std::size_t size) {
  WRACKLINE_BEHIND(HeapResize2, "mi_heap_recalloc");
  return ResizeInHeap(behind, FamilyRequest{Product(count, size), WRACKLINE_CALLER, 0, 0, true},
                      heap, old, count, size);
}
WRACKLINE_HOOK void* mi_heap_realloc_aligned(MiHeap* heap, void* old, std::size_t size,
                                             std::size_t alignment) {
  WRACKLINE_BEHIND(HeapResize2, "mi_heap_realloc_aligned");
  return ResizeInHeap(behind, FamilyRequest{size, WRACKLINE_CALLER, alignment}, heap, old, size,
                      alignment);
}
WRACKLINE_HOOK void* mi_heap_realloc_aligned_at(MiHeap* heap, void* old, std::size_t size,
                                                std::size_t alignment, std::size_t offset) {
  WRACKLINE_BEHIND(HeapResize3, "mi_heap_realloc_aligned_at");
  return ResizeInHeap(behind, FamilyRequest{size, WRACKLINE_CALLER, alignment, offset}, heap, old,
                      size, alignment, offset);
}
WRACKLINE_HOOK void* mi_heap_rezalloc_aligned(MiHeap* heap, void* old, std::size_t size,
                                              std::size_t alignment) {
  WRACKLINE_BEHIND(HeapResize2, "mi_heap_rezalloc_aligned");
  return ResizeInHeap(behind, FamilyRequest{size, WRACKLINE_CALLER, alignment, 0, true}, heap, old,
                      size, alignment);
}
WRACKLINE_HOOK void* mi_heap_rezalloc_aligned_at(MiHeap* heap, void* old, std::size_t size,
                                                 std::size_t alignment, std::size_t offset) {
  WRACKLINE_BEHIND(HeapResize3, "mi_heap_rezalloc_aligned_at");
  return ResizeInHeap(behind, FamilyRequest{size, WRACKLINE_CALLER, alignment, offset, true}, heap,
                      old, size, alignment, offset);
}
WRACKLINE_HOOK void* mi_heap_recalloc_aligned(MiHeap* heap, void* old, std::size_t count,
                                              std::size_t size, std::size_t alignment) {
  WRACKLINE_BEHIND(HeapResize3, "mi_heap_recalloc_aligned");
  return ResizeInHeap(behind,
                      FamilyRequest{Product(count, size), WRACKLINE_CALLER, alignment, 0, true},
                      heap, old, count, size, alignment);
}
WRACKLINE_HOOK void* mi_heap_recalloc_aligned_at(MiHeap* heap, void* old, std::size_t count,
                                                 std::size_t size, std::size_t alignment,
                                                 std::size_t offset) {
  WRACKLINE_BEHIND(HeapResize4, "mi_heap_recalloc_aligned_at");
  return ResizeInHeap(
      behind, FamilyRequest{Product(count, size), WRACKLINE_CALLER, alignment, offset, true}, heap,
      old, count, size, alignment, offset);
}
// NOLINTEND(misc-definitions-in-headers)
