// Where libwrackline_preload.so is.
#pragma once

#include <string>

#include "lib/base/result.h"

namespace wrackline::cli {

// WRACKLINE_PRELOAD_LIBRARY; else beside this program, in a build tree (../preload), or in the lib
// folders next to its bin folder. The path is absolute and one that LD_PRELOAD can hold (no space,
// no colon). Errors: not found; such a path.
Result<std::string> FindPreloadLibrary();

}  // namespace wrackline::cli
