// What a configuration grants RocksDB, and from where.
#pragma once

#include "analyzer/flink/configuration.h"
#include "analyzer/flink/version.h"
#include "lib/base/result.h"
#include "lib/units/bytes.h"

namespace wrackline::flink {

// In Flink's order of precedence.
enum class RocksDbBudgetKind {
  kFixedPerSlot,         // state.backend.rocksdb.memory.fixed-per-slot: outside the memory model
  kManaged,              // state.backend.rocksdb.memory.managed, the default: managed memory
  kFixedPerTaskManager,  // state.backend.rocksdb.memory.fixed-per-tm, since 1.17: outside the
                         // memory model
  kNone,                 // every column family has its own cache and write buffers, without a bound
};

struct RocksDbBudget {
  RocksDbBudgetKind kind = RocksDbBudgetKind::kManaged;
  Bytes amount;  // of the whole TaskManager; 0 for kNone
  int slots = 1;
  double write_buffer_ratio = 0.5;
};

// managed: the managed memory that the model derived. With other consumers of managed memory
// (Python, batch operators) RocksDB gets only its share; the amount here is the whole. Errors: a
// value that Flink would refuse, with Flink's message.
Result<RocksDbBudget> ReadRocksDbBudget(const Configuration& configuration, Version version,
                                        Bytes managed);

}  // namespace wrackline::flink
