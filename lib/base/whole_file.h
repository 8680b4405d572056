// Writing a file whole or not at all.
#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>

#include "lib/base/result.h"

namespace wrackline {

// Writes `bytes` to a name of its own beside `path`, then renames that. A link is followed: what it leads to is replaced, and the
// link stays. A device or a pipe, and what the process has open already (/dev/stdout), is written to as it is, never replaced, whole or
// not. `mode`: of a new file, less the umask. Error: errno in words and what to do; nothing is left behind then.
Status WriteWholeFile(const std::string& path, std::string_view bytes, mode_t mode);

}  // namespace wrackline
