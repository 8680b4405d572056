// The largest resident set of this process so far, in bytes. (The kernel's ru_maxrss is that of the process that started it, if that was
// larger.)
#pragma once

#include <cstdint>
#include <cstdio>

namespace wrackline::bench {

inline std::uint64_t PeakResident() {
  std::FILE* status = std::fopen("/proc/self/status", "re");
  if (status == nullptr) return 0;
  char line[256];
  unsigned long kilobytes = 0;
  while (std::fgets(line, sizeof(line), status) != nullptr) {
    if (std::sscanf(line, "VmHWM: %lu kB", &kilobytes) == 1) break;
  }
  std::fclose(status);
  return std::uint64_t{kilobytes} << 10;
}

}  // namespace wrackline::bench
