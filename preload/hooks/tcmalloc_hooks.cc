// tcmalloc's own functions, <gperftools/tcmalloc.h> of gperftools 2.10. The C++ MallocExtension is
// not hooked.
#include <new>

#include "preload/hooks/family.h"
#include "preload/hooks/new_hooks.h"

namespace wrackline::preload {
namespace {

constexpr const char* kLibraries[] = {"libtcmalloc.so.4", "libtcmalloc_minimal.so.4",
                                      "libtcmalloc_debug.so.4", "libtcmalloc_minimal_debug.so.4",
                                      nullptr};
constinit Family g_tcmalloc = {"tc_malloc", kLibraries};

using Allocate = void*(std::size_t);
using AllocateAligned = void*(std::size_t, std::align_val_t);
using Nothrow = const std::nothrow_t*;  // as it is passed
using AllocateNothrow = void*(std::size_t, Nothrow);
using AllocateAlignedNothrow = void*(std::size_t, std::align_val_t, Nothrow);
using Free = void(void*);
using FreeSized = void(void*, std::size_t);
using FreeNothrow = void(void*, Nothrow);
using FreeAligned = void(void*, std::align_val_t);
using FreeSizedAligned = void(void*, std::size_t, std::align_val_t);
using FreeAlignedNothrow = void(void*, std::align_val_t, Nothrow);

constinit FamilyFunction<void*(std::size_t, std::size_t)> g_tc_calloc = {&g_tcmalloc, "tc_calloc"};
constinit FamilyFunction<void*(void*, std::size_t)> g_tc_realloc = {&g_tcmalloc, "tc_realloc"};
constinit FamilyFunction<void*(std::size_t, std::size_t)> g_tc_memalign = {&g_tcmalloc,
                                                                           "tc_memalign"};
constinit FamilyFunction<int(void**, std::size_t, std::size_t)> g_tc_posix_memalign = {
    &g_tcmalloc, "tc_posix_memalign"};
constinit FamilyFunction<Allocate> g_tc_malloc = {&g_tcmalloc, "tc_malloc"};
constinit FamilyFunction<Free> g_tc_free = {&g_tcmalloc, "tc_free"};
constinit FamilyFunction<std::size_t(void*)> g_tc_malloc_size = {&g_tcmalloc, "tc_malloc_size"};

// Stand-ins for its operators new: where there is no tcmalloc.
template <typename Function, typename... Tail>
inline void* NewIn(FamilyFunction<Function>& function, bool may_fail, const FamilyRequest& request,
                   Tail... tail) {
  Function* real = function.Find(request.caller);
  if (real == nullptr) {
    return NewThroughMalloc(request.size, request.alignment, may_fail, request.caller);
  }
  return AllocateWith(request, [&] { return real(request.size, tail...); });
}

}  // namespace
}  // namespace wrackline::preload

using namespace wrackline::preload;  // NOLINT(google-build-using-namespace)

// NOLINTBEGIN(misc-definitions-in-headers)
#define WRACKLINE_HOOK extern "C" __attribute__((visibility("default"))) WRACKLINE_HOOK_CODE
#define WRACKLINE_CALLER __builtin_return_address(0)
// The function behind a hook that is called once.
#define WRACKLINE_BEHIND(type, name) \
  static constinit FamilyFunction<type> behind = {&g_tcmalloc, name}

WRACKLINE_HOOK void* tc_malloc(std::size_t size) {
  return AllocateIn(g_tc_malloc, FamilyRequest{size, WRACKLINE_CALLER}, size);
}
WRACKLINE_HOOK void* tc_malloc_skip_new_handler(std::size_t size) {
  WRACKLINE_BEHIND(Allocate, "tc_malloc_skip_new_handler");
  return AllocateIn(behind, FamilyRequest{size, WRACKLINE_CALLER}, size);
}
WRACKLINE_HOOK void* tc_calloc(std::size_t count, std::size_t size) {
  FamilyRequest request = {0, WRACKLINE_CALLER};
  request.zeroed = true;
  if (__builtin_mul_overflow(count, size, &request.size)) request.size = SIZE_MAX;  // it refuses
  return AllocateIn(g_tc_calloc, request, count, size);
}
WRACKLINE_HOOK void* tc_realloc(void* old, std::size_t size) {
  const FamilyRequest request = {size, WRACKLINE_CALLER};
  return ReallocateWith(
      request, old,
      Resizer{[&](void* block) -> void* {
                const auto real = g_tc_realloc.Find(request.caller);
                if (real != nullptr) return real(block, size);
                if (size != 0 || block == nullptr) return ReallocateFromNext(block, request);
                Next().free(block);  // as tcmalloc does; not every allocator
                return nullptr;
              },
              [&](std::size_t wanted) -> void* {
                const auto real = g_tc_malloc.Find(request.caller);
                return real != nullptr ? real(wanted) : Next().malloc(wanted);
              },
              [&](void* block) {
                const auto real = g_tc_free.Find(request.caller);
                real != nullptr ? real(block) : Next().free(block);
              },
              [&](void* block) { return UsableSizeIn(g_tc_malloc_size, request.caller, block); }});
}
WRACKLINE_HOOK void* tc_memalign(std::size_t alignment, std::size_t size) {
  return AllocateIn(g_tc_memalign, FamilyRequest{size, WRACKLINE_CALLER, alignment}, alignment,
                    size);
}
WRACKLINE_HOOK int tc_posix_memalign(void** out, std::size_t alignment, std::size_t size) {
  const auto real = g_tc_posix_memalign.Find(WRACKLINE_CALLER);
  return PosixMemalignThrough(real != nullptr ? real : Next().posix_memalign, WRACKLINE_CALLER, out,
                              alignment, size);
}
WRACKLINE_HOOK void* tc_valloc(std::size_t size) {
  WRACKLINE_BEHIND(Allocate, "tc_valloc");
  return AllocateIn(behind, FamilyRequest{size, WRACKLINE_CALLER, 4096}, size);
}
// Its caller owns whole pages, whatever was asked for: never placed.
WRACKLINE_HOOK void* tc_pvalloc(std::size_t size) {
  WRACKLINE_BEHIND(Allocate, "tc_pvalloc");
  const auto real = behind.Find(WRACKLINE_CALLER);
  return AllocateOnceThrough(real != nullptr ? real : Next().pvalloc,
                             Request{size, WRACKLINE_CALLER, kNeverPlaced}, size);
}
WRACKLINE_HOOK std::size_t tc_malloc_size(void* pointer) {
  return UsableSizeIn(g_tc_malloc_size, WRACKLINE_CALLER, pointer);
}
WRACKLINE_HOOK void tc_free(void* pointer) { FreeIn(g_tc_free, WRACKLINE_CALLER, pointer); }
WRACKLINE_HOOK void tc_free_sized(void* pointer, std::size_t size) {
  WRACKLINE_BEHIND(FreeSized, "tc_free_sized");
  FreeIn(behind, WRACKLINE_CALLER, pointer, size);
}
WRACKLINE_HOOK void tc_cfree(void* pointer) {
  WRACKLINE_BEHIND(Free, "tc_cfree");
  FreeIn(behind, WRACKLINE_CALLER, pointer);
}

// Operator new and delete under names of C.
WRACKLINE_HOOK void* tc_new(std::size_t size) {
  WRACKLINE_BEHIND(Allocate, "tc_new");
  return NewIn(behind, false, FamilyRequest{size, WRACKLINE_CALLER});
}
WRACKLINE_HOOK void* tc_newarray(std::size_t size) {
  WRACKLINE_BEHIND(Allocate, "tc_newarray");
  return NewIn(behind, false, FamilyRequest{size, WRACKLINE_CALLER});
}
WRACKLINE_HOOK void* tc_new_nothrow(std::size_t size, Nothrow tag) {
  WRACKLINE_BEHIND(AllocateNothrow, "tc_new_nothrow");
  return NewIn(behind, true, FamilyRequest{size, WRACKLINE_CALLER}, tag);
}
WRACKLINE_HOOK void* tc_newarray_nothrow(std::size_t size, Nothrow tag) {
  WRACKLINE_BEHIND(AllocateNothrow, "tc_newarray_nothrow");
  return NewIn(behind, true, FamilyRequest{size, WRACKLINE_CALLER}, tag);
}
WRACKLINE_HOOK void* tc_new_aligned(std::size_t size, std::align_val_t alignment) {
  WRACKLINE_BEHIND(AllocateAligned, "tc_new_aligned");
  return NewIn(behind, false,
               FamilyRequest{size, WRACKLINE_CALLER, static_cast<std::size_t>(alignment)},
               alignment);
}
WRACKLINE_HOOK void* tc_newarray_aligned(std::size_t size, std::align_val_t alignment) {
  WRACKLINE_BEHIND(AllocateAligned, "tc_newarray_aligned");
  return NewIn(behind, false,
               FamilyRequest{size, WRACKLINE_CALLER, static_cast<std::size_t>(alignment)},
               alignment);
}
WRACKLINE_HOOK void* tc_new_aligned_nothrow(std::size_t size, std::align_val_t alignment,
                                            Nothrow tag) {
  WRACKLINE_BEHIND(AllocateAlignedNothrow, "tc_new_aligned_nothrow");
  return NewIn(behind, true,
               FamilyRequest{size, WRACKLINE_CALLER, static_cast<std::size_t>(alignment)},
               alignment, tag);
}
WRACKLINE_HOOK void* tc_newarray_aligned_nothrow(std::size_t size, std::align_val_t alignment,
                                                 Nothrow tag) {
  WRACKLINE_BEHIND(AllocateAlignedNothrow, "tc_newarray_aligned_nothrow");
  return NewIn(behind, true,
               FamilyRequest{size, WRACKLINE_CALLER, static_cast<std::size_t>(alignment)},
               alignment, tag);
}

WRACKLINE_HOOK void tc_delete(void* pointer) {
  WRACKLINE_BEHIND(Free, "tc_delete");
  FreeIn(behind, WRACKLINE_CALLER, pointer);
}
WRACKLINE_HOOK void tc_deletearray(void* pointer) {
  WRACKLINE_BEHIND(Free, "tc_deletearray");
  FreeIn(behind, WRACKLINE_CALLER, pointer);
}
WRACKLINE_HOOK void tc_delete_sized(void* pointer, std::size_t size) {
  WRACKLINE_BEHIND(FreeSized, "tc_delete_sized");
  FreeIn(behind, WRACKLINE_CALLER, pointer, size);
}
WRACKLINE_HOOK void tc_deletearray_sized(void* pointer, std::size_t size) {
  WRACKLINE_BEHIND(FreeSized, "tc_deletearray_sized");
  FreeIn(behind, WRACKLINE_CALLER, pointer, size);
}
WRACKLINE_HOOK void tc_delete_nothrow(void* pointer, Nothrow tag) {
  WRACKLINE_BEHIND(FreeNothrow, "tc_delete_nothrow");
  FreeIn(behind, WRACKLINE_CALLER, pointer, tag);
}
WRACKLINE_HOOK void tc_deletearray_nothrow(void* pointer, Nothrow tag) {
  WRACKLINE_BEHIND(FreeNothrow, "tc_deletearray_nothrow");
  FreeIn(behind, WRACKLINE_CALLER, pointer, tag);
}
WRACKLINE_HOOK void tc_delete_aligned(void* pointer, std::align_val_t alignment) {
  WRACKLINE_BEHIND(FreeAligned, "tc_delete_aligned");
  FreeIn(behind, WRACKLINE_CALLER, pointer, alignment);
}
WRACKLINE_HOOK void tc_deletearray_aligned(void* pointer, std::align_val_t alignment) {
  WRACKLINE_BEHIND(FreeAligned, "tc_deletearray_aligned");
  FreeIn(behind, WRACKLINE_CALLER, pointer, alignment);
}
WRACKLINE_HOOK void tc_delete_sized_aligned(void* pointer, std::size_t size,
                                            std::align_val_t alignment) {
  WRACKLINE_BEHIND(FreeSizedAligned, "tc_delete_sized_aligned");
  FreeIn(behind, WRACKLINE_CALLER, pointer, size, alignment);
}
WRACKLINE_HOOK void tc_deletearray_sized_aligned(void* pointer, std::size_t size,
                                                 std::align_val_t alignment) {
  WRACKLINE_BEHIND(FreeSizedAligned, "tc_deletearray_sized_aligned");
  FreeIn(behind, WRACKLINE_CALLER, pointer, size, alignment);
}
WRACKLINE_HOOK void tc_delete_aligned_nothrow(void* pointer, std::align_val_t alignment,
                                              Nothrow tag) {
  WRACKLINE_BEHIND(FreeAlignedNothrow, "tc_delete_aligned_nothrow");
  FreeIn(behind, WRACKLINE_CALLER, pointer, alignment, tag);
}
WRACKLINE_HOOK void tc_deletearray_aligned_nothrow(void* pointer, std::align_val_t alignment,
                                                   Nothrow tag) {
  WRACKLINE_BEHIND(FreeAlignedNothrow, "tc_deletearray_aligned_nothrow");
  FreeIn(behind, WRACKLINE_CALLER, pointer, alignment, tag);
}
// NOLINTEND(misc-definitions-in-headers)
