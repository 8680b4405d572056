// Anonymous memory for the recorder thread's tables: reserved whole, touched as it fills, never
// from the allocator.
#pragma once

#include <sys/mman.h>
#include <sys/prctl.h>

#include <cstddef>

namespace wrackline::preload {

// nullptr when the kernel refuses. The mapping carries the name "[anon:wrackline]" in maps where
// the kernel can (5.17), stays out of core dumps and is never made of huge pages, which would make
// small use look large.
inline void* MapPages(std::size_t bytes) {
  void* pages = mmap(nullptr, bytes, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (pages == MAP_FAILED) return nullptr;
  madvise(pages, bytes, MADV_NOHUGEPAGE);
  madvise(pages, bytes, MADV_DONTDUMP);
  constexpr int kPrSetVma =
      0x53564d41;  // PR_SET_VMA, PR_SET_VMA_ANON_NAME 0: newer than these headers may be
  prctl(kPrSetVma, 0, pages, bytes, "wrackline");
  return pages;
}

// An array of T, all zero bytes, for the life of the process.
template <typename T>
T* MapArray(std::size_t count) {
  return static_cast<T*>(MapPages(count * sizeof(T)));
}

// How much of [start, start + bytes) is resident now.
inline std::size_t ResidentBytes(const void* start, std::size_t bytes) {
  constexpr std::size_t kPage = 4096;
  constexpr std::size_t kPagesAtOnce = 2048;
  unsigned char resident[kPagesAtOnce];
  const char* at = static_cast<const char*>(start);
  std::size_t pages = (bytes + kPage - 1) / kPage;
  std::size_t found = 0;
  while (pages > 0) {
    const std::size_t now = pages < kPagesAtOnce ? pages : kPagesAtOnce;
    if (mincore(const_cast<char*>(at), now * kPage, resident) != 0) break;
    for (std::size_t i = 0; i < now; ++i) found += resident[i] & 1;
    at += now * kPage;
    pages -= now;
  }
  return found * kPage;
}

}  // namespace wrackline::preload
