// Reads a recorder file that may be written at the same time.
#pragma once

#include <string>

#include "lib/base/result.h"

namespace wrackline::recorder {

// The file's bytes, read so that a frame is never seen without the frames in front of it (the .cc
// file says how). Errors: no such file, no permission, a folder, not a regular file, larger than 4
// GiB.
Result<std::string> ReadFileBytes(const std::string& path);

// The same, and again when what was read looks damaged and the file has changed since: a file that
// changes under the reader can look damaged for a moment, a damaged one looks so every time.
Result<std::string> ReadSettledBytes(const std::string& path);

}  // namespace wrackline::recorder
