// The allocator keeps memory that the program has freed.
#include <fmt/core.h>

#include "analyzer/diagnosis/allocator_facts.h"
#include "analyzer/diagnosis/rules.h"

namespace wrackline::diagnosis {
namespace {

// Above these, the memory kept is more than the slack every allocator has.
constexpr std::int64_t kPartOfTotal = 10;  // 1/10 of the charge
constexpr std::int64_t kPartOfHeap = 4;    // 1/4 of what the allocator took

// Without the allocator's own figures nothing is proved: what is left of anonymous memory may be what it keeps, or anything else. Said
// where it is much, and all other large holders of anonymous memory were looked at.
constexpr Bytes kUnprovenLeast = 64 * kMiB;

std::optional<Finding> Unproven(const Case& c) {
  const ledger::Ledger& ledger = *c.ledger;
  if (ledger.basis == ledger::Basis::kMetrics || ledger.unexplained < kUnprovenLeast ||
      10 * ledger.unexplained < ledger.total)
    return std::nullopt;
  // A remainder says nothing of the allocator while native memory, which it serves, was not seen at all.
  const Bytes served = ledger.Of(ledger::Holder::kRocksDb) + ledger.Of(ledger::Holder::kNative);
  if (served.count <= 0) return std::nullopt;
  // Of a VM whose own memory was not seen, that is what is missing first.
  const evidence::Evidence& e = c.evidence;
  const std::string& program = e.process.executable;
  const bool java = e.jvm || e.flink ||
                    (program.size() >= 4 && program.compare(program.size() - 4, 4, "java") == 0);
  if (java && ledger.Of(ledger::Holder::kJvm).count <= 0) return std::nullopt;
  // No more than what is anonymous at all.
  std::optional<Bytes> anonymous;
  for (auto point = c.evidence.timeline.rbegin(); point != c.evidence.timeline.rend() && !anonymous;
       ++point)
    anonymous = point->ProcessAnonymous() ? point->ProcessAnonymous() : point->anon;
  if (!anonymous && c.evidence.ending.kernel_kill)
    anonymous = c.evidence.ending.kernel_kill->anon_rss;
  if (!anonymous || ledger.unexplained > *anonymous) return std::nullopt;
  Finding finding;
  finding.role = Role::kContributor;
  finding.confidence = Confidence::kLow;
  finding.amount = ledger.unexplained;
  finding.summary = fmt::format(
      "Memory that the allocator kept after it was freed: likely but unproven, in the {} that "
      "nobody accounts for",
      FormatBytes(ledger.unexplained));
  finding.evidence.push_back(
      fmt::format("{} are anonymous, and {} of native memory went through it",
                  FormatBytes(*anonymous), FormatBytes(served)));
  if (c.evidence.rocksdb) {
    Bytes most, last;
    for (const evidence::RocksDbMoment& moment : c.evidence.rocksdb->history) {
      most = std::max(most, moment.Total());
      last = moment.Total();
    }
    if (most > last + kUnprovenLeast)
      finding.evidence.push_back(fmt::format("RocksDB had held {} and gave {} of it back",
                                             FormatBytes(most), FormatBytes(most - last)));
  }
  finding.against.emplace_back(
      "no figures of the allocator were taken: what it kept is not known, and native code that was "
      "not sampled would look the same");
  finding.advice.emplace_back(
      "record with the preload library, which reads the allocator's own figures; or dump them at "
      "the "
      "next time (glibc: malloc_info, jemalloc: stats_print)");
  finding.advice.emplace_back(
      "where it is glibc, MALLOC_ARENA_MAX=2 on one pod for a comparison; jemalloc keeps less");
  return finding;
}

}  // namespace

std::optional<Finding> AllocatorRetention(const Case& c) {
  if (!c.ledger) return std::nullopt;
  if (!c.ledger->allocator) return Unproven(c);
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
  // Arenas that the container's processors cannot use at once, and pages that are never given back.
  const std::optional<std::uint32_t> cpus = c.evidence.process.QuotaCpus();
  if (allocator.arenas_made && cpus && *allocator.arenas_made > 4 * std::max(1u, *cpus))
    finding.evidence.push_back(
        fmt::format("{} arenas for a CPU quota of {}: each keeps what its threads freed",
                    *allocator.arenas_made, *cpus));
  if (bound)
    finding.against.emplace_back("how much of it is resident is not known: it is an upper bound");
  if (!c.evidence.process.allocator.empty())
    finding.evidence.push_back("allocator: " + c.evidence.process.allocator);
  finding.advice = AllocatorAdvice(c.evidence.process, allocator);
  return finding;
}

}  // namespace wrackline::diagnosis
