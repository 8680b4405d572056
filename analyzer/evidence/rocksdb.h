// RocksDB's part of a recording: the databases open at the end, each cache and manager once.
#pragma once

#include <optional>

#include "analyzer/evidence/evidence.h"
#include "lib/recorder/reader.h"

namespace wrackline::evidence {

// Nothing when no database was being watched at the end.
std::optional<RocksDb> RocksDbFromRecording(const recorder::Recording& recording);

}  // namespace wrackline::evidence
