// What RocksDB's options and peaks say of each column family, and whether anything bounds them together. Pure; any thread.
#pragma once

#include <optional>
#include <vector>

#include "analyzer/evidence/evidence.h"
#include "analyzer/sizing/demand.h"

namespace wrackline::report {

// RocksDB over the process's life: where databases were closed, as when a job was restarted or cancelled, those too.
const std::optional<evidence::RocksDb>& RocksDbOf(const evidence::Evidence& evidence);

// Families of one name over all databases as one, in order of their names.
std::vector<sizing::FamilyDemand> FamiliesOf(const evidence::RocksDb& rocksdb);

// All families use one cache object.
bool SharesOneCache(const evidence::RocksDb& rocksdb);

// A write buffer manager that bounds something.
bool HasWriteBufferManager(const evidence::RocksDb& rocksdb);

// Whether something bounds RocksDB as a whole, as it truly ran: families with caches of their own are unbounded whatever a
// configuration says. Where its figures do not tell, Flink's log or configuration does. Nothing: no RocksDB was seen.
std::optional<bool> RocksDbIsManaged(const evidence::Evidence& evidence);

}  // namespace wrackline::report
