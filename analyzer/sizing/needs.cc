#include "analyzer/sizing/needs.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "analyzer/sizing/flink_candidates.h"
#include "analyzer/sizing/rules.h"

namespace wrackline::sizing {
namespace {

using flink::RocksDbBudgetKind;

Bytes OrZero(const std::optional<Bytes>& amount) { return amount.value_or(Bytes{}); }
Bytes Mebibytes(Bytes amount) { return RoundUp(amount, kMiB); }
Bytes HalfMore(Bytes amount) { return {amount.count / 2 * 3}; }
Bytes Eighth(Bytes amount) { return Retention(amount); }

// Close enough to its bound that the bound may have held it back.
bool AtBound(Bytes amount, Bytes bound) {
  return bound.count > 0 && amount >= bound - Bytes{bound.count / 32};
}

void Raise(std::optional<Bytes>* peak, Bytes amount) { *peak = std::max(OrZero(*peak), amount); }

// One run's peaks, and what they say of each component.
struct Peaks {
  std::optional<Bytes> heap, heap_live, metaspace, direct, rocksdb, pool;
  Bytes table_readers, rest, overshoot, lasting_overshoot, working_set;
  Bytes unseen_pool;  // of RocksDB that is bounded, and was not measured: its bound
};

// The larger of what 19 moments of 20 stay below, and of the middle one of the last three: a single reading may be of another moment
// than the charge beside it, but what grows until the end is real. Heap, network and RocksDB's pool that were not seen are taken to be
// as large as they were granted: that much of the rest is theirs.
Bytes RestOf(const std::vector<Moment>& moments, const flink::TaskManagerMemory& granted,
             Bytes unseen_pool) {
  const auto sees = [&](std::optional<Bytes> Moment::*component) {
    return std::any_of(moments.begin(), moments.end(),
                       [&](const Moment& moment) { return (moment.*component).has_value(); });
  };
  const bool sees_heap = sees(&Moment::heap);
  const bool sees_direct = sees(&Moment::direct);
  std::vector<Bytes> rest;
  rest.reserve(moments.size());
  for (const Moment& moment : moments) {
    // Before the VM is asked for the first time its heap is in the rest.
    if ((sees_heap && !moment.heap) || (sees_direct && !moment.direct)) continue;
    rest.push_back(Above(moment.Rest(), (sees_heap ? Bytes{} : granted.JvmHeap()) +
                                            (sees_direct ? Bytes{} : granted.network) +
                                            unseen_pool));
  }
  if (rest.empty()) return {};
  std::vector<Bytes> last(
      rest.end() - static_cast<std::ptrdiff_t>(std::min<std::size_t>(3, rest.size())), rest.end());
  std::sort(rest.begin(), rest.end());
  std::sort(last.begin(), last.end());
  const Bytes most = rest[(rest.size() * 19 + 19) / 20 - 1];
  return std::max(most, last[last.size() / 2]);
}

Bytes Median(std::vector<Bytes> amounts) {
  if (amounts.empty()) return {};
  const auto middle = amounts.begin() + static_cast<std::ptrdiff_t>(amounts.size() / 2);
  std::nth_element(amounts.begin(), middle, amounts.end());
  return *middle;
}

Peaks PeaksOf(const Run& run, const flink::TaskManagerMemory& granted,
              std::optional<Bytes> pool_bound) {
  Peaks peaks;
  std::vector<Bytes> beyond;
  for (const Moment& moment : run.moments) {
    peaks.working_set = std::max(peaks.working_set, moment.working_set);
    if (moment.heap) Raise(&peaks.heap, *moment.heap);
    if (moment.heap_live) Raise(&peaks.heap_live, *moment.heap_live);
    if (moment.metaspace) Raise(&peaks.metaspace, *moment.metaspace);
    if (moment.direct) Raise(&peaks.direct, *moment.direct);
    if (!moment.caches && !moment.memtables && !moment.table_readers) continue;
    Raise(&peaks.rocksdb, moment.RocksDb());
    Raise(&peaks.pool, OrZero(moment.caches) + OrZero(moment.memtables));
    peaks.table_readers = std::max(peaks.table_readers, OrZero(moment.table_readers));
    if (pool_bound) beyond.push_back(Above(moment.RocksDb(), *pool_bound));
  }
  if (!beyond.empty()) peaks.overshoot = *std::max_element(beyond.begin(), beyond.end());
  peaks.lasting_overshoot = Median(std::move(beyond));
  if (pool_bound && !peaks.rocksdb) peaks.unseen_pool = *pool_bound;
  peaks.rest = RestOf(run.moments, granted, peaks.unseen_pool);
  return peaks;
}

void TakeLarger(const Need& other, Need* need) {
  if (other.peak) Raise(&need->peak, *other.peak);
  if (other.floor > need->floor || need->reason.empty()) need->reason = other.reason;
  need->floor = std::max(need->floor, other.floor);
}

Need HeapNeed(const Peaks& peaks, Bytes ran_with) {
  Need need;
  if (peaks.heap_live) {
    need.peak = peaks.heap_live;
    const Bytes room = HalfMore(*peaks.heap_live);
    if (AtBound(*peaks.heap_live, ran_with)) {
      need.floor = room;
      need.reason = "used after collection it reached its maximum: 3/2 of that";
    } else if (room > ran_with) {
      need.floor = ran_with;
      need.reason = "what it ran with; 3/2 of what was used after collection is more";
    } else {
      need.floor = room;
      need.reason = "3/2 of what was used after collection: a collector needs room to work in";
    }
  } else if (peaks.heap) {
    need.peak = peaks.heap;
    need.floor = std::min(*peaks.heap, ran_with);
    need.reason = "nothing was collected: all that was ever touched";
  } else {
    need.floor = ran_with;
    need.reason = "its use is not known: what it ran with";
  }
  return need;
}

Need MetaspaceNeed(const Peaks& peaks, Bytes ran_with) {
  Need need;
  if (!peaks.metaspace)
    return {std::nullopt, ran_with, {}, "its use is not known: what it ran with"};
  need.peak = peaks.metaspace;
  const Bytes room = HalfMore(*peaks.metaspace);
  const bool full = AtBound(*peaks.metaspace, ran_with);
  need.floor = full ? room : std::min(room, ran_with);
  need.reason = full ? "it reached its maximum: 3/2 of that"
                     : "3/2 of its peak: after a restart of a job its classes are there twice";
  return need;
}

Need NetworkNeed(const Run& run, const Peaks& peaks, Bytes ran_with) {
  if (!run.network_used || !peaks.direct)
    return {std::nullopt, ran_with, {}, "how much of it was used is not known: what it ran with"};
  return {run.network_used,
          std::min(ran_with, *run.network_used + Bytes{run.network_used->count / 4}),
          {},
          "5/4 of what was used"};
}

// Of each run its own figures against what that run was granted; the needs are the largest of all runs.
class Collector {
 public:
  Collector(const flink::TaskManagerMemory& now, const flink::RocksDbBudget& budget)
      : now_(now), budget_(budget) {
    needs_.framework_off_heap = now.framework_off_heap;
  }

  void Add(const Run& run) {
    const flink::TaskManagerMemory& granted = run.granted ? *run.granted : now_;
    const bool unmanaged = run.rocksdb_managed && !*run.rocksdb_managed;
    const bool outside = budget_.kind == RocksDbBudgetKind::kFixedPerSlot ||
                         budget_.kind == RocksDbBudgetKind::kFixedPerTaskManager;
    std::optional<Bytes> bound;
    if (run.rocksdb_managed && !unmanaged)
      bound = run.rocksdb_fixed ? *run.rocksdb_fixed : outside ? budget_.amount : granted.managed;
    const Peaks peaks = PeaksOf(run, granted, bound);

    TakeLarger(HeapNeed(peaks, granted.JvmHeap()), &needs_.heap);
    TakeLarger(MetaspaceNeed(peaks, granted.jvm_metaspace), &needs_.metaspace);
    TakeLarger(NetworkNeed(run, peaks, granted.network), &needs_.network);

    const Bytes other_direct = peaks.direct ? Above(*peaks.direct, granted.network) : Bytes{};
    const bool direct_full =
        AtBound(other_direct, granted.framework_off_heap + granted.task_off_heap);
    const Bytes direct_need =
        other_direct + (direct_full ? Bytes{other_direct.count / 2} : Eighth(other_direct));
    direct_ = std::max(direct_, direct_need);
    const Bytes rest = Rest(run, peaks, granted, Above(now_.framework_off_heap, direct_need),
                            outside || !run.rocksdb_managed);

    Bytes fixed = OrZero(peaks.metaspace) + other_direct + rest;
    if (run.rocksdb_managed) {
      AddRocksDb(run, peaks, unmanaged, outside, bound);
      if (unmanaged || budget_.kind == RocksDbBudgetKind::kNone) fixed += peaks.table_readers;
    }
    fixed_ = std::max(fixed_, fixed);
    if (run.managed_used) {
      managed_used_ = std::max(managed_used_.value_or(Bytes{}), *run.managed_used);
    } else {
      managed_unknown_ = std::max(managed_unknown_, granted.managed);
    }
  }

  Needs Finish() {
    FinishManaged();
    const Bytes user = Above(direct_, now_.framework_off_heap);
    Need& off_heap = needs_.task_off_heap;
    off_heap.floor = rocksdb_off_heap_ + user;
    if (user.count > 0) {
      off_heap.reason += off_heap.reason.empty() ? "" : "; ";
      off_heap.reason += FormatBytes(user) + " direct buffers beyond framework off-heap memory";
    }
    if (needs_.plan == RocksDbPlan::kTurnOn) {
      off_heap.reason += off_heap.reason.empty() ? "" : "; ";
      off_heap.reason +=
          "an eighth of managed memory, for what RocksDB and the allocator take beyond it";
    }
    if (off_heap.reason.empty()) off_heap.reason = "nothing was seen that needs it";
    needs_.fixed = fixed_ + needs_.overshoot;
    if (needs_.plan == RocksDbPlan::kOutside) needs_.fixed += budget_.amount;
    needs_.heap.floor = std::max(needs_.heap.floor, now_.framework_heap);
    Settle(now_.JvmHeap(), &needs_.heap);
    Settle(now_.jvm_metaspace, &needs_.metaspace);
    Settle(now_.network, &needs_.network);
    Settle(now_.jvm_overhead, &needs_.overhead);
    Settle(now_.task_off_heap, &off_heap);
    needs_.comfortable_overhead =
        std::max(needs_.overhead.floor, std::min(now_.jvm_overhead, Mebibytes(rest_)));
    return std::move(needs_);
  }

 private:
  // Whole MiB, but where what there is in odd bytes is enough.
  static void Settle(Bytes present, Need* need) {
    const Bytes rounded = Mebibytes(need->floor);
    need->floor = need->floor <= present && rounded > present ? present : rounded;
    need->wish = std::max(need->floor, present);
  }

  // What overhead has to hold; returns all of the rest, wherever its room is.
  Bytes Rest(const Run& run, const Peaks& peaks, const flink::TaskManagerMemory& granted,
             Bytes spare, bool managed_is_others) {
    Need need;
    if (run.partial) {
      need.floor = granted.jvm_overhead;
      need.reason =
          "stacks of threads, code and what the allocator keeps are in no metric: what it ran with";
      TakeLarger(need, &needs_.overhead);
      rest_ = std::max(rest_, need.floor);
      return std::max(peaks.rest, need.floor);
    }
    // Of managed memory that Python or a batch operator uses no component tells: it is in the rest, and has its room already.
    const Bytes in_managed = managed_is_others
                                 ? std::min({peaks.rest, OrZero(run.managed_used), now_.managed})
                                 : Bytes{};
    const Bytes rest = peaks.rest - in_managed;
    need.peak = rest;
    need.floor = Above(rest, spare);
    need.reason =
        "stacks of threads, code, the collector's tables, other native memory, what the allocator "
        "keeps: " +
        FormatBytes(rest) + ", of which framework off-heap memory has room for " +
        FormatBytes(std::min(spare, rest));
    if (in_managed.count > 0)
      need.reason +=
          "; without the " + FormatBytes(in_managed) + " that managed memory is used for";
    TakeLarger(need, &needs_.overhead);
    rest_ = std::max(rest_, rest);
    return peaks.rest;
  }

  void AddRocksDb(const Run& run, const Peaks& peaks, bool unmanaged, bool outside,
                  std::optional<Bytes> bound) {
    Demand families;
    families.families = run.families;
    families = Sanitized(families);
    const int slots = std::max(budget_.slots, run.slots.value_or(1));
    // Where no family's options are known: Flink's default.
    constexpr Bytes kUsualWriteBuffer = 64 * kMiB;
    const Bytes largest = LargestWriteBuffer(families);
    needs_.smallest_pool =
        std::max(needs_.smallest_pool, SmallestPool(largest.count > 0 ? largest : kUsualWriteBuffer,
                                                    slots, budget_.write_buffer_ratio));
    if (peaks.rocksdb) Raise(&needs_.managed.peak, *peaks.rocksdb);
    if (unmanaged || budget_.kind == RocksDbBudgetKind::kNone) {
      needs_.plan = RocksDbPlan::kTurnOn;
      pool_ = std::max(pool_, OrZero(peaks.pool));
      return;
    }
    if (needs_.plan != RocksDbPlan::kTurnOn)
      needs_.plan = outside ? RocksDbPlan::kOutside : RocksDbPlan::kManaged;
    if (!outside) unseen_pool_ = std::max(unseen_pool_, peaks.unseen_pool);
    pool_ = std::max(pool_, std::min(OrZero(peaks.rocksdb), *bound));
    Bytes overshoot = peaks.overshoot;
    // Half of the time beyond an eighth: the bound does not bind, what is pinned is too much for it. The memtables take their part of
    // what is added.
    if (!outside && peaks.lasting_overshoot > Eighth(*bound)) {
      const double kept = 1 - 2 * budget_.write_buffer_ratio / 3;
      const Bytes more = RoundUp(
          {std::llround(static_cast<double>(peaks.lasting_overshoot.count) / kept)}, kOffHeapStep);
      more_managed_ = std::max(more_managed_, *bound + more);
      overshoot = Above(overshoot + MemtablesWith(more, budget_.write_buffer_ratio), more);
    }
    needs_.overshoot = std::max(needs_.overshoot, overshoot);
    if (overshoot.count == 0 && !outside) return;
    const Bytes whole = (outside ? *bound : Bytes{}) + overshoot + Eighth(*bound);
    const Bytes need = RoundUp(whole, kOffHeapStep);
    if (need <= rocksdb_off_heap_) return;
    rocksdb_off_heap_ = need;
    needs_.beyond = Needs::Beyond{OrZero(peaks.rocksdb), *bound, overshoot, need,
                                  run.rocksdb_fixed.has_value()};
    needs_.task_off_heap.peak = overshoot;
    needs_.task_off_heap.reason =
        "RocksDB's " + FormatBytes(overshoot) + " beyond its " + FormatBytes(*bound) +
        " and an eighth of those as margin, in steps of " + FormatBytes(kOffHeapStep);
  }

  void FinishManaged() {
    Need& managed = needs_.managed;
    switch (needs_.plan) {
      case RocksDbPlan::kNone:
      case RocksDbPlan::kOutside:
        managed.peak = managed_used_;
        if (managed_used_ && managed_unknown_ > *managed_used_) {
          // Of another run nobody knows.
          managed_used_ = managed_unknown_;
          managed.floor = std::min(managed_unknown_, now_.managed);
          managed.reason = "of one run it is not known who uses it: what it ran with";
        } else if (managed_used_) {
          managed.floor = std::min(Mebibytes(*managed_used_), now_.managed);
          managed.reason = "what Flink's metric says is reserved of it";
        } else {
          managed.floor = now_.managed;
          managed.reason = "who uses it is not known: as it is";
        }
        managed.wish = needs_.comfortable = now_.managed;
        if (managed_used_) needs_.comfortable = managed.floor;
        return;
      case RocksDbPlan::kManaged:
        managed.floor = more_managed_.count > 0 ? Mebibytes(more_managed_)
                                                : std::min(needs_.smallest_pool, now_.managed);
        if (unseen_pool_ > managed.floor) {
          managed.floor = managed.wish = needs_.comfortable = unseen_pool_;
          managed.wish = std::max(managed.wish, now_.managed);
          managed.reason = "what RocksDB took of it is not known: what it ran with";
          return;
        }
        managed.wish = std::max(managed.floor, now_.managed);
        needs_.comfortable = std::max(managed.floor, std::min(managed.wish, Mebibytes(pool_)));
        managed.reason = more_managed_.count > 0
                             ? "half of the time RocksDB was beyond it by more than an eighth: "
                               "what is pinned does not fit"
                             : "RocksDB's block caches and memtables share it; it works from " +
                                   FormatBytes(needs_.smallest_pool) + " on";
        return;
      case RocksDbPlan::kTurnOn: {
        managed.floor = needs_.smallest_pool;
        // Flink's default share, where there is less than RocksDB works with.
        const Bytes usual = RoundDown({now_.total_flink.count / 10 * 4}, kMiB);
        managed.wish = now_.managed >= managed.floor ? RoundDown(now_.managed, kMiB)
                                                     : std::max(managed.floor, usual);
        needs_.comfortable = std::max(managed.floor, std::min(managed.wish, Mebibytes(pool_)));
        managed.reason =
            "one cache and one write buffer manager a slot for all states; it works from " +
            FormatBytes(needs_.smallest_pool) + " on";
        return;
      }
    }
  }

  const flink::TaskManagerMemory& now_;
  const flink::RocksDbBudget& budget_;
  Needs needs_;
  Bytes direct_, fixed_, rest_, rocksdb_off_heap_, more_managed_, pool_, unseen_pool_;
  std::optional<Bytes> managed_used_;
  Bytes managed_unknown_;  // granted to runs of which no metric says how much was reserved
};

}  // namespace

Bytes Needs::OffHeapBeside(Bytes managed) const {
  return task_off_heap.floor +
         (plan == RocksDbPlan::kTurnOn ? Mebibytes(Eighth(managed)) : Bytes{});
}

Bytes Needs::Pool(Bytes managed) const {
  switch (plan) {
    case RocksDbPlan::kNone:
    case RocksDbPlan::kOutside:
      return {};
    case RocksDbPlan::kManaged:
      return managed;
    case RocksDbPlan::kTurnOn:
      break;
  }
  return managed + Eighth(managed);
}

Bytes Needs::Predicted(const Sizes& sizes) const {
  return sizes.heap + sizes.network + Pool(sizes.managed) + fixed;
}

Bytes Needs::Total(const Sizes& sizes) const {
  return sizes.heap + sizes.metaspace + sizes.network + sizes.managed + sizes.task_off_heap +
         sizes.overhead + framework_off_heap;
}

bool Needs::Holds(const Sizes& sizes) const {
  return sizes.heap >= heap.floor && sizes.metaspace >= metaspace.floor &&
         sizes.network >= network.floor && sizes.managed >= managed.floor &&
         sizes.task_off_heap >= OffHeapBeside(sizes.managed) && sizes.overhead >= overhead.floor;
}

Sizes Needs::Floors() const {
  return {
      heap.floor,    metaspace.floor, network.floor, managed.floor, OffHeapBeside(managed.floor),
      overhead.floor};
}

Sizes Needs::Wishes() const {
  return {heap.wish,
          metaspace.wish,
          network.wish,
          managed.wish,
          std::max(task_off_heap.wish, OffHeapBeside(managed.wish)),
          overhead.wish};
}

std::vector<Run> ToHold(std::vector<Run> runs, double confidence) {
  const auto demand = [](const Run& run) {
    Bytes most;
    for (const Moment& moment : run.moments) most = std::max(most, moment.working_set);
    return most;
  };
  const double share = std::clamp(confidence, 0.0, 1.0) * static_cast<double>(runs.size());
  const auto held = std::max<std::size_t>(1, static_cast<std::size_t>(std::ceil(share - 1e-9)));
  if (held >= runs.size()) return runs;
  std::vector<std::size_t> order(runs.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::vector<Bytes> demands;
  demands.reserve(runs.size());
  for (const Run& run : runs) demands.push_back(demand(run));
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return demands[a] < demands[b]; });
  order.resize(held);
  std::sort(order.begin(), order.end());
  std::vector<Run> kept;
  kept.reserve(held);
  for (const std::size_t index : order) kept.push_back(std::move(runs[index]));
  return kept;
}

Needs NeedsOf(const std::vector<Run>& runs, const flink::TaskManagerMemory& now,
              const flink::RocksDbBudget& budget) {
  Collector collector(now, budget);
  for (const Run& run : runs) collector.Add(run);
  return collector.Finish();
}

}  // namespace wrackline::sizing
