// A Flink TaskManager: what to change in its configuration, and the words and equations that
// explain it.
#include <algorithm>

#include "analyzer/sizing/flink_candidates.h"
#include "analyzer/sizing/proposal.h"
#include "analyzer/sizing/rules.h"
#include "analyzer/sizing/words.h"

namespace wrackline::sizing {
namespace {

using flink::RocksDbBudgetKind;

Bytes RocksDbPeak(const Demand& demand, bool unmanaged) {
  // Managed memtables are charged to the cache and so are part of its usage; unmanaged ones are
  // beside it.
  const Bytes memtables = unmanaged ? demand.memtables_peak : Bytes{};
  return demand.caches_usage_peak + memtables + demand.table_readers_peak;
}

const char* BudgetName(RocksDbBudgetKind kind) {
  switch (kind) {
    case RocksDbBudgetKind::kFixedPerSlot:
      return "fixed-per-slot memory";
    case RocksDbBudgetKind::kFixedPerTaskManager:
      return "fixed-per-tm memory";
    case RocksDbBudgetKind::kManaged:
    case RocksDbBudgetKind::kNone:
      break;
  }
  return "managed memory";
}

// A family with a cache of its own shows that nothing is shared, whatever the file says: a job can
// switch management off in its code.
bool RanUnmanaged(const Demand& demand, RocksDbBudgetKind configured) {
  if (configured == RocksDbBudgetKind::kNone) return true;
  return !demand.write_buffer_manager && !demand.shared_cache &&
         std::any_of(
             demand.families.begin(), demand.families.end(),
             [](const FamilyDemand& family) { return family.own_cache_capacity.count > 0; });
}

void ExplainUnmanaged(const FlinkCase& flink_case, Bytes limit, Proposal& proposal) {
  const std::string need = UnmanagedNeedEquation(flink_case.demand);
  if (!need.empty()) proposal.arithmetic.push_back(need + ", limit " + FormatBytes(limit));
  const Bytes smallest =
      SmallestPool(LargestWriteBuffer(flink_case.demand), flink_case.budget.slots,
                   flink_case.budget.write_buffer_ratio);
  proposal.arithmetic.push_back(
      FormatBytes(limit) + " limit - " + FormatBytes(Headroom(limit)) + " headroom (1/10) - " +
      FormatBytes(flink_case.demand.outside_rocksdb + flink_case.demand.table_readers_peak) +
      " outside RocksDB's caches and memtables = room for managed memory of " +
      FormatBytes(LargestPool(
          limit, flink_case.demand.outside_rocksdb + flink_case.demand.table_readers_peak)) +
      " and its 1/8 for the allocator; at least " + FormatBytes(smallest) + " is needed");
  if (flink_case.budget.kind != RocksDbBudgetKind::kNone) {
    proposal.advice.push_back(
        "RocksDB ran without management although the configuration asks for it: look for "
        "state.backend.rocksdb.memory.managed or RocksDB options set in the job's code.");
  }
}

void ExplainOvershoot(const FlinkCase& flink_case, Proposal& proposal) {
  const std::string budget = BudgetName(flink_case.budget.kind);
  const Bytes margin = Retention(flink_case.budget.amount);
  proposal.arithmetic.push_back("RocksDB's peak " + FormatBytes(flink_case.rocksdb_peak) + " - " +
                                FormatBytes(flink_case.budget.amount) + " " + budget + " = " +
                                FormatBytes(flink_case.rocksdb_peak - flink_case.budget.amount) +
                                " overshoot");
  std::string sum;
  if (!flink_case.InManaged()) {
    sum = FormatBytes(flink_case.budget.amount) + " " + budget +
          " that no budget of Flink's contains + ";
  }
  const Bytes whole = (flink_case.InManaged() ? Bytes{} : flink_case.budget.amount) +
                      flink_case.Overshoot() + margin;
  proposal.arithmetic.push_back(
      sum + FormatBytes(flink_case.Overshoot()) + " overshoot + " + FormatBytes(margin) +
      " margin (1/8 of " + budget + ") = " + FormatBytes(whole) + ", rounded up to a multiple of " +
      FormatBytes(kOffHeapStep) + ": " + FormatBytes(flink_case.OffHeapNeed()) + " task off-heap");
}

void ExplainCandidate(const FlinkCase& flink_case, const Candidate& candidate, Bytes limit,
                      Proposal& proposal) {
  const auto& now = flink_case.now;
  const auto& then = candidate.memory;
  proposal.arithmetic.push_back(DerivedAgain(now, then, limit));
  proposal.arithmetic.push_back("predicted peak " + FormatBytes(candidate.predicted_peak) + ", " +
                                FormatBytes(proposal.headroom) + " below the limit");
  if (then.JvmHeap() < now.JvmHeap()) {
    proposal.advice.push_back(
        "The room comes out of the heap (" + FormatBytes(now.JvmHeap()) + " -> " +
        FormatBytes(then.JvmHeap()) +
        "). How much of the heap was unused is not known here: compare it with the heap after a "
        "full "
        "collection, or raise the limit and taskmanager.memory.process.size instead.");
  }
  if (then.managed < now.managed && !flink_case.unmanaged) {
    proposal.advice.push_back(
        "The room comes out of managed memory too: RocksDB caches less and reads more from disk.");
  }
}

void Summarize(const FlinkCase& flink_case, const Candidate& candidate, Bytes limit,
               Proposal& proposal) {
  const std::string fits = " The process then peaks near " + FormatBytes(candidate.predicted_peak) +
                           " of " + FormatBytes(limit) + ".";
  if (flink_case.unmanaged && flink_case.HasRocksDb()) {
    proposal.summary =
        "Let Flink manage RocksDB's memory: " + FormatBytes(candidate.memory.managed) +
        " of managed memory bound all caches and memtables." + fits;
  } else if (flink_case.OffHeapNeed() > flink_case.now.task_off_heap) {
    proposal.summary = "RocksDB goes " + FormatBytes(flink_case.Overshoot()) + " beyond its " +
                       BudgetName(flink_case.budget.kind) +
                       ": give that room with taskmanager.memory.task.off-heap.size = " +
                       flink::WriteMemorySize({candidate.memory.task_off_heap.count}) + "." + fits;
  } else if (!candidate.edit.changes().empty()) {
    proposal.summary =
        "The configured process is larger than its limit: cut it to the limit." + fits;
  } else {
    proposal.summary =
        "No change: RocksDB's budget and task off-heap memory hold what RocksDB took." + fits;
  }
}

void ExplainNoFit(const FlinkCase& flink_case, Bytes limit, Proposal& proposal) {
  if (proposal.smallest_limit.count == 0) {
    proposal.summary = "No configuration of this shape fits any limit.";
  } else {
    proposal.summary = "Nothing fits under " + FormatBytes(limit) + ": " +
                       FormatBytes(proposal.smallest_limit - limit) +
                       " are missing. The smallest limit that works is " +
                       FormatBytes(proposal.smallest_limit) + ".";
  }
  if (!flink_case.unmanaged && flink_case.OffHeapNeed() == Bytes{}) {
    proposal.advice.push_back(
        "RocksDB stayed within its budget: what took the rest is outside RocksDB, and no size "
        "given back here is known to be "
        "unused.");
  } else {
    proposal.advice.push_back(
        "Unused heap is not known here; up to two thirds of the task heap were offered in vain.");
  }
}

Proposal Propose(const FlinkCase& flink_case) {
  Proposal proposal;
  const Bytes limit = flink_case.demand.limit.value_or(flink_case.now.total_process);
  if (!flink_case.demand.limit) {
    proposal.advice.push_back("No memory limit was recorded: the configured process size, " +
                              FormatBytes(limit) + ", is taken for it.");
  }
  const bool unmanaged = flink_case.unmanaged && flink_case.HasRocksDb();
  if (unmanaged) {
    ExplainUnmanaged(flink_case, limit, proposal);
  } else if (flink_case.HasRocksDb()) {
    ExplainOvershoot(flink_case, proposal);
    proposal.advice.push_back(
        "Task code that uses direct or native memory of its own needs task off-heap memory beside "
        "this.");
  }
  proposal.smallest_limit = SmallestFlinkLimit(flink_case);
  const auto candidate = BestUnder(flink_case, limit);
  proposal.fits = candidate.has_value();
  // Rounding to whole MiB makes the search skip over a few limits that work.
  if (candidate && proposal.smallest_limit > limit) proposal.smallest_limit = limit;
  if (!candidate) {
    proposal.predicted_peak = proposal.smallest_limit;
    proposal.headroom = limit - proposal.smallest_limit;
    ExplainNoFit(flink_case, limit, proposal);
    return proposal;
  }
  proposal.changes = candidate->edit.changes();
  for (const Change& change : proposal.changes) proposal.settings[change.key] = change.new_value;
  proposal.predicted_peak = candidate->predicted_peak;
  proposal.headroom = limit - candidate->predicted_peak;
  ExplainCandidate(flink_case, *candidate, limit, proposal);
  Summarize(flink_case, *candidate, limit, proposal);
  return proposal;
}

}  // namespace

Result<Proposal> ProposeFlink(const Demand& demand, const flink::Configuration& configuration,
                              std::string_view flink_version) {
  const auto version = flink::ParseVersion(flink_version);
  if (!version.ok()) return version.error();
  const auto now =
      flink::DeriveTaskManagerMemory(configuration, version.value(), flink::Mode::kStandalone);
  if (!now.ok()) return now.error();
  const auto budget = flink::ReadRocksDbBudget(configuration, version.value(), now.value().managed);
  if (!budget.ok()) return budget.error();

  FlinkCase flink_case{
      Sanitized(demand), configuration, version.value(), now.value(), budget.value(), {}, false};
  flink_case.unmanaged = RanUnmanaged(flink_case.demand, budget.value().kind);
  flink_case.rocksdb_peak = RocksDbPeak(flink_case.demand, flink_case.unmanaged);
  return Propose(flink_case);
}

}  // namespace wrackline::sizing
