// Memory from the kernel, all zero bytes: never from the program's allocator.
#pragma once

#include <sys/mman.h>

#include <cstddef>

namespace wrackline::rocksdb_jni {

// nullptr when the kernel refuses. Freed by munmap of the same size.
inline void* MapPages(std::size_t bytes) {
  void* pages = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  return pages == MAP_FAILED ? nullptr : pages;
}

}  // namespace wrackline::rocksdb_jni
