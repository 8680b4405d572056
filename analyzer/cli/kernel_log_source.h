// The kernel's log, where this process may read it.
#pragma once

#include <chrono>
#include <string>

namespace wrackline::cli {

// Messages since `since` (CLOCK_MONOTONIC), one a line, from /dev/kmsg, or all that syslog(2) still
// has where that cannot be read. Empty when neither can.
std::string ReadKernelLog(std::chrono::nanoseconds since);

}  // namespace wrackline::cli
