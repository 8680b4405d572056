// Every function that gives out, resizes, frees or measures a block, in tables: malloc's family, each
// form of operator new and delete, jemalloc's, tcmalloc's and mimalloc's own. What a storm draws from.
//
// A row says how the function is called and for which blocks: a block is resized and freed by the
// functions of the heap that made it, an array by the array forms, and so on.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace wrackline::storm {

enum class Heap : std::uint8_t {
  kMalloc,
  kNew,
  kNewArray,
  kNewAligned,
  kNewArrayAligned,
  kJemalloc,
  kTcmalloc,
  kMimalloc,
};

struct Block {
  void* at = nullptr;
  std::size_t size = 0;       // bytes that are the program's
  std::uint64_t tag = 0;      // of what is in it
  std::size_t alignment = 0;  // asked for; 0: the allocator's own
  Heap heap = Heap::kMalloc;
  bool sized = false;  // may be freed by a function that is told the size
};

// `function` is what the name led to.
struct Maker {
  const char* name;
  Heap heap;
  void* (*make)(void* function, std::size_t size, std::size_t alignment);
  enum Traits : unsigned {
    kAligned = 1,  // to the alignment that is passed
    kZeroed = 2,
    kSized = 4,
    kSmall = 8,      // up to 1024 bytes
    kNotEmpty = 16,  // undefined, or different everywhere, for size 0
    kWhole = 32,     // size is a multiple of the alignment
    kPages = 64,     // to pages
    kText = 128,     // a string of size - 1 characters
  };
  unsigned traits;
  void* function = nullptr;
};
struct Resizer {
  const char* name;
  Heap heap;
  // Null: it could not, and the block is as it was.
  void* (*resize)(void* function, const Block& block, std::size_t size);
  bool aligned;         // for aligned blocks as well
  bool counted = true;  // as an allocation
  void* function = nullptr;
};
struct Dropper {
  const char* name;
  Heap heap;
  void (*drop)(void* function, const Block& block);
  enum class For { kAny, kNotEmpty, kSized, kPlain, kAligned, kPlainSized, kAlignedSized } blocks;
  void* function = nullptr;
};
struct Measurer {
  const char* name;
  Heap heap;
  std::size_t (*measure)(void* function, void* block);
  void* function = nullptr;
};

inline bool Accepts(Dropper::For blocks, const Block& block) {
  switch (blocks) {
    case Dropper::For::kAny:
      return true;
    case Dropper::For::kNotEmpty:
      return block.size != 0;
    case Dropper::For::kSized:
      return block.sized;
    case Dropper::For::kPlain:
      return block.alignment == 0;
    case Dropper::For::kAligned:
      return block.alignment != 0;
    case Dropper::For::kPlainSized:
      return block.sized && block.alignment == 0;
    case Dropper::For::kAlignedSized:
      return block.sized && block.alignment != 0;
  }
  return false;
}

struct Entries {
  std::vector<Maker> makers;
  std::vector<Resizer> resizers;
  std::vector<Dropper> droppers;
  std::vector<Measurer> measurers;
  // What there is in jemalloc beside: a block resized where it is. Gives its size then.
  std::size_t (*xallocx)(void*, std::size_t, std::size_t, int) = nullptr;
  void* (*mi_expand)(void*, std::size_t) = nullptr;
  std::vector<const char*> missing;
  bool mimalloc_behind = false;  // malloc is mimalloc's
};

// Those whose names, with `prefix` before them, the process has.
Entries FindEntries(const char* prefix);

// jemalloc's flags for an alignment.
inline int LogAlignment(std::size_t alignment) {
  return alignment == 0 ? 0 : __builtin_ctzll(alignment);
}

}  // namespace wrackline::storm
