// How many arenas glibc's malloc has made, and what their heaps hold.
//
// glibc says neither without writing XML to a stream (malloc_info), which allocates. But every arena
// besides the main one lives in heaps of 64 MiB of address space, aligned to their size, each with a
// header at its start (struct heap_info of malloc/arena.c, the same in its first four words since
// 2003). So: every address in /proc/self/maps that is a multiple of 64 MiB and lies in private
// readable and writable anonymous memory is a candidate, and its header decides. Headers are read
// through /proc/self/mem, where a page that is gone is an error and not a fault, and only when
// /proc/self/pagemap says that the page is there, so that nothing is paged in.
//
// The count is exact while no arena is being made. Where huge pages of the hugetlb kind back malloc
// (tunable glibc.malloc.hugetlb of 2 and more) heaps are neither of that size nor anonymous: do not
// ask then.
#pragma once

#include <cstdint>
#include <optional>

namespace wrackline::preload {

struct GlibcHeaps {
  std::uint32_t arenas;  // with the main arena, which has no heap of this kind
  std::uint32_t heaps;
  std::uint64_t mapped;                   // bytes that the allocator uses of them, free or not
  std::optional<std::uint64_t> resident;  // of `mapped`
};

// Of this process. Empty when /proc does not let us see, a header is swapped out, or there is so
// much anonymous memory (512 GiB) that looking would take long. Never allocates, takes no lock of
// the allocator's.
std::optional<GlibcHeaps> ReadGlibcHeaps();

// The header at the start of a heap, as far as it is read.
struct GlibcHeapHeader {
  std::uint64_t arena;          // address of the arena's state
  std::uint64_t previous;       // the arena's heap before this one; 0: its first
  std::uint64_t size;           // used by the allocator
  std::uint64_t mprotect_size;  // readable and writable
};
// Whether these words at `address` are a heap's header.
bool IsGlibcHeap(std::uint64_t address, const GlibcHeapHeader& header);

}  // namespace wrackline::preload
