// Pressure stall information (Documentation/accounting/psi.rst). Never allocates; see cgroup.h.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "lib/container/cgroup.h"

namespace wrackline::container {

struct Pressure {
  bool of_cgroup = false;  // false: of the whole machine
  std::optional<std::uint64_t> some_total_us, full_total_us;
  std::optional<std::uint32_t> some_avg10, full_avg10;  // percent times 100
};

// The cgroup's memory.pressure, else /proc/pressure/memory below `root`. All fields empty where
// there is neither.
Pressure ReadMemoryPressure(const char* root, const Cgroup& cgroup);

// Parses a PSI file. Hostile input: what does not parse stays empty.
Pressure ParsePressure(const char* text, std::size_t length);

}  // namespace wrackline::container
