// mimalloc's mi_malloc and its kind. Exit code 0: all well, or there is no mi_malloc.
//
//   mimalloc_family            as the program finds it
//   mimalloc_family LIBRARY    which is opened privately: malloc is another allocator's
#include "tests/unit/preload/programs/family_checks.h"

namespace {

using Size = std::size_t;
using Heap = void;

// What a library that is linked with a privately opened mimalloc would get.
void* g_private = nullptr;
template <typename Function>
Function* Bound(const char* name) {
  auto* function = Named<Function>(name);
  if (function != nullptr || g_private == nullptr) return function;
  return reinterpret_cast<Function*>(dlsym(g_private, name));
}

// Every function: its name, its result, its arguments.
#define FUNCTIONS(each)                                                                                                                 \
  each(mi_malloc, void*, Size) each(mi_malloc_small, void*, Size) each(                                                                 \
      mi_zalloc, void*, Size) each(mi_zalloc_small, void*,                                                                              \
                                   Size) each(mi_new, void*, Size) each(mi_new_nothrow, void*,                                          \
                                                                        Size) each(mi_valloc,                                           \
                                                                                   void*, Size)                                         \
      each(mi_pvalloc, void*, Size) each(mi_calloc, void*, Size, Size) each(mi_mallocn, void*, Size, Size) each(                        \
          mi_new_n, void*,                                                                                                              \
          Size, Size) each(mi_malloc_aligned, void*, Size, Size)                                                                        \
          each(mi_zalloc_aligned, void*, Size, Size) each(mi_new_aligned, void*, Size, Size) each(                                      \
              mi_new_aligned_nothrow,                                                                                                   \
              void*, Size,                                                                                                              \
              Size) each(mi_memalign, void*, Size, Size)                                                                                \
              each(mi_aligned_alloc, void*, Size, Size) each(mi_calloc_aligned, void*, Size, Size, Size) each(                          \
                  mi_malloc_aligned_at,                                                                                                 \
                  void*, Size,                                                                                                          \
                  Size, Size) each(mi_zalloc_aligned_at, void*, Size, Size, Size)                                                       \
                  each(mi_calloc_aligned_at, void*, Size, Size, Size, Size) each(                                                       \
                      mi_posix_memalign,                                                                                                \
                      int,                                                                                                              \
                      void**,                                                                                                           \
                      Size, Size) each(mi_strdup, char*, const char*)                                                                   \
                      each(mi_strndup, char*, const char*, Size) each(mi_free, void, void*) each(                                       \
                          mi_cfree,                                                                                                     \
                          void, void*) each(mi_free_size, void, void*,                                                                  \
                                            Size) each(mi_free_aligned, void, void*, Size)                                              \
                          each(mi_free_size_aligned, void, void*, Size, Size) each(                                                     \
                              mi_usable_size,                                                                                           \
                              Size, const void*) each(mi_malloc_size, Size, const void*)                                                \
                              each(mi_malloc_usable_size, Size, const void*) each(                                                      \
                                  mi_realloc,                                                                                           \
                                  void*, void*, Size) each(mi_reallocf, void*, void*, Size)                                             \
                                  each(mi_rezalloc, void*, void*, Size) each(                                                           \
                                      mi_new_realloc,                                                                                   \
                                      void*, void*, Size) each(mi_expand, void*, void*, Size)                                           \
                                      each(mi__expand, void*, void*, Size) each(                                                        \
                                          mi_reallocn,                                                                                  \
                                          void*, void*, Size,                                                                           \
                                          Size) each(mi_recalloc, void*, void*, Size, Size)                                             \
                                          each(mi_reallocarray, void*, void*, Size, Size) each(                                         \
                                              mi_reallocarr,                                                                            \
                                              int,                                                                                      \
                                              void*, Size,                                                                              \
                                              Size) each(mi_new_reallocn, void*, void*, Size, Size)                                     \
                                              each(mi_realloc_aligned, void*, void*, Size, Size) each(                                  \
                                                  mi_rezalloc_aligned,                                                                  \
                                                  void*, void*, Size,                                                                   \
                                                  Size) each(mi_realloc_aligned_at, void*, void*, Size, Size, Size)                     \
                                                  each(mi_rezalloc_aligned_at, void*, void*, Size, Size, Size) each(                    \
                                                      mi_recalloc_aligned,                                                              \
                                                      void*, void*, Size,                                                               \
                                                      Size,                                                                             \
                                                      Size) each(mi_aligned_recalloc, void*, void*, Size, Size, Size)                   \
                                                      each(mi_recalloc_aligned_at, void*, void*, Size, Size, Size, Size) each(          \
                                                          mi_aligned_offset_recalloc,                                                   \
                                                          void*, void*, Size,                                                           \
                                                          Size, Size,                                                                   \
                                                          Size) each(mi_is_in_heap_region, bool,                                        \
                                                                     const void*) each(mi_check_owned, bool, const void*)               \
                                                          each(mi_heap_check_owned, bool, Heap*, const void*) each(                     \
                                                              mi_heap_contains_block,                                                   \
                                                              bool, Heap*,                                                              \
                                                              const void*) each(mi_heap_new,                                            \
                                                                                Heap*)                                                  \
                                                              each(mi_heap_destroy, void, Heap*) each(                                  \
                                                                  mi_heap_get_default,                                                  \
                                                                  Heap*) each(mi_heap_set_default, Heap*, Heap*)                        \
                                                                  each(mi_heap_malloc, void*, Heap*, Size) each(                        \
                                                                      mi_heap_realloc,                                                  \
                                                                      void*, Heap*, void*,                                              \
                                                                      Size) each(mi_heap_reallocf,                                      \
                                                                                 void*, Heap*,                                          \
                                                                                 void*, Size)                                           \
                                                                      each(mi_heap_rezalloc, void*, Heap*, void*, Size) each(           \
                                                                          mi_heap_reallocn,                                             \
                                                                          void*, Heap*, void*,                                          \
                                                                          Size, Size)                                                   \
                                                                          each(mi_heap_recalloc, void*, Heap*, void*, Size, Size) each( \
                                                                              mi_heap_realloc_aligned,                                  \
                                                                              void*, Heap*, void*,                                      \
                                                                              Size, Size)                                               \
                                                                              each(                                                     \
                                                                                  mi_heap_rezalloc_aligned,                             \
                                                                                  void*, Heap*,                                         \
                                                                                  void*, Size,                                          \
                                                                                  Size)                                                 \
                                                                                  each(                                                 \
                                                                                      mi_heap_realloc_aligned_at,                       \
                                                                                      void*,                                            \
                                                                                      Heap*,                                            \
                                                                                      void*, Size,                                      \
                                                                                      Size, Size)                                       \
                                                                                      each(                                             \
                                                                                          mi_heap_rezalloc_aligned_at,                  \
                                                                                          void*,                                        \
                                                                                          Heap*,                                        \
                                                                                          void*,                                        \
                                                                                          Size,                                         \
                                                                                          Size,                                         \
                                                                                          Size)                                         \
                                                                                          each(                                         \
                                                                                              mi_heap_recalloc_aligned,                 \
                                                                                              void*,                                    \
                                                                                              Heap*,                                    \
                                                                                              void*,                                    \
                                                                                              Size,                                     \
                                                                                              Size,                                     \
                                                                                              Size)                                     \
                                                                                              each(                                     \
                                                                                                  mi_heap_recalloc_aligned_at,          \
                                                                                                  void*,                                \
                                                                                                  Heap*,                                \
                                                                                                  void*,                                \
                                                                                                  Size,                                 \
                                                                                                  Size,                                 \
                                                                                                  Size,                                 \
                                                                                                  Size) each(mi_mbsdup,                 \
                                                                                                             unsigned char*,            \
                                                                                                             const unsigned char*)      \
                                                                                                  each(                                 \
                                                                                                      mi_realpath,                      \
                                                                                                      char*,                            \
                                                                                                      const char*,                      \
                                                                                                      char*)                            \
                                                                                                      each(                             \
                                                                                                          mi_dupenv_s,                  \
                                                                                                          int,                          \
                                                                                                          char**,                       \
                                                                                                          Size*,                        \
                                                                                                          const char*)

#define DECLARE(name, result, ...) result (*name)(__VA_ARGS__);
FUNCTIONS(DECLARE)
#undef DECLARE

void BindAll() {
#define BIND(name, result, ...) name = Bound<result(__VA_ARGS__)>(#name);
  FUNCTIONS(BIND)
#undef BIND
}

// Blocks go from mi_ functions to malloc's and back: it is one allocator, or none is mimalloc.
bool Mixed() { return g_private == nullptr; }

void Plain(Size size) {
  using Sized = void*(Size);
  const struct {
    Sized* make;
    bool zeroed;
    Size most;
  } sized[] = {{mi_malloc, false, SIZE_MAX},   {mi_zalloc, true, SIZE_MAX},
               {mi_malloc_small, false, 1024}, {mi_zalloc_small, true, 1024},
               {mi_new, false, SIZE_MAX},      {mi_new_nothrow, false, SIZE_MAX}};
  for (const auto& one : sized) {
    if (size > one.most) continue;
    const auto make = [&] { return one.make(size); };
    RoundTrip(size, 8, size, one.zeroed, make, mi_free);
    RoundTrip(size, 8, size, one.zeroed, make, mi_cfree);
    RoundTrip(size, 8, size, one.zeroed, make, [=](void* p) {
      CHECK(mi_usable_size(p) >= size && mi_malloc_size(p) >= size);
      CHECK(mi_malloc_usable_size(p) >= size);
      mi_free_size(p, size);
    });
    if (Mixed()) RoundTrip(size, 8, size, one.zeroed, make, free);
  }
  if (Mixed()) {
    RoundTrip(
        size, 8, size, false, [=] { return malloc(size); }, mi_free);
    RoundTrip(
        size, 8, size, true, [=] { return calloc(size / 4, 4); },
        [=](void* p) {
          CHECK(mi_usable_size(p) >= size);
          mi_free_size(p, size);
        });
  }
  using Counted = void*(Size, Size);
  for (Counted* make : {mi_calloc, mi_mallocn, mi_new_n}) {
    RoundTrip(
        size, 8, size, make == mi_calloc, [=] { return make(size / 4, 4); }, mi_free);
  }
  RoundTrip(
      size, 4096, size, false, [=] { return mi_valloc(size); }, mi_free);
  RoundTrip(
      size, 4096, size, false,
      [=] {
        void* block = mi_pvalloc(size);
        memset(block, 1, (size + 4095) / 4096 * 4096);
        return block;
      },
      mi_free);
}

void Aligned(Size size) {
  for (Size alignment : {16u, 64u, 4096u, 65536u}) {
    const auto drop = [=](void* p) { mi_free_aligned(p, alignment); };
    const auto drop_sized = [=](void* p) { mi_free_size_aligned(p, size, alignment); };
    using SizeFirst = void*(Size, Size);
    for (SizeFirst* make :
         {mi_malloc_aligned, mi_zalloc_aligned, mi_new_aligned, mi_new_aligned_nothrow}) {
      RoundTrip(
          size, alignment, size, make == mi_zalloc_aligned, [=] { return make(size, alignment); },
          drop);
    }
    for (SizeFirst* make : {mi_memalign, mi_aligned_alloc}) {
      RoundTrip(
          size, alignment, size, false, [=] { return make(alignment, size); }, drop_sized);
    }
    RoundTrip(
        size, alignment, size, true, [=] { return mi_calloc_aligned(size / 4, 4, alignment); },
        drop);
    for (Size offset : {Size{0}, alignment}) {
      RoundTrip(
          size, 1, size, false, [=] { return mi_malloc_aligned_at(size, alignment, offset); },
          drop);
      RoundTrip(
          size, 1, size, true, [=] { return mi_zalloc_aligned_at(size, alignment, offset); }, drop);
      RoundTrip(
          size, 1, size, true, [=] { return mi_calloc_aligned_at(size / 4, 4, alignment, offset); },
          drop);
    }
    RoundTrip(
        size, alignment, size, false,
        [=] {
          void* block = nullptr;
          CHECK(mi_posix_memalign(&block, alignment, size) == 0);
          return block;
        },
        mi_free);
  }
}

void Strings() {
  char text[201];
  memset(text, 'x', 200);
  text[200] = 0;
  const auto copied = [&](Size length) {
    return [=](char* copy) -> void* {
      CHECK(copy != nullptr && strlen(copy) == length && copy[0] == 'x');
      return copy;
    };
  };
  RoundTrip(
      64, 1, 201, false, [&] { return copied(200)(mi_strdup(text)); }, mi_free);
  RoundTrip(
      64, 1, 101, false, [&] { return copied(100)(mi_strndup(text, 100)); }, mi_free);
  RoundTrip(
      64, 1, 201, false, [&] { return copied(200)(mi_strndup(text, 1000)); }, mi_free);
  CHECK(mi_strdup(nullptr) == nullptr && mi_strndup(nullptr, 1) == nullptr);
  // Those that are not hooked.
  const WracklineTestCounts before = Counts();
  if (mi_mbsdup != nullptr) mi_free(mi_mbsdup(reinterpret_cast<unsigned char*>(text)));
  if (mi_realpath != nullptr) mi_free(mi_realpath("/", nullptr));
  char* value = nullptr;
  setenv("WRACKLINE_TEST", "value", 1);
  const WracklineTestCounts middle = Counts();  // setenv keeps its copy
  if (mi_dupenv_s != nullptr) {
    CHECK(mi_dupenv_s(&value, nullptr, "WRACKLINE_TEST") == 0 && strcmp(value, "value") == 0);
    mi_free(value);
  }
  if (Profiled()) CHECK(Counts().live == middle.live && middle.live <= before.live + 3);
}

void Resizes() {
  Resizing(1, true, false, mi_malloc, mi_realloc, mi_free);
  if (Mixed()) {
    Resizing(1, true, false, malloc, mi_realloc, free);
    Resizing(1, true, false, mi_malloc, realloc, free);
  }
  Resizing(1, true, false, mi_malloc, mi_reallocf, mi_free);
  Resizing(1, true, false, mi_malloc, mi_new_realloc, mi_free);
  Resizing(1, true, true, mi_zalloc, mi_rezalloc, mi_free);
  using Counted = void*(void*, Size, Size);
  for (Counted* resize : {mi_reallocn, mi_reallocarray, mi_new_reallocn, mi_recalloc}) {
    Resizing(
        1, true, resize == mi_recalloc, mi_zalloc,
        [=](void* old, Size size) { return resize(old, size / 2, 2); }, mi_free);
  }
  Resizing(
      1, true, false, mi_malloc,
      [](void* old, Size size) {
        CHECK(mi_reallocarr(&old, size / 2, 2) == 0);
        return old;
      },
      mi_free);
  for (Size alignment : {16u, 256u, 8192u}) {
    const auto zeroed = [=](Size size) { return mi_zalloc_aligned(size, alignment); };
    for (Counted* resize : {mi_realloc_aligned, mi_rezalloc_aligned}) {
      Resizing(
          alignment, true, resize == mi_rezalloc_aligned, zeroed,
          [=](void* old, Size size) { return resize(old, size, alignment); }, mi_free);
    }
    using At = void*(void*, Size, Size, Size);
    for (At* resize : {mi_realloc_aligned_at, mi_rezalloc_aligned_at}) {
      Resizing(
          alignment, true, resize == mi_rezalloc_aligned_at, zeroed,
          [=](void* old, Size size) { return resize(old, size, alignment, 0); }, mi_free);
    }
    for (At* resize : {mi_recalloc_aligned, mi_aligned_recalloc}) {
      Resizing(
          alignment, true, true, zeroed,
          [=](void* old, Size size) { return resize(old, size / 2, 2, alignment); }, mi_free);
    }
    using CountedAt = void*(void*, Size, Size, Size, Size);
    for (CountedAt* resize : {mi_recalloc_aligned_at, mi_aligned_offset_recalloc}) {
      Resizing(
          alignment, true, true, zeroed,
          [=](void* old, Size size) { return resize(old, size / 2, 2, alignment, 0); }, mi_free);
    }
  }
  const WracklineTestCounts before = Counts();
  volatile Size huge = SIZE_MAX / 4;
  for (Size size : {1000u, 100'000u}) {
    void* block = mi_malloc(size);
    Fill(block, size);
    CHECK(mi_realloc(block, huge) == nullptr);
    CHECK(Filled(block, size));
    CHECK(mi_recalloc(block, huge, 8) == nullptr);
    CHECK(mi_reallocarr(&block, huge, 8) != 0);
    CHECK(mi_expand(block, size * 3) == nullptr && mi_expand(block, size) == block);
    CHECK(mi__expand(block, size) == block && mi_expand(nullptr, 1) == nullptr);
    CHECK(Filled(block, size));
    CHECK(mi_reallocf(block, huge) == nullptr);  // frees it
  }
  if (Profiled()) CHECK(Counts().live == before.live);
}

// An offset that is no multiple of the alignment.
void Offsets() {
  if (mi_heap_new == nullptr) return;  // cannot be made of another allocator
  for (Size size : {100u, 40'000u}) {
    const WracklineTestCounts before = Counts();
    void* block = mi_malloc_aligned_at(size, 256, 24);
    CHECK((reinterpret_cast<std::uintptr_t>(block) + 24) % 256 == 0);
    Fill(block, size);
    block = mi_realloc_aligned_at(block, 2 * size, 256, 24);
    CHECK((reinterpret_cast<std::uintptr_t>(block) + 24) % 256 == 0);
    CHECK(Filled(block, size));
    if (Profiled()) CHECK(Counts().live == before.live + 1);
    mi_free(block);
    if (Profiled()) CHECK(Counts().live == before.live);
  }
}

void Asking() {
  if (mi_heap_new == nullptr) return;
  Heap* other = mi_heap_new();
  for (Size size : {100u, 40'000u}) {
    void* block = mi_malloc(size);
    CHECK(mi_is_in_heap_region(block) && mi_check_owned(block));
    CHECK(mi_heap_check_owned(mi_heap_get_default(), block));
    CHECK(mi_heap_contains_block(mi_heap_get_default(), block));
    CHECK(!mi_heap_contains_block(other, block));
    mi_free(block);
  }
  mi_heap_destroy(other);
}

// A heap goes with all that is in it.
void FirstClassHeaps() {
  if (mi_heap_new == nullptr) return;
  Heap* heap = mi_heap_new();
  const WracklineTestCounts before = Counts();
  const auto make = [=](Size size) { return mi_heap_malloc(heap, size); };
  const auto make_aligned = [=](Size size) {
    void* block = mi_heap_realloc_aligned(heap, nullptr, size, 256);
    memset(block, 0, mi_usable_size(block));
    return block;
  };
  Resizing(
      1, false, false, make, [=](void* old, Size size) { return mi_heap_realloc(heap, old, size); },
      mi_free);
  Resizing(
      1, false, false, make,
      [=](void* old, Size size) { return mi_heap_reallocf(heap, old, size); }, mi_free);
  Resizing(
      1, false, false, make,
      [=](void* old, Size size) { return mi_heap_reallocn(heap, old, size / 2, 2); }, mi_free);
  Resizing(
      256, false, true, make_aligned,
      [=](void* old, Size size) { return mi_heap_rezalloc_aligned(heap, old, size, 256); },
      mi_free);
  Resizing(
      256, false, true, make_aligned,
      [=](void* old, Size size) { return mi_heap_rezalloc_aligned_at(heap, old, size, 256, 0); },
      mi_free);
  Resizing(
      256, false, false, make_aligned,
      [=](void* old, Size size) { return mi_heap_realloc_aligned_at(heap, old, size, 256, 0); },
      mi_free);
  Resizing(
      256, false, true, make_aligned,
      [=](void* old, Size size) { return mi_heap_recalloc_aligned(heap, old, size / 2, 2, 256); },
      mi_free);
  Resizing(
      256, false, true, make_aligned,
      [=](void* old, Size size) {
        return mi_heap_recalloc_aligned_at(heap, old, size / 2, 2, 256, 0);
      },
      mi_free);
  // Blocks of the thread's heap that move into this one.
  using Move = void* (*)(Heap*, void*, Size);
  const Move moves[] = {
      mi_heap_realloc, mi_heap_reallocf, mi_heap_rezalloc,
      [](Heap* to, void* old, Size size) { return mi_heap_recalloc(to, old, size / 2, 2); }};
  for (const Move move : moves) {
    for (Size size : {100u, 100'000u}) {
      void* block = move(heap, mi_zalloc(size), 4 * size);
      CHECK(Zero(block, 0, size));
      CHECK(mi_heap_contains_block(heap, block));
    }
  }
  // While it serves the thread.
  Heap* usual = mi_heap_set_default(heap);
  for (Size size : {100u, 100'000u}) {
    CHECK(mi_heap_contains_block(heap, mi_malloc(size)));
    CHECK(mi_heap_contains_block(heap, mi_realloc(nullptr, size)));
    CHECK(mi_heap_contains_block(heap, mi_malloc_aligned(size, 64)));
    CHECK(mi_heap_contains_block(heap, mi_strdup("text")));
  }
  mi_heap_set_default(usual);
  if (Profiled()) CHECK(Counts().live == before.live);
  mi_heap_destroy(heap);
}

void Limits() {
  volatile Size half = SIZE_MAX / 2 + 2;
  CHECK(mi_calloc(half, 4) == nullptr);
  CHECK(mi_mallocn(half, 4) == nullptr);
  CHECK(mi_malloc(half) == nullptr);
  void* block = nullptr;
  CHECK(mi_posix_memalign(&block, 3, 64) == EINVAL);
  CHECK(mi_malloc_aligned(64, 3) == nullptr);
  mi_free(nullptr);
  CHECK(mi_usable_size(nullptr) == 0);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc == 2) {
    g_private = dlopen(argv[1], RTLD_NOW | RTLD_LOCAL);
    if (g_private == nullptr) fprintf(stderr, "%s\n", dlerror());
    CHECK(g_private != nullptr);
  }
  BindAll();
  if (mi_malloc == nullptr) return 0;
  if (g_private != nullptr) g_usable_size = [](void* block) { return mi_usable_size(block); };
  for (Size size : {64u, 100u, 5120u, 100'000u, 3'000'000u}) {
    Plain(size);
    Aligned(size);
  }
  SmallAndAligned(mi_malloc_aligned, mi_free);
  SmallAndAligned(
      [](Size size, Size alignment) { return mi_realloc_aligned(mi_malloc(40), size, alignment); },
      mi_free);
  Strings();
  Resizes();
  Offsets();
  Asking();
  FirstClassHeaps();
  Limits();
  return 0;
}
