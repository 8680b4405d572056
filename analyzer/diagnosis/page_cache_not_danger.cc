// Much of the charge is page cache, which the kernel drops before it kills: it looks like a full
// pod and is none.
#include <fmt/core.h>

#include "analyzer/diagnosis/rules.h"

namespace wrackline::diagnosis {

std::optional<Finding> PageCacheIsNoDanger(const Case& c) {
  if (!c.ledger) return std::nullopt;
  for (const ledger::Line& line : c.ledger->lines) {
    if (line.id != "file.page_cache" || 5 * line.amount < c.ledger->total) continue;
    Finding finding;
    finding.role = Role::kInformation;
    finding.confidence = Confidence::kHigh;
    finding.amount = line.amount;
    finding.summary =
        fmt::format("{} of the charge is page cache, which the kernel drops before it kills",
                    FormatBytes(line.amount));
    if (c.evidence.peak_working_set)
      finding.evidence.push_back(fmt::format("peak without the inactive page cache: {}",
                                             FormatBytes(c.evidence.peak_working_set->amount)));
    return finding;
  }
  return std::nullopt;
}

}  // namespace wrackline::diagnosis
