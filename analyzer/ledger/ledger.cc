#include "analyzer/ledger/ledger.h"

#include <algorithm>

#include "analyzer/ledger/lines.h"

namespace wrackline::ledger {
namespace {

using evidence::Evidence;
using evidence::TimelinePoint;

// Two kernel counters of one moment differ by their per-CPU batches; below this, anonymous memory
// of the cgroup beyond the process's is no other process.
constexpr Bytes kCounterSlack = 4 * kMiB;

bool HasCharge(const TimelinePoint& point) { return point.charge && point.anon; }
bool HasResident(const TimelinePoint& point) { return point.resident && point.resident_shared; }

// Anonymous memory of the cgroup that is not this process's.
std::optional<Bytes> OthersAnonymous(const TimelinePoint& point) {
  const std::optional<Bytes> own = point.ProcessAnonymous();
  if (!own || !point.anon) return std::nullopt;
  const Bytes others = *point.anon - *own;
  return others > std::max(kCounterSlack, Bytes{point.charge.value_or(Bytes{}).count / 100})
             ? others
             : Bytes{};
}

// Without a limit of its own a cgroup is compared with nothing: where the user names a limit for
// the process, or where others hold more than a tenth of the charge, the process's resident set
// says more.
Basis ChooseBasis(const Evidence& evidence, const TimelinePoint& point) {
  if (!HasCharge(point)) return Basis::kResident;
  const bool limited = point.limit || (evidence.limit && evidence.limit->origin == "cgroup");
  if (limited || !HasResident(point)) return Basis::kCharge;
  if (evidence.limit) return Basis::kResident;
  return 10 * OthersAnonymous(point).value_or(Bytes{}) > *point.charge ? Basis::kResident
                                                                       : Basis::kCharge;
}

const TimelinePoint* LastUsable(const Evidence& evidence) {
  const auto usable = [](const TimelinePoint& point) {
    return HasCharge(point) || HasResident(point);
  };
  const auto found = std::find_if(evidence.timeline.rbegin(), evidence.timeline.rend(), usable);
  return found == evidence.timeline.rend() ? nullptr : &*found;
}

// A process that fills its limit within a tick: the heartbeat's charge is nearer to the end, and so
// to the samples and RocksDB's figures. Page cache and kernel memory then are a little older than
// the total.
void TakeNewerCharge(const Evidence& evidence, Ledger* ledger) {
  if (ledger->basis != Basis::kCharge || !evidence.last_charge) return;
  const evidence::Figure& last = *evidence.last_charge;
  const Bytes change = last.amount - ledger->total;
  if (last.time <= ledger->time || 50 * (change.count < 0 ? -change : change) <= ledger->total)
    return;
  const auto older =
      std::chrono::duration_cast<std::chrono::milliseconds>(last.time - ledger->time);
  ledger->notes.push_back(
      "The total is the last recorded charge; page cache and kernel memory were read " +
      std::to_string(older.count()) + " ms before it.");
  ledger->total = last.amount;
  ledger->time = last.time;
}

// Fast ticks leave it out: it is the newest figure of those up to `point`, a second old at most. It
// grows with the table of live samples, not with the program.
void AddOwnLine(const Evidence& evidence, const TimelinePoint& point, Ledger* ledger) {
  std::optional<Bytes> own;
  for (const TimelinePoint& earlier : evidence.timeline) {
    if (earlier.time > point.time) break;
    if (earlier.own_bytes) own = earlier.own_bytes;
  }
  if (own && own->count > 0)
    ledger->lines.push_back({"wrackline.own", "wrackline itself", Holder::kWrackline, *own,
                             std::nullopt, std::nullopt, "counted by the shim",
                             Confidence::kExact});
}

void AddNotes(const Evidence& evidence, Ledger* ledger) {
  if (ledger->basis == Basis::kResident)
    ledger->notes.push_back(
        "The total is the process's resident set: no cgroup of its own was recorded.");
  if (ledger->moment == When::kPeak && evidence.process.sampling_interval.count > 0) {
    ledger->notes.push_back(
        "Allocation samples are of the end, not of the peak: native memory outside RocksDB is in "
        "unexplained.");
  } else if (evidence.sites.empty()) {
    ledger->notes.push_back(
        evidence.allocator && evidence.allocator->in_use
            ? "Allocations were not sampled: whose the native memory is, is not known."
            : "Allocations were not sampled: native memory outside RocksDB is in unexplained.");
  }
  if (!evidence.rocksdb && EstimateLive(evidence.sites, true).live.count > 0)
    ledger->notes.push_back("RocksDB was not probed: its memory is known by call stack only.");
  if (!evidence.allocator) {
    ledger->notes.push_back(
        ledger->moment == When::kPeak
            ? "The allocator gave no statistics until then: memory it keeps is in unexplained."
            : "The allocator gave no statistics: memory it keeps is in unexplained.");
  } else if (!evidence.allocator->in_use) {
    ledger->notes.push_back(
        "The allocator does not say how much of its memory is free: what it keeps is in "
        "unexplained.");
  } else if (MemoryChangedSince(evidence, *evidence.allocator).count < 0) {
    ledger->notes.push_back(
        "Memory was given back after the allocator's last statistics: they are not used.");
  }
  if (ledger->unexplained.count < 0 && -20 * ledger->unexplained > ledger->total)
    ledger->notes.push_back("More is allocated than is resident: some of it was never touched.");
}

Bytes Size(Bytes amount) { return amount.count < 0 ? -amount : amount; }

Ledger Build(const Evidence& evidence, const TimelinePoint& point, Basis basis, When moment) {
  Ledger ledger;
  ledger.basis = basis;
  ledger.moment = moment;
  ledger.total = basis == Basis::kCharge ? *point.charge : *point.resident;
  ledger.time = point.time;
  ledger.allocator = evidence.allocator;
  TakeNewerCharge(evidence, &ledger);
  ledger.before_end = std::max(evidence::Duration{}, evidence.last_record - ledger.time);

  AddRocksDbLines(evidence, &ledger);
  AddNativeLines(evidence, &ledger);
  const Bytes jvm_shared = AddJvmLines(evidence, point, &ledger);
  AddAllocatorLines(evidence, &ledger);
  AddOwnLine(evidence, point, &ledger);
  if (basis == Basis::kCharge) {
    const Bytes others = OthersAnonymous(point).value_or(Bytes{});
    if (others.count > 0)
      ledger.lines.push_back({"other_processes", "other processes in the cgroup",
                              Holder::kOtherProcesses, others, std::nullopt, std::nullopt,
                              "the cgroup's anonymous memory less the process's",
                              Confidence::kDerived});
  }
  AddKernelLines(point, jvm_shared, &ledger);
  ledger.unexplained = ledger.total - ledger.Sum();
  AddGroups(evidence, &ledger);
  AddNotes(evidence, &ledger);
  return ledger;
}

// The evidence as it stood at that moment: nothing of later is left in it.
Evidence Until(const Evidence& evidence, const evidence::Moment& moment) {
  Evidence then = evidence;
  then.sites.clear();
  then.last_charge.reset();
  then.allocator = moment.allocator;
  then.rocksdb = moment.rocksdb;
  then.timeline.erase(
      std::upper_bound(
          then.timeline.begin(), then.timeline.end(), moment.point.time,
          [](evidence::Time time, const TimelinePoint& point) { return time < point.time; }),
      then.timeline.end());
  return then;
}

std::optional<Ledger> BuildAtPeak(const Evidence& evidence) {
  const bool by_charge =
      evidence.charge_peak && ChooseBasis(evidence, evidence.charge_peak->point) == Basis::kCharge;
  const std::optional<evidence::Moment>& moment =
      by_charge ? evidence.charge_peak : evidence.resident_peak;
  if (!moment) return std::nullopt;
  Ledger ledger = Build(Until(evidence, *moment), moment->point,
                        by_charge ? Basis::kCharge : Basis::kResident, When::kPeak);
  if (moment->rocksdb_out_of_reach)
    ledger.notes.push_back(
        "No sample of RocksDB is within 1.5 s of the peak: its memory is in unexplained.");
  // Between two ticks, or of page cache.
  if (by_charge && evidence.peak_charge &&
      50 * (evidence.peak_charge->amount - ledger.total) > ledger.total)
    ledger.notes.push_back("The charge itself peaked at " +
                           FormatBytes(evidence.peak_charge->amount) +
                           ": this is the tick with the largest working set.");
  return ledger;
}

}  // namespace

Bytes Ledger::Sum() const {
  Bytes sum;
  for (const Line& line : lines) sum += line.amount;
  return sum;
}

namespace {

// Within a hundredth it is rounding: the VM rounds its heap up to whole regions.
std::optional<Bytes> Beyond(Bytes amount, const std::optional<Bytes>& budget) {
  if (!budget || 100 * (amount - *budget) <= *budget) return std::nullopt;
  return amount - *budget;
}

}  // namespace

std::optional<Bytes> Line::Overshoot() const { return Beyond(amount, budget); }
std::optional<Bytes> Group::Overshoot() const { return Beyond(amount, budget); }

Bytes Ledger::Of(Category category) const {
  Bytes sum;
  for (const Group& group : groups) {
    if (group.category == category) sum += group.amount;
  }
  return sum;
}

const Group* Ledger::Find(std::string_view group) const {
  const auto found = std::find_if(groups.begin(), groups.end(),
                                  [group](const Group& one) { return one.id == group; });
  return found == groups.end() ? nullptr : &*found;
}

Bytes Ledger::Of(Holder holder) const {
  Bytes sum;
  for (const Line& line : lines) {
    if (line.holder == holder) sum += line.amount;
  }
  return sum;
}

std::optional<Ledger> BuildLedger(const Evidence& evidence) {
  if (evidence.metrics) return LedgerOfMetrics(evidence);
  const TimelinePoint* last = LastUsable(evidence);
  if (last == nullptr) return std::nullopt;
  Ledger at_end = Build(evidence, *last, ChooseBasis(evidence, *last), When::kEnd);
  if (!evidence.ending.Clean()) return at_end;
  std::optional<Ledger> at_peak = BuildAtPeak(evidence);
  if (!at_peak) return at_end;
  // A process that still held its memory at the end: there the samples say who it was, unless what
  // was held went between the last tick and the exit.
  const bool held_on = at_end.basis == at_peak->basis && 20 * at_end.total >= 19 * at_peak->total;
  return held_on && Size(at_end.unexplained) <= Size(at_peak->unexplained) ? at_end : at_peak;
}

std::string_view Name(When moment) { return moment == When::kEnd ? "end" : "peak"; }

std::string_view Name(Basis basis) {
  switch (basis) {
    case Basis::kCharge:
      return "charge";
    case Basis::kResident:
      return "resident";
    case Basis::kMetrics:
      return "metrics";
  }
  return "unknown";
}

std::string_view Name(Holder holder) {
  switch (holder) {
    case Holder::kRocksDb:
      return "rocksdb";
    case Holder::kNative:
      return "native";
    case Holder::kJvm:
      return "jvm";
    case Holder::kAllocator:
      return "allocator";
    case Holder::kWrackline:
      return "wrackline";
    case Holder::kOtherProcesses:
      return "other_processes";
    case Holder::kFile:
      return "file";
    case Holder::kKernel:
      return "kernel";
  }
  return "unknown";
}

std::string_view Name(Category category) {
  switch (category) {
    case Category::kAnonymous:
      return "anonymous";
    case Category::kFile:
      return "file";
    case Category::kShared:
      return "shared";
    case Category::kKernel:
      return "kernel";
  }
  return "unknown";
}

std::string_view Name(Confidence confidence) {
  switch (confidence) {
    case Confidence::kExact:
      return "exact";
    case Confidence::kSampled:
      return "sampled";
    case Confidence::kDerived:
      return "derived";
    case Confidence::kUpperBound:
      return "upper_bound";
  }
  return "unknown";
}

}  // namespace wrackline::ledger
