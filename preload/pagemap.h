// /proc/PID/pagemap: an entry of 8 bytes for each page of the address space (Documentation/admin-guide/mm/pagemap.rst).
#pragma once

#include <sys/types.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>

namespace wrackline::preload::pagemap {

inline constexpr std::uint64_t kPresent = 1ull << 63;
// Of a file or of shared memory, not a private copy.
inline constexpr std::uint64_t kOfFile = 1ull << 61;
inline constexpr std::uint64_t kPagesAtATime = 2048;

// Up to kPagesAtATime pages from the `first` on, counted from address 0, one after the other. Returns how many there were: 0 where it
// cannot be read.
template <typename Each>
std::uint64_t Read(int pagemap, std::uint64_t first, std::uint64_t pages, Each each) {
  std::uint64_t entries[kPagesAtATime];
  const ssize_t got = pread(pagemap, entries, std::min(pages, kPagesAtATime) * sizeof(entries[0]),
                            static_cast<off_t>(first * sizeof(entries[0])));
  if (got <= 0) return 0;
  const std::uint64_t count = static_cast<std::uint64_t>(got) / sizeof(entries[0]);
  for (std::uint64_t i = 0; i < count; ++i) each(entries[i]);
  return count;
}

}  // namespace wrackline::preload::pagemap
