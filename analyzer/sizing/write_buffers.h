// A write buffer with which the memtables of a slot fit its write buffer manager.
//
// A memtable grows by arena blocks, and every family that is written to has one at least. Where those of a slot and one more exceed its
// manager (flink::ArenaBlocksFit), a flush starts the next one: RocksDB writes small files and compacts them without end. Nothing is short of memory
// then, so no ledger shows it. A smaller write buffer has smaller blocks; what bounds the memtables is the manager either way.
#pragma once

#include <optional>
#include <vector>

#include "analyzer/flink/rocksdb_budget.h"
#include "analyzer/flink/version.h"
#include "analyzer/sizing/run.h"

namespace wrackline::sizing {

struct WriteBuffers {
  int written = 0;  // families of one slot that are written to, all its databases together
  Bytes present;    // write_buffer_size as recorded, the largest
  Bytes wanted;     // flink::LargestWriteBuffer; 0: none is small enough
  Bytes block;      // of `present`
  Bytes manager;    // the capacity of a slot's write buffer manager
};

// What these runs ask for with so much managed memory. Nothing: what was recorded fits, or RocksDB's families were not seen.
std::optional<WriteBuffers> WriteBuffersFor(const std::vector<Run>& runs, Bytes managed,
                                            const flink::RocksDbBudget& budget,
                                            flink::Version version);

}  // namespace wrackline::sizing
