// A dashboard that adds up the families' gauges shows more than there is: said with the figures,
// because that number is what people size by.
#include <fmt/core.h>

#include "analyzer/diagnosis/rules.h"
#include "analyzer/ledger/rocksdb_totals.h"

namespace wrackline::diagnosis {

std::optional<Finding> GaugesCountedTwice(const Case& c) {
  if (!c.evidence.metrics || !c.evidence.rocksdb) return std::nullopt;
  const ledger::RocksDbTotals totals = ledger::TotalsOf(*c.evidence.rocksdb);
  const Bytes excess = totals.naive - totals.total;
  // Below a twentieth it misleads nobody.
  if (20 * excess <= totals.total) return std::nullopt;
  Finding finding;
  finding.role = Role::kInformation;
  finding.confidence = Confidence::kHigh;
  finding.amount = excess;
  finding.summary =
      fmt::format("Every family's gauges added up give {}: {} more than RocksDB holds",
                  FormatBytes(totals.naive), FormatBytes(excess));
  if (totals.caches_again.count > 0)
    finding.evidence.push_back(
        fmt::format("{} is the usage of shared caches, again for each further family",
                    FormatBytes(totals.caches_again)));
  if (totals.memtables_again.count > 0)
    finding.evidence.push_back(fmt::format("{} is memtables that are charged to a cache",
                                           FormatBytes(totals.memtables_again)));
  return finding;
}

}  // namespace wrackline::diagnosis
