// Memory that is not the program's heap: what lib/symbols works in while it runs inside of a profiled
// process.
#pragma once

#include <sys/mman.h>

#include <cstddef>

namespace wrackline::symbols {

// All zero bytes. nullptr when there is none. Given back with munmap.
inline void* MapAnonymous(std::size_t length) {
  void* const memory =
      mmap(nullptr, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  return memory == MAP_FAILED ? nullptr : memory;
}

}  // namespace wrackline::symbols
