// tcmalloc's tc_malloc and its kind. Exit code 0: all well, or there is no tc_malloc.
#include <new>

#include "tests/unit/preload/programs/family_checks.h"

namespace {

using Allocate = void*(std::size_t);
using AllocateNothrow = void*(std::size_t, const std::nothrow_t&);
using AllocateAligned = void*(std::size_t, std::align_val_t);
using AllocateAlignedNothrow = void*(std::size_t, std::align_val_t, const std::nothrow_t&);
using Free = void(void*);
using FreeSized = void(void*, std::size_t);
using FreeNothrow = void(void*, const std::nothrow_t&);
using FreeAligned = void(void*, std::align_val_t);
using FreeSizedAligned = void(void*, std::size_t, std::align_val_t);
using FreeAlignedNothrow = void(void*, std::align_val_t, const std::nothrow_t&);

#define FUNCTION(type, name) auto* const name = Named<type>(#name)
FUNCTION(Allocate, tc_malloc);
FUNCTION(Allocate, tc_malloc_skip_new_handler);
FUNCTION(Free, tc_free);
FUNCTION(FreeSized, tc_free_sized);
FUNCTION(void*(void*, std::size_t), tc_realloc);
FUNCTION(void*(std::size_t, std::size_t), tc_calloc);
FUNCTION(Free, tc_cfree);
FUNCTION(void*(std::size_t, std::size_t), tc_memalign);
FUNCTION(int(void**, std::size_t, std::size_t), tc_posix_memalign);
FUNCTION(Allocate, tc_valloc);
FUNCTION(Allocate, tc_pvalloc);
FUNCTION(std::size_t(void*), tc_malloc_size);
FUNCTION(Allocate, tc_new);
FUNCTION(Allocate, tc_newarray);
FUNCTION(AllocateNothrow, tc_new_nothrow);
FUNCTION(AllocateNothrow, tc_newarray_nothrow);
FUNCTION(AllocateAligned, tc_new_aligned);
FUNCTION(AllocateAligned, tc_newarray_aligned);
FUNCTION(AllocateAlignedNothrow, tc_new_aligned_nothrow);
FUNCTION(AllocateAlignedNothrow, tc_newarray_aligned_nothrow);
FUNCTION(Free, tc_delete);
FUNCTION(Free, tc_deletearray);
FUNCTION(FreeSized, tc_delete_sized);
FUNCTION(FreeSized, tc_deletearray_sized);
FUNCTION(FreeNothrow, tc_delete_nothrow);
FUNCTION(FreeNothrow, tc_deletearray_nothrow);
FUNCTION(FreeAligned, tc_delete_aligned);
FUNCTION(FreeAligned, tc_deletearray_aligned);
FUNCTION(FreeSizedAligned, tc_delete_sized_aligned);
FUNCTION(FreeSizedAligned, tc_deletearray_sized_aligned);
FUNCTION(FreeAlignedNothrow, tc_delete_aligned_nothrow);
FUNCTION(FreeAlignedNothrow, tc_deletearray_aligned_nothrow);

void Plain(std::size_t size) {
  RoundTrip(
      size, 8, size, false, [=] { return tc_malloc(size); }, tc_free);
  RoundTrip(
      size, 8, size, false, [=] { return tc_malloc(size); }, free);
  RoundTrip(
      size, 8, size, false, [=] { return malloc(size); }, tc_free);
  RoundTrip(
      size, 8, size, false, [=] { return malloc(size); },
      [=](void* p) {
        CHECK(tc_malloc_size(p) >= size);
        tc_free_sized(p, size);
      });
  RoundTrip(
      size, 8, size, false, [=] { return tc_malloc_skip_new_handler(size); },
      [=](void* p) { tc_free_sized(p, size); });
  RoundTrip(
      size, 8, size, true, [=] { return tc_calloc(size / 4, 4); }, tc_cfree);
  RoundTrip(
      size, 8, size, false, [=] { return tc_realloc(nullptr, size); }, tc_free);
  for (std::size_t alignment : {16u, 64u, 4096u, 65536u}) {
    RoundTrip(
        size, alignment, size, false, [=] { return tc_memalign(alignment, size); }, tc_free);
    RoundTrip(
        size, alignment, size, false,
        [=] {
          void* block = nullptr;
          CHECK(tc_posix_memalign(&block, alignment, size) == 0);
          return block;
        },
        tc_free);
  }
  RoundTrip(
      size, 4096, size, false, [=] { return tc_valloc(size); }, tc_free);
  RoundTrip(
      size, 4096, size, false,
      [=] {
        void* block = tc_pvalloc(size);
        memset(block, 1, (size + 4095) / 4096 * 4096);
        return block;
      },
      tc_free);
}

void New(std::size_t size) {
  const std::nothrow_t& tag = std::nothrow;
  RoundTrip(
      size, 16, size, false, [=] { return tc_new(size); }, tc_delete);
  RoundTrip(
      size, 16, size, false, [=] { return tc_newarray(size); }, tc_deletearray);
  RoundTrip(
      size, 16, size, false, [=] { return tc_new(size); },
      [=](void* p) { tc_delete_sized(p, size); });
  RoundTrip(
      size, 16, size, false, [=] { return tc_newarray(size); },
      [=](void* p) { tc_deletearray_sized(p, size); });
  RoundTrip(
      size, 16, size, false, [&] { return tc_new_nothrow(size, tag); },
      [&](void* p) { tc_delete_nothrow(p, tag); });
  RoundTrip(
      size, 16, size, false, [&] { return tc_newarray_nothrow(size, tag); },
      [&](void* p) { tc_deletearray_nothrow(p, tag); });
  RoundTrip(
      size, 16, size, false, [=] { return ::operator new(size); }, tc_delete);
  RoundTrip(
      size, 16, size, false, [=] { return tc_new(size); }, [](void* p) { ::operator delete(p); });
  const std::align_val_t line{256};
  RoundTrip(
      size, 256, size, false, [=] { return tc_new_aligned(size, line); },
      [=](void* p) { tc_delete_aligned(p, line); });
  RoundTrip(
      size, 256, size, false, [=] { return tc_newarray_aligned(size, line); },
      [=](void* p) { tc_deletearray_aligned(p, line); });
  RoundTrip(
      size, 256, size, false, [=] { return tc_new_aligned(size, line); },
      [=](void* p) { tc_delete_sized_aligned(p, size, line); });
  RoundTrip(
      size, 256, size, false, [=] { return tc_newarray_aligned(size, line); },
      [=](void* p) { tc_deletearray_sized_aligned(p, size, line); });
  RoundTrip(
      size, 256, size, false, [&] { return tc_new_aligned_nothrow(size, line, tag); },
      [&](void* p) { tc_delete_aligned_nothrow(p, line, tag); });
  RoundTrip(
      size, 256, size, false, [&] { return tc_newarray_aligned_nothrow(size, line, tag); },
      [&](void* p) { tc_deletearray_aligned_nothrow(p, line, tag); });
}

void Resizes() {
  Resizing(1, true, false, tc_malloc, tc_realloc, tc_free);
  Resizing(1, true, false, malloc, tc_realloc, free);
  Resizing(1, true, false, tc_malloc, realloc, free);
  const WracklineTestCounts before = Counts();
  CHECK(tc_realloc(tc_malloc(1000), 0) == nullptr);
  void* kept = tc_malloc(1000);
  volatile std::size_t huge = SIZE_MAX / 4;
  CHECK(tc_realloc(kept, huge) == nullptr);
  tc_free(kept);
  if (Profiled()) CHECK(Counts().live == before.live);
}

void Limits() {
  volatile std::size_t half = SIZE_MAX / 2 + 2;
  CHECK(tc_calloc(half, 4) == nullptr);
  CHECK(tc_malloc(half) == nullptr);
  void* block = nullptr;
  CHECK(tc_posix_memalign(&block, 3, 64) == EINVAL);
  tc_free(nullptr);
  tc_delete(nullptr);
  CHECK(tc_malloc_size(nullptr) == 0);
}

}  // namespace

int main() {
  if (tc_malloc == nullptr) return 0;
  for (std::size_t size : {64u, 100u, 5120u, 100'000u, 3'000'000u}) {
    Plain(size);
    New(size);
  }
  SmallAndAligned(
      [](std::size_t size, std::size_t alignment) {
        return tc_new_aligned(size, std::align_val_t{alignment});
      },
      tc_free);
  Resizes();
  Limits();
  return 0;
}
