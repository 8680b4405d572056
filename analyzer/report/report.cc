#include "analyzer/report/report.h"

#include <algorithm>

#include "analyzer/flink/version.h"
#include "analyzer/report/demand.h"
#include "analyzer/report/run_of.h"

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

// Of a path its last part.
std::string NameOf(const std::string& source) {
  const std::size_t end = source.find_last_not_of('/');
  if (end == std::string::npos) return source;
  const std::size_t slash = source.rfind('/', end);
  return source.substr(slash == std::string::npos ? 0 : slash + 1, end - slash);
}

// The run to size the whole TaskManager by; nothing where the heap was not seen: then only RocksDB's part can be sized.
std::optional<sizing::Run> WholeRun(const evidence::Evidence& evidence,
                                    const std::optional<ledger::Ledger>& ledger) {
  std::optional<sizing::Run> run = RunOf(evidence, ledger, NameOf(evidence.source));
  if (!run || run->partial) return std::nullopt;
  const bool has_heap =
      std::any_of(run->moments.begin(), run->moments.end(),
                  [](const sizing::Moment& moment) { return moment.heap.has_value(); });
  return has_heap ? run : std::nullopt;
}

Result<sizing::Proposal> ProposeFor(const sizing::Run& run, const FlinkTarget& flink) {
  const Result<flink::Version> version = flink::ParseVersion(flink.version);
  if (!version.ok()) return version.error();
  return sizing::ProposeFlink({run}, {flink.configuration, version.value(), run.limit}, {});
}

void Propose(const evidence::Evidence& evidence, const std::optional<FlinkTarget>& flink,
             Report* report) {
  if (const auto run = flink ? WholeRun(evidence, report->ledger) : std::nullopt) {
    Result<sizing::Proposal> proposal = ProposeFor(*run, *flink);
    if (proposal.ok()) {
      report->proposal = std::move(proposal.value());
    } else {
      report->proposal_error = proposal.error().Text();
    }
    return;
  }
  std::optional<sizing::Demand> demand = DemandOf(evidence, report->ledger);
  if (!demand) {
    if (flink)
      report->proposal_error = evidence.metrics
                                   ? "no proposal: the metrics have no RocksDB figures to size by"
                                   : "no proposal: the recording has no RocksDB figures to size by";
  } else if (flink) {
    const std::string assumed = evidence.metrics ? Assume(*evidence.metrics, *flink, &*demand) : "";
    Result<sizing::Proposal> proposal =
        sizing::ProposeFlink(*demand, flink->configuration, flink->version);
    if (proposal.ok()) {
      report->proposal = std::move(proposal.value());
      if (!assumed.empty())
        report->proposal->advice.insert(report->proposal->advice.begin(), assumed);
    } else {
      report->proposal_error = proposal.error().Text();
    }
  } else if (RocksDbNeedsSizing(report->diagnosis, *demand)) {
    report->proposal = sizing::ProposeRocksDb(*demand);
  }
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
  Propose(evidence, flink, &report);
  report.evidence = std::move(evidence);
  return report;
}

}  // namespace wrackline::report
