// One report: evidence, ledger, diagnosis and proposal of one recording, ready for a renderer.
// Pure; any thread.
#pragma once

#include <optional>
#include <string>

#include "analyzer/diagnosis/diagnosis.h"
#include "analyzer/evidence/evidence.h"
#include "analyzer/flink/configuration.h"
#include "analyzer/ledger/ledger.h"
#include "analyzer/report/at_the_kill.h"
#include "analyzer/report/time_to_limit.h"
#include "analyzer/sizing/proposal.h"

namespace wrackline::report {

struct Report {
  evidence::Evidence evidence;
  std::optional<ledger::Ledger> ledger;
  diagnosis::Diagnosis diagnosis;
  std::optional<AtTheKill> at_the_kill;      // nothing where nobody was killed
  std::optional<TimeToLimit> time_to_limit;  // nothing where it is over, or there is no timeline
  std::optional<sizing::Proposal> proposal;
  std::string proposal_error;  // why there is none although one was asked for

  // The reading that the ledger is of, else the newest; nullptr: the allocator gave none.
  const evidence::AllocatorFigures* Allocator() const;
};

struct FlinkTarget {
  flink::Configuration configuration;
  std::string version;
};

// With `flink`, the proposal is for that configuration: of every component where the heap was seen, back-tested against this very run;
// of RocksDB's part where it was not. Otherwise for RocksDB itself, where RocksDB was watched and its demand does not fit the limit (or
// there is no limit: then the proposal says which one would do).
Report BuildReport(evidence::Evidence evidence, const std::optional<FlinkTarget>& flink);

}  // namespace wrackline::report
