#include "analyzer/report/report.h"

#include <algorithm>

#include "analyzer/report/demand.h"

namespace wrackline::report {
namespace {

bool RocksDbNeedsSizing(const diagnosis::Diagnosis& diagnosis, const sizing::Demand& demand) {
  if (diagnosis::IsOomKill(diagnosis.outcome) ||
      diagnosis.outcome == diagnosis::Outcome::kStoppedAtLimit)
    return true;
  if (!demand.limit) return false;
  return std::any_of(
      diagnosis.findings.begin(), diagnosis.findings.end(),
      [](const diagnosis::Finding& finding) { return finding.rule == "rocksdb_unmanaged"; });
}

}  // namespace

const evidence::AllocatorFigures* Report::Allocator() const {
  if (ledger && ledger->allocator) return &*ledger->allocator;
  return evidence.allocator ? &*evidence.allocator : nullptr;
}

Report BuildReport(evidence::Evidence evidence, const std::optional<FlinkTarget>& flink) {
  Report report;
  report.ledger = ledger::BuildLedger(evidence);
  report.diagnosis = diagnosis::Diagnose(evidence, report.ledger);
  const std::optional<sizing::Demand> demand = DemandOf(evidence, report.ledger);
  if (!demand) {
    if (flink)
      report.proposal_error = "no proposal: the recording has no RocksDB figures to size by";
  } else if (flink) {
    Result<sizing::Proposal> proposal =
        sizing::ProposeFlink(*demand, flink->configuration, flink->version);
    if (proposal.ok()) {
      report.proposal = std::move(proposal.value());
    } else {
      report.proposal_error = proposal.error().Text();
    }
  } else if (RocksDbNeedsSizing(report.diagnosis, *demand)) {
    report.proposal = sizing::ProposeRocksDb(*demand);
  }
  report.evidence = std::move(evidence);
  return report;
}

}  // namespace wrackline::report
