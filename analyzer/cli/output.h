// Writing a command's result to standard output or to the file of --output.
#pragma once

#include <string>

#include "lib/base/result.h"

namespace wrackline::cli {

// `path` empty: standard output. A file is written whole or not at all (lib/base/whole_file.h).
Status WriteOutput(const std::string& text, const std::string& path);

}  // namespace wrackline::cli
