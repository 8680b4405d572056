#include "analyzer/diagnosis/verdict.h"

#include <fmt/core.h>

#include <algorithm>
#include <map>

#include "analyzer/ledger/rocksdb_totals.h"

namespace wrackline::diagnosis {
namespace {

using evidence::Evidence;

// "350.0 of 350.0 MiB" where both have one unit.
std::string ChargeOfLimit(Bytes charge, Bytes limit) {
  const std::string a = FormatBytes(charge), b = FormatBytes(limit);
  const std::size_t unit_a = a.find(' '), unit_b = b.find(' ');
  if (unit_a != std::string::npos && unit_b != std::string::npos &&
      a.substr(unit_a) == b.substr(unit_b))
    return a.substr(0, unit_a) + " of " + b;
  return a + " of " + b;
}

// The charge nearest to the end; at a kill the kernel's own high-water mark is nearer still.
std::optional<Bytes> ChargeAtEnd(const Case& c) {
  if (IsOomKill(c.outcome) && c.evidence.peak_charge) return c.evidence.peak_charge->amount;
  if (c.ledger && c.ledger->basis == ledger::Basis::kResident) return c.ledger->total;
  if (c.evidence.last_charge) return c.evidence.last_charge->amount;
  if (c.ledger) return c.ledger->total;
  return std::nullopt;
}

std::string FirstSentence(const Case& c) {
  const Evidence& evidence = c.evidence;
  std::string at;
  if (const auto charge = ChargeAtEnd(c)) {
    at = evidence.limit ? fmt::format(" at {}", ChargeOfLimit(*charge, evidence.limit->amount))
                        : fmt::format(" at {}, no limit known", FormatBytes(*charge));
  }
  switch (c.outcome) {
    case Outcome::kOomKilled:
      return fmt::format("Killed by the kernel's OOM killer{}.", at);
    case Outcome::kProbablyOomKilled:
      return fmt::format("Most likely killed by the kernel's OOM killer{}.", at);
    case Outcome::kKilledBySignal:
      return evidence.ending.oom_kill_after || evidence.ending.signal != 9
                 ? fmt::format("Not an OOM kill: ended by signal {}{}.",
                               evidence.ending.signal.value_or(0), at)
                 : fmt::format("Ended by signal {}{}; who sent it is not known.",
                               evidence.ending.signal.value_or(0), at);
    case Outcome::kCleanExit:
      break;  // CleanExit
    case Outcome::kEndedWithStatus:
      return fmt::format("Not a kill: it exited with status {}{}.",
                         evidence.ending.exit_status.value_or(-1), at);
    case Outcome::kStillRunning:
      return fmt::format("Not a kill: it is still running{}.", at);
    case Outcome::kStoppedAtLimit:
      return fmt::format("Not a kill: it stopped itself{}.", at);
    case Outcome::kMetricsOnly:
      break;  // OfMetrics
    case Outcome::kUnknown:
      return fmt::format("It ended without a clean exit{}; why is not known.", at);
  }
  return {};
}

struct Held {
  ledger::Holder holder;
  Bytes amount;
};

Held Largest(const ledger::Ledger& ledger) {
  Held largest{ledger::Holder::kNative, {}};
  using ledger::Holder;
  for (const Holder holder :
       {Holder::kRocksDb, Holder::kNative, Holder::kJvm, Holder::kAllocator, Holder::kWrackline,
        Holder::kOtherProcesses, Holder::kFile, Holder::kKernel}) {
    const Bytes amount = ledger.Of(holder);
    if (amount > largest.amount) largest = {holder, amount};
  }
  return largest;
}

std::string Who(ledger::Holder holder) {
  switch (holder) {
    case ledger::Holder::kRocksDb:
      return "RocksDB";
    case ledger::Holder::kNative:
      return "Native code outside RocksDB";
    case ledger::Holder::kJvm:
      return "The Java VM";
    case ledger::Holder::kAllocator:
      return "The allocator itself";
    case ledger::Holder::kWrackline:
      return "wrackline itself";
    case ledger::Holder::kOtherProcesses:
      return "Other processes of the cgroup";
    case ledger::Holder::kFile:
      return "Files and page cache";
    case ledger::Holder::kKernel:
      return "The kernel";
  }
  return "Somebody";
}

std::string SecondSentence(const Case& c, const std::vector<Finding>& findings) {
  if (!c.ledger) return "Who held the memory is not known: no charge was recorded.";
  const Held held = Largest(*c.ledger);
  if (held.amount.count <= 0 || held.amount < c.ledger->unexplained)
    return fmt::format("Who held most of it is not known: {} of {} is unexplained.",
                       FormatBytes(c.ledger->unexplained), FormatBytes(c.ledger->total));
  std::string sentence =
      fmt::format("{} held {} of it", Who(held.holder), FormatBytes(held.amount));
  // The finding that speaks of this holder says why.
  static const std::map<std::string, ledger::Holder> kSpeaksOf = {
      {"rocksdb_unmanaged", ledger::Holder::kRocksDb}, {"native_site", ledger::Holder::kNative}};
  for (const Finding& finding : findings) {
    const auto about = kSpeaksOf.find(finding.rule);
    if (about == kSpeaksOf.end() || about->second != held.holder ||
        finding.role == Role::kInformation)
      continue;
    return sentence + ": " + finding.summary + ".";
  }
  return sentence + ".";
}

// What was held at a clean end was mostly freed on the way there: the peak says more.
std::string CleanExit(const Case& c) {
  const Evidence& evidence = c.evidence;
  if (c.ledger && c.ledger->basis == ledger::Basis::kResident &&
      c.ledger->moment == ledger::When::kPeak)
    return fmt::format("Not a kill: it exited cleanly. Its resident set peaked at {}.",
                       FormatBytes(c.ledger->total));
  if (!evidence.peak_charge || (c.ledger && c.ledger->basis == ledger::Basis::kResident))
    return "Not a kill: it exited cleanly. " + SecondSentence(c, {});
  return fmt::format("Not a kill: it exited cleanly. Its charge peaked at {}.",
                     evidence.limit
                         ? ChargeOfLimit(evidence.peak_charge->amount, evidence.limit->amount)
                         : FormatBytes(evidence.peak_charge->amount) + ", no limit known");
}

// Of one moment, and of a part of the process.
std::string OfMetrics(const Case& c) {
  if (!c.evidence.rocksdb)
    return "The metrics have no figure of RocksDB: switch on "
           "state.backend.rocksdb.metrics.block-cache-usage and size-all-mem-tables.";
  const ledger::RocksDbTotals totals = ledger::TotalsOf(*c.evidence.rocksdb);
  Bytes capacity;
  for (const evidence::RocksDbCache& cache : c.evidence.rocksdb->caches)
    capacity += cache.capacity.value_or(Bytes{});
  std::string caches = FormatBytes(totals.cache_usage);
  if (capacity.count > 0) caches = ChargeOfLimit(totals.cache_usage, capacity);
  const std::size_t count = c.evidence.rocksdb->caches.size();
  std::string sentence =
      fmt::format("RocksDB held {}; its block cache{} {} {}.", FormatBytes(totals.total),
                  count == 1 ? "" : "s", count == 1 ? "is at" : "are at", caches);
  if (totals.naive > totals.total)
    sentence +=
        fmt::format(" Adding up every family's gauges would give {}.", FormatBytes(totals.naive));
  return sentence;
}

}  // namespace

std::string Verdict(const Case& c, const std::vector<Finding>& findings) {
  if (c.outcome == Outcome::kCleanExit) return CleanExit(c);
  if (c.outcome == Outcome::kMetricsOnly) return OfMetrics(c);
  return FirstSentence(c) + " " + SecondSentence(c, findings);
}

}  // namespace wrackline::diagnosis
