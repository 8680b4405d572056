#include "analyzer/diagnosis/diagnosis.h"

#include <algorithm>
#include <tuple>

#include "analyzer/diagnosis/outcome.h"
#include "analyzer/diagnosis/rules.h"
#include "analyzer/diagnosis/verdict.h"

namespace wrackline::diagnosis {

Diagnosis Diagnose(const evidence::Evidence& evidence,
                   const std::optional<ledger::Ledger>& ledger) {
  Diagnosis diagnosis;
  diagnosis.outcome = DecideOutcome(evidence, &diagnosis.outcome_evidence);
  const Case c{evidence, ledger, diagnosis.outcome};
  for (const Rule& rule : Rules()) {
    std::optional<Finding> finding = rule.look(c);
    if (!finding) continue;
    finding->rule = rule.name;
    diagnosis.findings.push_back(*std::move(finding));
  }
  std::stable_sort(diagnosis.findings.begin(), diagnosis.findings.end(),
                   [](const Finding& a, const Finding& b) {
                     return std::tuple(a.role, a.confidence, -a.amount.count) <
                            std::tuple(b.role, b.confidence, -b.amount.count);
                   });
  diagnosis.verdict = Verdict(c, diagnosis.findings);
  return diagnosis;
}

std::string_view Name(Confidence confidence) {
  switch (confidence) {
    case Confidence::kHigh:
      return "high";
    case Confidence::kMedium:
      return "medium";
    case Confidence::kLow:
      return "low";
  }
  return "unknown";
}

std::string_view Name(Role role) {
  switch (role) {
    case Role::kCause:
      return "cause";
    case Role::kContributor:
      return "contributor";
    case Role::kInformation:
      return "information";
  }
  return "unknown";
}

}  // namespace wrackline::diagnosis
