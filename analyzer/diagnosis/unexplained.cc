// The ledger does not close: say so before anything else is believed.
#include <fmt/core.h>

#include "analyzer/diagnosis/rules.h"

namespace wrackline::diagnosis {

std::optional<Finding> Unexplained(const Case& c) {
  if (!c.ledger || c.ledger->total.count <= 0) return std::nullopt;
  const Bytes gap =
      c.ledger->unexplained.count < 0 ? -c.ledger->unexplained : c.ledger->unexplained;
  if (20 * gap <= c.ledger->total) return std::nullopt;
  Finding finding;
  finding.role = Role::kInformation;
  finding.confidence = Confidence::kHigh;
  finding.amount = gap;
  finding.summary =
      c.ledger->unexplained.count < 0
          ? fmt::format(
                "The holders add up to {} more than the total: some of it was never touched",
                FormatBytes(gap))
          : fmt::format("{} of {}{} is unexplained: who held it is not known", FormatBytes(gap),
                        FormatBytes(c.ledger->total),
                        c.ledger->moment == ledger::When::kPeak ? " at the peak" : "");
  return finding;
}

}  // namespace wrackline::diagnosis
