// Configurations of a TaskManager that might fit a limit, each derived again by the memory model of
// its version.
#pragma once

#include <algorithm>
#include <optional>

#include "analyzer/flink/memory_model.h"
#include "analyzer/flink/rocksdb_budget.h"
#include "analyzer/sizing/demand.h"
#include "analyzer/sizing/flink_edit.h"

namespace wrackline::sizing {

// What is asked: one TaskManager as it is configured and as it behaved.
struct FlinkCase {
  Demand demand;  // sanitized
  flink::Configuration configuration;
  flink::Version version;
  flink::TaskManagerMemory now;
  flink::RocksDbBudget budget;
  Bytes rocksdb_peak;
  bool unmanaged = false;  // RocksDB ran without a common bound

  bool InManaged() const { return budget.kind == flink::RocksDbBudgetKind::kManaged; }
  bool HasRocksDb() const { return !demand.families.empty() || rocksdb_peak.count > 0; }
  // Beyond the budget; 0 when within.
  Bytes Overshoot() const { return std::max(Bytes{}, rocksdb_peak - budget.amount); }
  // What task off-heap memory has to hold for RocksDB: the overshoot with its margin, and a budget
  // that the model does not know of.
  Bytes OffHeapNeed() const;
};

struct Candidate {
  FlinkEdit edit;
  flink::TaskManagerMemory memory;
  Bytes predicted_peak;
};

// The granule of the off-heap proposal: no measurement behind it is finer, and people read round
// figures.
inline constexpr Bytes kOffHeapStep = 32 * kMiB;

// The best candidate under that limit, or nothing:
//   unmanaged     management on, and the managed memory that fits
//   overshoot     task off-heap for it; the room comes from a larger process, then from the task
//   heap, then from managed memory neither       the configuration itself, cut to the limit
std::optional<Candidate> BestUnder(const FlinkCase& flink_case, Bytes limit);

// The smallest limit in whole MiB for which BestUnder finds something; 0 when none below 1 PiB
// does.
Bytes SmallestFlinkLimit(const FlinkCase& flink_case);

}  // namespace wrackline::sizing
