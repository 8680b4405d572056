// The settings that `wrackline report --format json` proposes, as a program reads them.
#pragma once

#include <string>

#include "rocksdb_probe/example/keyed_state.h"

namespace wrackline::example {

// Reads /proposal/settings of the report at `path`. False, with one line in `error`: no such file,
// no report, no proposal in it (nothing fits, or nothing was wrong), or a value that is no size.
bool ReadSettingsFile(const std::string& path, MemorySettings* out, std::string* error);

}  // namespace wrackline::example
