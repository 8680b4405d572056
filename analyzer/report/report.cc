#include "analyzer/report/report.h"

#include <algorithm>

#include "analyzer/flink/version.h"
#include "analyzer/report/demand.h"

namespace wrackline::report {
namespace {

bool RocksDbNeedsSizing(const diagnosis::Diagnosis& diagnosis, const sizing::Demand& demand) {
  if (diagnosis::EndedByLimit(diagnosis.outcome)) return true;
  if (!demand.limit) return false;
  return std::any_of(
      diagnosis.findings.begin(), diagnosis.findings.end(),
      [](const diagnosis::Finding& finding) { return finding.rule == "rocksdb_unmanaged"; });
}

// "" when Flink refuses the configuration: the proposal then says why.
std::string Assume(const evidence::MetricsFacts& metrics, const FlinkTarget& flink,
                   sizing::Demand* demand) {
  const auto version = flink::ParseVersion(flink.version);
  if (!version.ok()) return {};
  const auto budgets = flink::DeriveTaskManagerMemory(flink.configuration, version.value(),
                                                      flink::Mode::kStandalone);
  return budgets.ok() ? AssumeFlinkBudgets(metrics.memory, budgets.value(), demand) : std::string();
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
  const bool own_group = !report.ledger || report.ledger->basis != ledger::Basis::kResident;
  report.at_the_kill = AtTheKillOf(evidence, report.diagnosis.outcome, own_group);
  report.time_to_limit = TimeToLimitOf(evidence, report.diagnosis.outcome, own_group);
  std::optional<sizing::Demand> demand = DemandOf(evidence, report.ledger);
  if (!demand) {
    if (flink)
      report.proposal_error = evidence.metrics
                                  ? "no proposal: the metrics have no RocksDB figures to size by"
                                  : "no proposal: the recording has no RocksDB figures to size by";
  } else if (flink) {
    const std::string assumed = evidence.metrics ? Assume(*evidence.metrics, *flink, &*demand) : "";
    Result<sizing::Proposal> proposal =
        sizing::ProposeFlink(*demand, flink->configuration, flink->version);
    if (proposal.ok()) {
      report.proposal = std::move(proposal.value());
      if (!assumed.empty())
        report.proposal->advice.insert(report.proposal->advice.begin(), assumed);
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
