// Without a limit nothing can be compared with one.
#include "analyzer/diagnosis/rules.h"

namespace wrackline::diagnosis {

std::optional<Finding> NoLimit(const Case& c) {
  if (c.evidence.limit) return std::nullopt;
  Finding finding;
  finding.role = Role::kInformation;
  finding.confidence = Confidence::kHigh;
  finding.summary = "No memory limit was recorded; --limit SIZE says what to compare with";
  return finding;
}

}  // namespace wrackline::diagnosis
