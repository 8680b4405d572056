// Anonymous memory for the recorder's own tables: reserved whole, touched as it fills.
#pragma once

#include <sys/mman.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>

namespace wrackline::recorder {

// nullptr and errno when the kernel refuses. Never of huge pages: where these are always on, the
// first bytes of the tables were charged to the container as 4 MiB.
inline std::uint8_t* MapPages(std::size_t bytes) {
  void* pages = mmap(nullptr, bytes, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (pages == MAP_FAILED) return nullptr;
  const int saved = errno;  // kernels without huge pages refuse the advice
  madvise(pages, bytes, MADV_NOHUGEPAGE);
  errno = saved;
  return static_cast<std::uint8_t*>(pages);
}

}  // namespace wrackline::recorder
