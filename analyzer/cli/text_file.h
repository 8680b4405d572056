// A text that the user names, whole, before it is parsed.
#pragma once

#include <cstddef>
#include <string>

#include "lib/base/result.h"

namespace wrackline::cli {

// `path` may be "-", standard input, or a pipe, which has no size before it is read. Errors, with the path: not readable; larger
// than `most` bytes, which `what` says in words ("1 MiB"), with `hint`.
Result<std::string> ReadTextFile(const std::string& path, std::size_t most, const char* what,
                                 const char* hint);

}  // namespace wrackline::cli
