// The kernel's log, where this process may read it.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

namespace wrackline::cli {

// Messages since `since` (CLOCK_MONOTONIC), one a line, from /dev/kmsg, or all that syslog(2) still
// has where that cannot be read. Empty when neither can.
std::string ReadKernelLog(std::chrono::nanoseconds since);

// A message of /dev/kmsg, which writes newlines as \x0a, with those of a cgroup's statistics undone:
// Linux 6.1 logs them as one record, 6.12 as one a line.
std::string UnescapeKmsg(std::string_view message);

}  // namespace wrackline::cli
