#include "analyzer/sizing/replay_model.h"

#include <algorithm>
#include <utility>

#include "analyzer/sizing/rules.h"

namespace wrackline::sizing {
namespace {

// 2^50 x 2^50 has no room in 64 bits.
__extension__ typedef unsigned __int128 Uint128;

// The smallest amount that the kernel charges: what a killed process asked for beyond its limit, at least.
constexpr Bytes kPage{4096};

void Raise(const std::optional<Bytes>& amount, std::optional<Bytes>* peak) {
  if (amount) *peak = std::max(peak->value_or(Bytes{}), *amount);
}

bool HasPools(const Moment& moment) { return moment.caches || moment.memtables; }

Bytes PoolsOf(const Moment& moment) {
  return moment.caches.value_or(Bytes{}) + moment.memtables.value_or(Bytes{});
}

Bytes Product(int count, Bytes amount) {
  if (count <= 0) return {};
  return amount.count > kLargestFigure.count / count ? kLargestFigure : count * amount;
}

// 0 where an option that it depends on is not known. `family_cache`: of families that had no cache of their own.
Bytes NeedOf(const Run& run, Bytes family_cache) {
  Demand demand;
  demand.databases = run.databases;
  demand.families = run.families;
  // Bounded, a cache that only one family uses is still the shared one.
  const bool bounded = run.rocksdb_managed.value_or(false);
  for (FamilyDemand& family : demand.families) {
    if (family.max_write_buffers <= 0 || family.write_buffer_size.count <= 0) return {};
    if (bounded || family.own_cache_capacity.count <= 0)
      family.own_cache_capacity =
          Product(std::max(1, family.databases > 0 ? family.databases : run.databases),
                  Clamped(family_cache));
  }
  return UnmanagedNeed(Sanitized(demand));
}

}  // namespace

Bytes Scaled(Bytes whole, Bytes numerator, Bytes denominator) {
  const Uint128 product = static_cast<Uint128>(whole.count) * static_cast<Uint128>(numerator.count);
  const Uint128 scaled = product / static_cast<Uint128>(denominator.count);
  return scaled > static_cast<Uint128>(kLargestFigure.count)
             ? kLargestFigure
             : Bytes{static_cast<std::int64_t>(scaled)};
}

ReplayModel::ReplayModel(const Run& run, const Budgets& budgets)
    : run_(run),
      budgets_(budgets),
      heap_now_(Clamped(budgets.memory.JvmHeap())),
      network_now_(Clamped(budgets.memory.network)),
      budget_now_(Clamped(budgets.rocksdb.amount)),
      need_(NeedOf(run, {})),
      need_now_(NeedOf(run, budgets.family_cache)) {
  if (run.granted) {
    heap_ = Clamped(run.granted->JvmHeap());
    network_ = Clamped(run.granted->network);
    if (run.rocksdb_managed.value_or(false)) budget_ = Clamped(run.granted->managed);
  }
  if (run.rocksdb_managed.value_or(false) && run.rocksdb_fixed)
    budget_ = Clamped(*run.rocksdb_fixed);
  for (const FamilyDemand& family : run.families)
    own_caches_ = Clamped(own_caches_ + family.own_cache_capacity);
  saw_pools_ = std::any_of(run.moments.begin(), run.moments.end(), HasPools);
  pools_ = ChoosePools();
}

ReplayModel::Pools ReplayModel::ChoosePools() const {
  if (!run_.rocksdb_managed) return Pools::kAsRecorded;
  const bool bounded_now = budgets_.rocksdb.kind != flink::RocksDbBudgetKind::kNone;
  if (!*run_.rocksdb_managed) return bounded_now ? Pools::kBounded : Pools::kWithSlots;
  if (bounded_now) return budget_.count > 0 ? Pools::kWithBudget : Pools::kAsRecorded;
  return need_now_.count > 0 ? Pools::kUnbounded : Pools::kAsRecorded;
}

Parts ReplayModel::Recorded(const Moment& moment) {
  return {moment.heap.value_or(Bytes{}), moment.metaspace.value_or(Bytes{}),
          moment.direct.value_or(Bytes{}), moment.RocksDb(), moment.Rest()};
}

Bytes ReplayModel::Heap(const Moment& moment) const {
  if (!moment.heap) return {};
  const Bytes pages = heap_.count > 0 ? Scaled(*moment.heap, heap_now_, heap_) : *moment.heap;
  return std::min(std::max(pages, moment.heap_live.value_or(Bytes{})), heap_now_);
}

Bytes ReplayModel::Direct(const Moment& moment) const {
  if (!moment.direct) return {};
  if (!run_.granted) return *moment.direct;
  return std::max(Bytes{}, *moment.direct + network_now_ - network_);
}

Bytes ReplayModel::WithSlots(Bytes amount) const {
  if (!run_.slots || *run_.slots <= 0) return amount;
  return Scaled(amount, {std::max(1, budgets_.rocksdb.slots)}, {*run_.slots});
}

bool ReplayModel::CachesAreFull(const Moment& moment) const {
  return own_caches_.count > 0 && moment.caches &&
         *moment.caches >= own_caches_ - Bytes{own_caches_.count / 16};
}

Bytes ReplayModel::WithinBudget(Bytes recorded) const {
  if (budget_now_ <= budget_) return std::min(recorded, budget_now_);
  return Scaled(recorded, budget_now_, budget_);
}

Bytes ReplayModel::BeyondBudget(Bytes recorded) const {
  if (recorded <= budget_) return {};
  if (budget_now_ <= budget_) return budget_now_ + (recorded - budget_);
  return recorded + MemtablesWith(budget_now_ - budget_, budgets_.rocksdb.write_buffer_ratio);
}

Bytes ReplayModel::PoolsFrom(const Moment& moment) const {
  const Bytes recorded = PoolsOf(moment);
  switch (pools_) {
    case Pools::kWithBudget:
      return std::max(WithinBudget(std::min(recorded, budget_)), BeyondBudget(recorded));
    case Pools::kBounded: {
      const Bytes full = budget_now_ + Retention(budget_now_);
      return CachesAreFull(moment) ? full : std::min(recorded, full);
    }
    case Pools::kWithSlots:
      return WithSlots(recorded);
    case Pools::kUnbounded:
      return WithSlots(need_now_);
    case Pools::kAsRecorded:
      break;
  }
  return recorded;
}

Bytes ReplayModel::FullPools(Bytes peak) const {
  switch (pools_) {
    case Pools::kWithBudget:
      return std::max(budget_now_, BeyondBudget(peak));
    case Pools::kBounded:
      return budget_now_ + Retention(budget_now_);
    case Pools::kWithSlots:
      return WithSlots(std::max(peak, need_));
    case Pools::kUnbounded:
      return std::max(peak, WithSlots(need_now_));
    case Pools::kAsRecorded:
      break;
  }
  return peak;
}

Bytes ReplayModel::MoreThatIsInRest(const Moment& moment) const {
  Bytes more;
  if (!moment.heap && heap_.count > 0) more += std::max(Bytes{}, heap_now_ - heap_);
  if (!moment.direct && run_.granted) more += std::max(Bytes{}, network_now_ - network_);
  if (!saw_pools_ && budget_.count > 0) more += std::max(Bytes{}, budget_now_ - budget_);
  return more;
}

Parts ReplayModel::Predicted(const Moment& moment) const {
  Parts parts;
  parts.heap = Heap(moment);
  parts.metaspace = moment.metaspace.value_or(Bytes{});
  parts.direct = Direct(moment);
  if (HasPools(moment)) parts.rocksdb = PoolsFrom(moment);
  parts.rocksdb += moment.table_readers.value_or(Bytes{});
  parts.rest = moment.Rest() + MoreThatIsInRest(moment);
  return parts;
}

Bytes ReplayModel::PeakOfRest(const Moment& peaks) const {
  Bytes most;
  for (const Moment& moment : run_.moments) {
    // Of a moment at which a component was not looked at, that component is in the rest: it would count twice.
    Bytes rest = moment.Rest();
    const auto leave_out = [&](const std::optional<Bytes>& seen, const std::optional<Bytes>& peak) {
      if (!seen && peak) rest -= *peak;
    };
    leave_out(moment.heap, peaks.heap);
    leave_out(moment.metaspace, peaks.metaspace);
    leave_out(moment.direct, peaks.direct);
    if (!HasPools(moment)) leave_out(std::nullopt, peaks.caches);
    leave_out(moment.table_readers, peaks.table_readers);
    most = std::max(most, rest);
  }
  return most;
}

ReplayModel::Beyond ReplayModel::BeyondTheKill() const {
  Beyond beyond;
  Moment& peaks = beyond.peaks;
  for (const Moment& moment : run_.moments) {
    peaks.at = std::max(peaks.at, moment.at);
    Raise(moment.heap, &peaks.heap);
    Raise(moment.heap_live, &peaks.heap_live);
    Raise(moment.metaspace, &peaks.metaspace);
    Raise(moment.direct, &peaks.direct);
    if (HasPools(moment)) Raise(PoolsOf(moment), &peaks.caches);
    Raise(moment.table_readers, &peaks.table_readers);
  }
  const Bytes rest = PeakOfRest(peaks);
  peaks.at = std::max(peaks.at, run_.lifetime);
  peaks.working_set = Recorded(peaks).Sum() + rest;
  beyond.recorded = Recorded(peaks);
  beyond.predicted = Predicted(peaks);
  const Bytes readers = peaks.table_readers.value_or(Bytes{});
  Bytes grown;
  if (saw_pools_) {
    const Bytes pools = *peaks.caches;
    beyond.predicted.rocksdb = FullPools(pools) + readers;
    if (!run_.rocksdb_managed.value_or(true)) grown = std::max(Bytes{}, need_ - pools);
  }
  // It reached its limit and asked for more. What neither the peaks nor RocksDB's growth account for is of an unknown kind.
  if (run_.limit) {
    const Bytes missing = Clamped(*run_.limit) + kPage - (beyond.recorded.Sum() + grown);
    if (missing.count > 0) {
      beyond.recorded.rest += missing;
      beyond.predicted.rest += missing;
    }
  }
  return beyond;
}

std::vector<std::string> ReplayModel::Assumptions() const {
  std::vector<std::string> said;
  if (run_.partial)
    said.emplace_back(
        "of it there are metrics only: what they do not name is not in the replay, and it needs "
        "more "
        "than is predicted");
  const auto seen = [&](auto observed) {
    return std::any_of(run_.moments.begin(), run_.moments.end(), observed);
  };
  const bool heap = seen([](const Moment& moment) { return moment.heap.has_value(); });
  const bool direct = seen([](const Moment& moment) { return moment.direct.has_value(); });
  if (!run_.granted) {
    said.emplace_back(
        "what Flink granted it is not known: heap and direct memory are taken as recorded, the "
        "heap "
        "at most as large as it may be now");
  } else {
    if (!heap)
      said.push_back("its heap was not observed and is part of the rest: " +
                     (heap_now_ > heap_ ? FormatBytes(heap_now_ - heap_) + " more of it are added"
                                        : std::string("a smaller one takes nothing away")));
    if (!direct)
      said.push_back("its direct memory was not observed and is part of the rest: " +
                     (network_now_ > network_
                          ? FormatBytes(network_now_ - network_) + " more for the network are added"
                          : std::string("a smaller network takes nothing away")));
  }
  if (heap && (heap_.count == 0 || heap_now_ < heap_) &&
      !seen([](const Moment& moment) { return moment.heap_live.has_value(); }))
    said.push_back("no collection's end was observed: that its live objects fit a heap of " +
                   FormatBytes(heap_now_) + " is not known");
  const bool managed = run_.rocksdb_managed.value_or(false);
  if (!saw_pools_ && budget_.count > 0 && budgets_.rocksdb.kind != flink::RocksDbBudgetKind::kNone)
    said.push_back("what RocksDB held was not observed and is part of the rest: " +
                   (budget_now_ > budget_
                        ? FormatBytes(budget_now_ - budget_) + " more for its pool are added"
                        : std::string("a smaller pool takes nothing away")));
  if (saw_pools_ && pools_ == Pools::kAsRecorded) {
    said.push_back("RocksDB's caches and memtables are taken as recorded: " +
                   std::string(!run_.rocksdb_managed ? "whether they were bounded is not known"
                               : need_now_.count == 0 && budget_.count > 0
                                   ? "the options of its families are not known"
                                   : "their budget is not known"));
  }
  if (pools_ == Pools::kBounded &&
      seen([&](const Moment& moment) { return CachesAreFull(moment); }))
    said.emplace_back(
        "its families' own caches were full, so that the one cache that RocksDB has now is taken "
        "to "
        "fill too");
  if (saw_pools_ && pools_ == Pools::kUnbounded)
    said.push_back("nothing bounds RocksDB any more: it takes all that its families may, " +
                   FormatBytes(WithSlots(need_now_)));
  if (run_.killed) {
    said.push_back("killed" + (run_.limit ? " at " + FormatBytes(*run_.limit) : std::string()) +
                   ", so that it may have needed more than it lived to show: replayed beyond its "
                   "end with every "
                   "component at its peak" +
                   (saw_pools_ && pools_ != Pools::kAsRecorded
                        ? " and RocksDB's caches and memtables full"
                        : ""));
  }
  if (!managed && run_.rocksdb_managed && !run_.slots && pools_ == Pools::kWithSlots &&
      budgets_.rocksdb.slots != 1)
    said.emplace_back("how many slots it had is not known: RocksDB is taken for as many as now");
  return said;
}

}  // namespace wrackline::sizing
