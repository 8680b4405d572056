// The recorded demand of one process: what sizing sums up and the back-test replays.
//
//   std::optional<sizing::Run> run = RunOf(evidence, ledger::BuildLedger(evidence), "tm-7.wrack");
//
// Where each figure comes from, and what stands in for one that is missing: docs/run-files.md. Pure; any thread.
#pragma once

#include <optional>
#include <string>

#include "analyzer/evidence/evidence.h"
#include "analyzer/ledger/ledger.h"
#include "analyzer/sizing/run.h"

namespace wrackline::report {

// Nothing when nothing says how much the process held. Of a scrape of metrics alone the moments are sums of what the metrics name, and
// Run::partial is set.
std::optional<sizing::Run> RunOf(const evidence::Evidence& evidence,
                                 const std::optional<ledger::Ledger>& ledger, std::string name);

}  // namespace wrackline::report
