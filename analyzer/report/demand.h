// Evidence and ledger -> the demand that sizing works with.
#pragma once

#include <optional>

#include "analyzer/evidence/evidence.h"
#include "analyzer/ledger/ledger.h"
#include "analyzer/sizing/demand.h"

namespace wrackline::report {

// Pure. Nothing when no RocksDB was watched or nothing says how much the process needed.
std::optional<sizing::Demand> DemandOf(const evidence::Evidence& evidence,
                                       const std::optional<ledger::Ledger>& ledger);

}  // namespace wrackline::report
