// Evidence and ledger -> the demand that sizing works with.
#pragma once

#include <optional>
#include <string>

#include "analyzer/evidence/evidence.h"
#include "analyzer/flink/memory_model.h"
#include "analyzer/ledger/ledger.h"
#include "analyzer/sizing/demand.h"

namespace wrackline::report {

// Pure. Nothing when no RocksDB was watched or nothing says how much the process needed.
std::optional<sizing::Demand> DemandOf(const evidence::Evidence& evidence,
                                       const std::optional<ledger::Ledger>& ledger);

// Metrics say a part only of what is outside RocksDB: what they do not show is taken to need what
// Flink's configuration budgets for it. Raises demand->outside_rocksdb to the sum, over heap, direct
// memory, metaspace and JVM overhead, of the larger of budget and observation; returns that in
// words.
std::string AssumeFlinkBudgets(const evidence::FlinkMemory& observed,
                               const flink::TaskManagerMemory& budgets, sizing::Demand* demand);

}  // namespace wrackline::report
