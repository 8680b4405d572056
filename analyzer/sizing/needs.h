// What each component of Flink's memory model needs, from the recorded demand of some runs. Formulas, margins and their reasons:
// docs/sizing.md. Pure; any thread.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "analyzer/flink/memory_model.h"
#include "analyzer/flink/rocksdb_budget.h"
#include "analyzer/sizing/run.h"

namespace wrackline::sizing {

// What one component needs, and why.
struct Need {
  std::optional<Bytes> peak;  // seen; nothing: not observed
  Bytes floor;                // with less it does not work, or is not known to
  Bytes wish;                 // what it keeps where there is room for it: never below the floor
  std::string reason;
};

// How RocksDB is bounded in what is proposed.
enum class RocksDbPlan {
  kNone,     // no RocksDB was seen
  kManaged,  // by managed memory, as it was
  kTurnOn,   // by managed memory, from now on
  kOutside,  // by a fixed budget that the memory model does not know of
};

// The sizes that a proposal chooses. Framework heap is part of `heap`.
struct Sizes {
  Bytes heap, metaspace, network, managed, task_off_heap, overhead;
};

struct Needs {
  Need heap, metaspace, network, managed, task_off_heap, overhead;
  Bytes framework_off_heap;  // as configured; no proposal changes it
  RocksDbPlan plan = RocksDbPlan::kNone;
  Bytes smallest_pool;  // of RocksDB, for all slots
  Bytes comfortable;  // managed memory of the smallest pod: what RocksDB made use of, or its floor
  // Overhead of the smallest pod: all of the rest, so that framework off-heap memory stays what it is for; at most what there is.
  Bytes comfortable_overhead;
  Bytes overshoot;  // of RocksDB beyond its pool, at its peak
  // Of the run that asks for the most task off-heap memory for it: what it held, what bounded it, how much beyond, and what that asks
  // for. Nothing: no run does.
  struct Beyond {
    Bytes peak, bound, overshoot, off_heap;
    bool fixed = false;  // the bound was no managed memory
  };
  std::optional<Beyond> beyond;
  // What the process holds at its peak beside heap, network and RocksDB's pool: metaspace, other direct buffers, the overshoot or
  // the table readers, a fixed budget, and the rest.
  Bytes fixed;

  // Task off-heap memory beside so much managed memory: with management turned on an eighth of it for what RocksDB and the allocator
  // take beyond it.
  Bytes OffHeapBeside(Bytes managed) const;
  // What RocksDB's pool and the allocator's share of it take.
  Bytes Pool(Bytes managed) const;
  // The working set at its peak under these sizes, the heap and the pools full.
  Bytes Predicted(const Sizes& sizes) const;
  Bytes Total(const Sizes& sizes) const;  // of the memory model: the process size
  // Every size is at least its floor.
  bool Holds(const Sizes& sizes) const;
  Sizes Floors() const;
  Sizes Wishes() const;
};

// The runs that have to live, in the order given: ceil(confidence x runs) of them, at least one, those of the smallest total demand.
std::vector<Run> ToHold(std::vector<Run> runs, double confidence);

// `now`, `budget`: of the configuration that is to be changed. Every run has a moment.
Needs NeedsOf(const std::vector<Run>& runs, const flink::TaskManagerMemory& now,
              const flink::RocksDbBudget& budget);

}  // namespace wrackline::sizing
