// RocksDB's part of a recording: the databases open at the end or before, each cache and manager once.
#pragma once

#include <optional>

#include "analyzer/evidence/evidence.h"
#include "lib/recorder/reader.h"

namespace wrackline::evidence {

// Nothing when no database was being watched at the end.
std::optional<RocksDb> RocksDbFromRecording(const recorder::Recording& recording);

// Of a recording in which databases were closed before the end, as in Evidence::rocksdb_over_life. Nothing where none was, or where
// none was sampled.
std::optional<RocksDb> RocksDbOverLife(const recorder::Recording& recording);

// What the databases held at `time`, also those that were closed later: of each the newest sample at
// or before it, or else the first after it, at most kRocksDbReach away. A peak is followed by a
// fall, often a memtable given back after its flush: a later sample, however near, may be of that.
// Without history; peaks are those samples'. Nothing when there
// is no such sample.
std::optional<RocksDb> RocksDbNear(const recorder::Recording& recording, Time time);

}  // namespace wrackline::evidence
