// The limit is shared: other processes of the cgroup held a good part of it.
#include <fmt/core.h>

#include "analyzer/diagnosis/rules.h"

namespace wrackline::diagnosis {

std::optional<Finding> OtherProcesses(const Case& c) {
  if (!c.ledger) return std::nullopt;
  const Bytes others = c.ledger->Of(ledger::Holder::kOtherProcesses);
  if (others.count <= 0 || 5 * others < c.ledger->total) return std::nullopt;
  Finding finding;
  finding.role =
      2 * others > c.ledger->total && EndedByLimit(c.outcome) ? Role::kCause : Role::kContributor;
  finding.confidence = Confidence::kMedium;
  finding.amount = others;
  finding.summary = fmt::format("Other processes in the same cgroup held {}", FormatBytes(others));
  finding.evidence.push_back("the cgroup's anonymous memory less this process's");
  return finding;
}

}  // namespace wrackline::diagnosis
