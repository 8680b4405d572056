// What the programs that exercise an allocator's own functions (mallocx, tc_malloc, mi_malloc, ...)
// share. Each runs with that allocator, with the shim in front of it, with the shim and without the
// allocator; with the shim at an interval of one byte, so that every block is sampled.
#pragma once

#include <dlfcn.h>
#include <malloc.h>

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <initializer_list>

#include "tests/unit/preload/programs/counts.h"

#define CHECK(condition)                                                             \
  do {                                                                               \
    if (!(condition)) {                                                              \
      fprintf(stderr, "%s:%d: not true: %s\n", __FILE_NAME__, __LINE__, #condition); \
      exit(1);                                                                       \
    }                                                                                \
  } while (0)

// The function of that name which a program that calls it would get; null: none.
template <typename Function>
Function* Named(const char* name) {
  return reinterpret_cast<Function*>(dlsym(RTLD_DEFAULT, name));
}

inline bool Profiled() { return wrackline_test_counts != nullptr; }
inline WracklineTestCounts Counts() {
  WracklineTestCounts counts = {};
  if (Profiled()) CHECK(wrackline_test_counts(&counts) == 0);
  return counts;
}

// Of blocks of the allocator in question.
inline std::size_t (*g_usable_size)(void*) = malloc_usable_size;

inline void Fill(void* block, std::size_t bytes) {
  for (std::size_t i = 0; i < bytes; ++i) {
    static_cast<unsigned char*>(block)[i] = static_cast<unsigned char>(i * 7 + 1);
  }
}
inline bool Filled(const void* block, std::size_t bytes) {
  for (std::size_t i = 0; i < bytes; ++i) {
    if (static_cast<const unsigned char*>(block)[i] != static_cast<unsigned char>(i * 7 + 1)) {
      return false;
    }
  }
  return true;
}
inline bool Zero(const void* block, std::size_t from, std::size_t to) {
  for (std::size_t i = from; i < to; ++i) {
    if (static_cast<const unsigned char*>(block)[i] != 0) return false;
  }
  return true;
}

// The block that `make` gives out is aligned, of that size, counted once (`counted` bytes; 0: not),
// and no more live when `drop` has freed it.
template <typename Make, typename Drop>
void RoundTrip(std::size_t size, std::size_t alignment, std::size_t counted, bool zeroed, Make make,
               Drop drop) {
  void* first = make();  // the first call finds the real function, which may allocate
  CHECK(first != nullptr);
  CHECK(g_usable_size(first) >= size);
  Fill(first, size);
  drop(first);
  const WracklineTestCounts before = Counts();
  void* block = make();
  CHECK(block != nullptr);
  CHECK(reinterpret_cast<std::uintptr_t>(block) % alignment == 0);
  CHECK(g_usable_size(block) >= size);
  if (zeroed) CHECK(Zero(block, 0, size));
  Fill(block, size);
  const WracklineTestCounts during = Counts();
  drop(block);
  if (Profiled()) {
    CHECK(during.allocated_bytes - before.allocated_bytes == counted);
    CHECK(during.live == before.live + (counted != 0 ? 1 : 0));
    const WracklineTestCounts after = Counts();
    CHECK(after.freed_bytes - before.freed_bytes == counted);
    CHECK(after.live == before.live);
  }
}

// A block that starts as what `make(size)` gives and is resized up and down keeps what it holds, is
// counted each time, and there is one of it. `resize(old, size)`.
template <typename Make, typename Resize, typename Drop>
void Resizing(std::size_t alignment, bool counted, bool zeroed, Make make, Resize resize,
              Drop drop) {
  drop(resize(make(40), 80));
  const WracklineTestCounts before = Counts();
  std::size_t size = 100;
  void* block = make(size);
  CHECK(block != nullptr);
  if (zeroed) CHECK(Zero(block, 0, size));
  Fill(block, size);
  const std::uint64_t made = Counts().live - before.live;
  for (std::size_t next : {104u, 200u, 1000u, 20'000u, 40'000u, 4'000'000u, 60'000u, 3'000u, 100u,
                           20'000u, 64u, 130'000u, 70u}) {
    const WracklineTestCounts last = Counts();
    block = resize(block, next);
    CHECK(block != nullptr);
    CHECK(reinterpret_cast<std::uintptr_t>(block) % alignment == 0);
    CHECK(Filled(block, size < next ? size : next));
    CHECK(g_usable_size(block) >= next);
    if (zeroed && next > size) CHECK(Zero(block, size, next));
    if (Profiled()) {
      const WracklineTestCounts now = Counts();
      CHECK(now.allocated_bytes - last.allocated_bytes == (counted ? next : 0));
      CHECK(now.live == before.live + (counted ? 1 : 0));
    }
    // Zeros are promised for what is beyond the old block's *real* size only: those that grow by
    // steps inside of it are filled as far as it goes.
    if (zeroed) memset(block, 0, g_usable_size(block));
    Fill(block, next);
    size = next;
  }
  drop(block);
  if (Profiled()) {
    CHECK(made <= 1);
    CHECK(Counts().live == before.live);
  }
}

// Blocks that are smaller than their alignment; several, because one alone may lie right by chance.
template <typename Make, typename Drop>
void SmallAndAligned(Make make, Drop drop) {
  void* blocks[64];
  for (void*& block : blocks) {
    block = make(5, 16);
    CHECK(block != nullptr);
    CHECK(reinterpret_cast<std::uintptr_t>(block) % 16 == 0);
  }
  for (void* block : blocks) drop(block);
}
