// The timeline of one process, each moment split into who held the working set then.
//
// Every source has its own clock: the kernel's figures come each second, the VM's up to 30 s apart, RocksDB's each second. What is read
// where for a moment, and what stands in for a reading that is missing: docs/run-files.md. Pure; any thread.
#pragma once

#include <vector>

#include "analyzer/evidence/evidence.h"
#include "analyzer/ledger/ledger.h"
#include "analyzer/sizing/run.h"

namespace wrackline::report {

// When the process started; where that is not known, when it was first seen.
evidence::Time StartOf(const evidence::Evidence& evidence);

// All of them, not thinned. Empty: nothing says how much it held. `basis`: what the process's memory is, as the ledger chose.
std::vector<sizing::Moment> MomentsOf(const evidence::Evidence& evidence, ledger::Basis basis);

}  // namespace wrackline::report
