// Objects that Java made of RocksDB and did not close: what a recording says of them (proto RocksDbObjects).
#pragma once

#include <optional>

#include "analyzer/evidence/evidence.h"
#include "lib/recorder/reader.h"

namespace wrackline::evidence {

// Nothing when Java made none, or nobody counted.
std::optional<RocksDbObjects> RocksDbObjectsFromRecording(const recorder::Recording& recording);

}  // namespace wrackline::evidence
