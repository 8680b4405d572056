// The text of the diagnostic command VM.native_memory summary. Pure, no allocation.
//
//   Total: reserved=1727812KB, committed=342752KB
//   -                    Thread (reserved=27702KB, committed=882KB)
//                               (stack: reserved=27648KB, committed=828KB)
//                               (malloc=31KB #124) (peak=38KB #122)
//                               (arena=23KB #39) (peak=54KB #39)
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

namespace wrackline::preload {

struct NativeCategory {
  char name[48];
  std::uint64_t reserved, committed;    // bytes
  std::optional<std::uint64_t> malloc;  // arenas, which are malloc's too, included
};

struct NativeMemory {
  static constexpr int kMost = 40;  // JDK 25 has 27

  // Absent where tracking is off.
  std::optional<std::uint64_t> reserved, committed;
  NativeCategory categories[kMost];
  int count = 0;
};

NativeMemory ParseNativeMemory(const char* text, std::size_t size);

}  // namespace wrackline::preload
