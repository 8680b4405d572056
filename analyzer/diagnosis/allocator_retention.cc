// The allocator keeps memory that the program has freed.
#include <fmt/core.h>

#include "analyzer/diagnosis/allocator_facts.h"
#include "analyzer/diagnosis/rules.h"

namespace wrackline::diagnosis {
namespace {

// Above these, the memory kept is more than the slack every allocator has.
constexpr std::int64_t kPartOfTotal = 10;  // 1/10 of the charge
constexpr std::int64_t kPartOfHeap = 4;    // 1/4 of what the allocator took

}  // namespace

std::optional<Finding> AllocatorRetention(const Case& c) {
  if (!c.ledger || !c.ledger->allocator) return std::nullopt;
  const evidence::AllocatorFigures& allocator = *c.ledger->allocator;
  Bytes kept, bounded;
  for (const ledger::Line& line : c.ledger->lines) {
    if (line.id != "allocator.free" && line.id != "allocator.thread_caches") continue;
    kept += line.amount;
    if (line.confidence == ledger::Confidence::kUpperBound) bounded += line.amount;
  }
  if (kept.count <= 0 || kPartOfTotal * kept < c.ledger->total) return std::nullopt;
  const Bytes in_use = allocator.in_use.value_or(Bytes{});
  if (kPartOfHeap * kept < in_use + kept) return std::nullopt;

  // A small part that is a bound leaves the sum what it is.
  const bool bound = kPartOfTotal * bounded > kept;
  Finding finding;
  finding.role = Role::kContributor;
  finding.amount = kept;
  finding.confidence = bound ? Confidence::kMedium : Confidence::kHigh;
  finding.summary = fmt::format("The allocator kept {}{} that the program had freed",
                                bound ? "up to " : "", FormatBytes(kept));
  // The first says what it holds; the report has the others in a part of their own.
  const std::vector<std::string> facts = AllocatorFacts(c.evidence.process, allocator);
  if (!facts.empty()) finding.evidence.push_back(facts.front());
  if (const auto arenas = ArenasFact(c.evidence.process, allocator))
    finding.evidence.push_back(*arenas);
  if (!c.evidence.process.allocator.empty())
    finding.evidence.push_back("allocator: " + c.evidence.process.allocator);
  finding.advice = AllocatorAdvice(c.evidence.process, allocator);
  return finding;
}

}  // namespace wrackline::diagnosis
