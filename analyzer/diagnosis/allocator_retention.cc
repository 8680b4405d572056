// The allocator keeps memory that the program has freed.
#include <fmt/core.h>

#include "analyzer/diagnosis/rules.h"

namespace wrackline::diagnosis {
namespace {

// Above these, the memory kept is more than the slack every allocator has.
constexpr std::int64_t kPartOfTotal = 10;  // 1/10 of the charge
constexpr std::int64_t kPartOfHeap = 4;    // 1/4 of what the allocator took

}  // namespace

std::optional<Finding> AllocatorRetention(const Case& c) {
  if (!c.ledger) return std::nullopt;
  for (const ledger::Line& line : c.ledger->lines) {
    if (line.id != "allocator.free" || kPartOfTotal * line.amount < c.ledger->total) continue;
    const Bytes in_use =
        c.ledger->allocator ? c.ledger->allocator->in_use.value_or(Bytes{}) : Bytes{};
    if (kPartOfHeap * line.amount < in_use + line.amount) continue;
    Finding finding;
    finding.role = Role::kContributor;
    finding.amount = line.amount;
    finding.confidence = line.confidence == ledger::Confidence::kUpperBound ? Confidence::kMedium
                                                                            : Confidence::kHigh;
    const bool bound = line.confidence == ledger::Confidence::kUpperBound;
    finding.summary = fmt::format("The allocator kept {}{} that the program had freed",
                                  bound ? "up to " : "", FormatBytes(line.amount));
    finding.evidence.push_back(
        fmt::format("in use {}, free but kept {}", FormatBytes(in_use), FormatBytes(line.amount)));
    if (c.ledger->allocator && c.ledger->allocator->arenas)
      finding.evidence.push_back(fmt::format("{} arenas on {} processors",
                                             *c.ledger->allocator->arenas,
                                             c.evidence.process.online_cpus));
    if (!c.evidence.process.allocator.empty())
      finding.evidence.push_back("allocator: " + c.evidence.process.allocator);
    return finding;
  }
  return std::nullopt;
}

}  // namespace wrackline::diagnosis
