// What the mappings of smaps belong to, told from their addresses and shapes alone: no profiler ran.
//
// glibc's arenas beside the main one are heaps of 64 MiB of address space, aligned to their size, a writable part
// followed by an inaccessible one (malloc/arena.c, HEAP_MAX_SIZE). Stacks of threads are writable ranges above a guard
// of at most 32 KiB (4 KiB of glibc's, 16 KiB of HotSpot's; metaspace's granules are 64 KiB). HotSpot keeps compressed
// pointers to a heap below 32 GiB, maps its code heaps rwx, its class archive from classes.jsa with the class space behind
// it, and metaspace in nodes of 64 MiB (16 and newer).
//
//   SmapsLayout layout = LayOut(smaps, {.heap = 154 * kMiB, .metaspace = ..., .class_space = ...});
//
// Every mapping is in one part at most; what is in none stays unnamed. Pure; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "analyzer/evidence/proc_text.h"
#include "lib/units/bytes.h"

namespace wrackline::evidence {

// What the VM says of the sizes, where it said so at about the same time: of a run of mappings that could be several things,
// the one whose size fits is taken.
struct LayoutRange {
  enum class Kind { kHeap, kMetaspace, kClassSpace, kCode, kStack, kOther };
  std::uint64_t begin = 0, end = 0;
  Kind kind = Kind::kOther;
};

struct LayoutSizes {
  std::vector<LayoutRange> ranges;  // that the VM named by address; they go before any shape
  std::optional<Bytes> heap;        // reserved
  std::optional<Bytes> metaspace, class_space;  // committed
};

struct SmapsLayout {
  bool java = false;  // libjvm.so is mapped
  std::string
      allocator;  // "jemalloc", "tcmalloc", "mimalloc" by a mapped library, "glibc" by its heaps; empty: not known
  // Resident anonymous memory; a part that is not there, or cannot be told, is absent.
  std::optional<Bytes> heap, metaspace, class_space, code_cache, thread_stacks, class_archive,
      other;
  std::optional<Bytes>
      heap_shared;           // ZGC's heap is shared memory; mapped three times, it counts once
  std::uint32_t stacks = 0;  // of threads
  std::uint32_t arena_heaps = 0;
  Bytes arena_mapped, arena_resident;  // of these heaps, their writable parts
  std::optional<Bytes>
      brk_resident;  // "[heap]": glibc's main arena, as far as it is not in mappings of its own
  Bytes unnamed;     // resident anonymous memory in none of these
};

SmapsLayout LayOut(const Smaps& smaps, const LayoutSizes& sizes);

}  // namespace wrackline::evidence
