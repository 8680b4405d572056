// Without a limit nothing can be compared with one.
#include "analyzer/diagnosis/held.h"
#include "analyzer/diagnosis/rules.h"

namespace wrackline::diagnosis {

std::optional<Finding> NoLimit(const Case& c) {
  if (LimitOf(c.evidence)) return std::nullopt;
  Finding finding;
  finding.role = Role::kInformation;
  finding.confidence = Confidence::kHigh;
  finding.summary = "No memory limit was recorded; --limit SIZE says what to compare with";
  return finding;
}

}  // namespace wrackline::diagnosis
