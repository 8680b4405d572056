// The limit is smaller than what the configuration adds up to: a full process cannot fit, whoever is full.
#include <fmt/core.h>

#include "analyzer/diagnosis/held.h"
#include "analyzer/diagnosis/rules.h"

namespace wrackline::diagnosis {

std::optional<Finding> LimitBelowProcess(const Case& c) {
  const std::optional<Bytes> limit = LimitOf(c.evidence);
  if (!limit || !c.evidence.flink || !c.evidence.flink->budgets ||
      !c.evidence.flink->budgets->process)
    return std::nullopt;
  const evidence::FlinkBudgets& budgets = *c.evidence.flink->budgets;
  // Kubernetes rounds to MiB, and so do people.
  if (*limit + kMiB >= *budgets.process) return std::nullopt;
  Finding finding;
  finding.amount = *budgets.process - *limit;
  finding.role = EndedByLimit(c.outcome) ? Role::kCause : Role::kContributor;
  finding.confidence = Confidence::kHigh;
  finding.summary = fmt::format(
      "The limit of {} is {} below the process size of {} that Flink was configured for",
      FormatBytes(*limit), FormatBytes(finding.amount), FormatBytes(*budgets.process));
  finding.evidence.push_back("process size by " + budgets.origin);
  if (const auto total = TotalOf(c); total && *total < *limit && !EndedByLimit(c.outcome))
    finding.against.push_back(
        fmt::format("{} were held so far: it has not come to that yet", FormatBytes(*total)));
  finding.advice.push_back(fmt::format("a limit of {}, or taskmanager.memory.process.size: {}b",
                                       FormatBytes(*budgets.process), limit->count));
  return finding;
}

}  // namespace wrackline::diagnosis
