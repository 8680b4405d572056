// What the hooks of mimalloc's functions share. Of version 2.0.9's exports all are hooked that
// give out a block of the thread's heap, resize, free or measure one, or ask about one, but for
// the strings that are rarely wanted (mi_realpath, mi_mbsdup, mi_wcsdup, mi_dupenv_s,
// mi_wdupenv_s): their blocks are not sampled, or as mi_malloc's where mimalloc makes them of that.
//
// First-class heaps (mi_heap_*) are never sampled: mi_heap_destroy frees all that is in one, and
// nobody says which. Hooked are those of their functions that are given a block; and what mi_malloc
// takes from such a heap, after mi_heap_set_default, is not sampled either.
#pragma once

#include "preload/hooks/family.h"

namespace wrackline::preload {

using MiHeap = void;  // mi_heap_t

extern Family g_mimalloc;
extern FamilyFunction<void(void*)> g_mi_free;
extern FamilyFunction<std::size_t(const void*)> g_mi_usable_size;

FamilyRequest DescribeMi(std::size_t size, const void* caller, bool zeroed = false,
                         std::size_t alignment = 0, std::size_t offset = 0);
// For _aligned functions, which refuse alignment 0.
FamilyRequest DescribeMiAligned(std::size_t size, const void* caller, bool zeroed,
                                std::size_t alignment, std::size_t offset = 0);

// count * size; more than there can be where that overflows.
inline std::size_t Product(std::size_t count, std::size_t size) {
  std::size_t bytes;
  return __builtin_mul_overflow(count, size, &bytes) ? SIZE_MAX : bytes;
}

// A block of `size` bytes like the request's, from `heap`, or from the thread's when that is null.
// Not counted.
void* FreshMi(MiHeap* heap, const FamilyRequest& request, std::size_t size);
void ReleaseMi(void* block, const void* caller);
std::size_t UsableMi(const void* block, const void* caller);

// Whether mi_malloc serves this thread from a first-class heap.
bool InFirstClassHeap(const void* caller);

}  // namespace wrackline::preload

#define WRACKLINE_HOOK extern "C" __attribute__((visibility("default"))) WRACKLINE_HOOK_CODE
#define WRACKLINE_CALLER __builtin_return_address(0)
// The function behind a hook.
#define WRACKLINE_BEHIND(type, name) \
  static constinit FamilyFunction<type> behind = {&g_mimalloc, name}
