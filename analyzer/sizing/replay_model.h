// What becomes of one recorded run's components under other budgets. Inside the room; the formulas with their reasons:
// docs/backtest.md. Pure.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "analyzer/flink/memory_model.h"
#include "analyzer/flink/rocksdb_budget.h"
#include "analyzer/sizing/rules.h"
#include "analyzer/sizing/run.h"
#include "lib/units/bytes.h"

namespace wrackline::sizing {

inline Bytes Clamped(Bytes amount) { return std::clamp(amount, Bytes{}, kLargestFigure); }

// What a configuration grants.
struct Budgets {
  flink::TaskManagerMemory memory;
  flink::RocksDbBudget rocksdb;
  Bytes
      family_cache;  // the block cache of one family of one database, where nothing bounds RocksDB
};

// The working set of a moment, in disjoint parts.
struct Parts {
  Bytes heap, metaspace, direct, rocksdb, rest;

  Bytes Sum() const { return heap + metaspace + direct + rocksdb + rest; }
};

// `whole` x `numerator` / `denominator`, rounded down, at most kLargestFigure. None negative, the last above 0.
Bytes Scaled(Bytes whole, Bytes numerator, Bytes denominator);

class ReplayModel {
 public:
  // The run is Sanitized, as its moments are. Both must outlive it.
  ReplayModel(const Run& run, const Budgets& budgets);

  static Parts Recorded(const Moment& moment);
  Parts Predicted(const Moment& moment) const;

  // A killed run would have gone on growing: this stands for what it needed and did not live to show.
  struct Beyond {
    Moment
        peaks;  // each component at its own peak; RocksDB's caches and memtables as one, in `caches`
    Parts recorded, predicted;
  };
  Beyond BeyondTheKill() const;

  // What was not recorded, and what stands in for it: a sentence each.
  std::vector<std::string> Assumptions() const;

 private:
  // What RocksDB's caches and memtables become.
  enum class Pools {
    kAsRecorded,
    kWithBudget,  // bounded before and after
    kBounded,     // bounded only now
    kWithSlots,   // unbounded before and after
    kUnbounded,   // unbounded only now
  };

  Pools ChoosePools() const;
  Bytes WithSlots(Bytes amount) const;
  Bytes Heap(const Moment& moment) const;
  Bytes Direct(const Moment& moment) const;
  // A smaller cache holds what the larger one held, up to its size; a larger one is filled as much as that was.
  Bytes WithinBudget(Bytes recorded) const;
  // What was beyond the budget stays as much beyond a smaller one. With a larger one only the memtables grow, as far as their manager
  // lets them: the blocks beyond it were those that could not be evicted. 0 where nothing was beyond it.
  Bytes BeyondBudget(Bytes recorded) const;
  Bytes PoolsFrom(const Moment& moment) const;
  bool CachesAreFull(const Moment& moment) const;
  Bytes FullPools(Bytes peak) const;
  Bytes PeakOfRest(const Moment& peaks) const;
  Bytes MoreThatIsInRest(const Moment& moment) const;

  const Run& run_;
  const Budgets& budgets_;
  Bytes heap_, network_, budget_;  // as recorded; 0 where not known
  Bytes heap_now_, network_now_, budget_now_;
  Bytes own_caches_;  // capacity of the caches that are one family's alone; 0 where not known
  // What its families may take where nothing bounds them: as they were, and with the target's caches. 0 where not known.
  Bytes need_, need_now_;
  Pools pools_;
  bool saw_pools_ = false;
};

}  // namespace wrackline::sizing
