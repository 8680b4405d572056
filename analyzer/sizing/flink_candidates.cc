#include "analyzer/sizing/flink_candidates.h"

#include <algorithm>

#include "analyzer/sizing/rules.h"

namespace wrackline::sizing {
namespace {

namespace options = flink::options;

// A starting point: the configuration, cut to the limit and with its totals named where edits need
// that.
struct Base {
  FlinkEdit edit;
  flink::TaskManagerMemory memory;
};

std::optional<flink::TaskManagerMemory> Derive(const FlinkCase& flink_case, const FlinkEdit& edit) {
  const auto memory = flink::DeriveTaskManagerMemory(edit.configuration(), flink_case.version,
                                                     flink::Mode::kStandalone);
  if (!memory.ok()) return std::nullopt;
  return memory.value();
}

std::optional<Base> FitToLimit(const FlinkCase& flink_case, Bytes limit) {
  FlinkEdit edit(flink_case.configuration);
  const bool one_by_one = edit.Contains(options::kTaskHeap) && edit.Contains(options::kManagedSize);
  if (!one_by_one && !edit.Contains(options::kFlinkSize) && !edit.Contains(options::kProcessSize)) {
    edit.Set(options::kFlinkSize, flink_case.now.total_flink,
             "names what the legacy key taskmanager.heap means");
  }
  if (flink_case.now.total_process > limit) {
    if (one_by_one && !edit.Contains(options::kProcessSize)) return std::nullopt;
    edit.Remove(options::kFlinkSize, "the process size decides under a limit");
    edit.RemoveLegacyTotal(flink_case.version);
    edit.Set(options::kProcessSize, RoundDown(limit, kMiB),
             "the whole process has to fit the limit");
  }
  auto memory = Derive(flink_case, edit);
  if (memory && edit.Contains(options::kTaskHeap) && !one_by_one &&
      !edit.Contains(options::kFlinkSize)) {
    // With a managed size beside a task heap size Flink would derive the total from both instead of
    // dividing it.
    edit.Set(options::kFlinkSize, memory->total_flink,
             "keeps the total while managed memory becomes a size");
    memory = Derive(flink_case, edit);
  }
  if (!memory || memory->total_process > limit) return std::nullopt;
  return Base{std::move(edit), *memory};
}

// Raises the totals by at least `growth`, until the heap reaches `heap`: network and overhead take
// their fractions of the growth.
bool GrowTotals(const FlinkCase& flink_case, FlinkEdit& edit, const flink::TaskManagerMemory& from,
                Bytes growth, Bytes heap, Bytes limit) {
  const std::string reason = "uses what the limit leaves free, so that the heap keeps its size";
  const bool has_flink = edit.Contains(options::kFlinkSize);
  const bool has_process = edit.Contains(options::kProcessSize);
  if (!has_flink && !has_process) return true;  // sizes given one by one: the total follows them
  for (int step = 0; step < 16; ++step) {
    growth = RoundUp(growth, kMiB);
    if (from.total_process + growth > limit) return false;
    if (has_flink) edit.Set(options::kFlinkSize, from.total_flink + growth, reason);
    if (has_process) edit.Set(options::kProcessSize, from.total_process + growth, reason);
    const auto memory = Derive(flink_case, edit);
    if (!memory) return false;
    if (memory->JvmHeap() >= heap) return true;
    growth += heap - memory->JvmHeap();
  }
  return false;
}

// The base with other managed and task off-heap memory: the total grows by `growth`, the task heap
// gives the rest.
std::optional<Candidate> Rearranged(const FlinkCase& flink_case, const Base& base, Bytes managed,
                                    Bytes off_heap, Bytes growth, Bytes limit) {
  FlinkEdit edit = base.edit;
  const Bytes from_heap =
      (off_heap - base.memory.task_off_heap) + (managed - base.memory.managed) - growth;
  const Bytes task_heap = base.memory.task_heap - from_heap;
  // How much of its heap a job can spare is not known here: never more than two thirds.
  if (3 * task_heap < base.memory.task_heap) return std::nullopt;
  if (off_heap != base.memory.task_off_heap) {
    edit.Set(options::kTaskOffHeap, off_heap, "room for what RocksDB takes beyond its budget");
  }
  if (managed != base.memory.managed || growth.count > 0) {
    // A round figure where the task heap takes up the rest; exact where the network would have to.
    edit.Set(options::kManagedSize,
             edit.Contains(options::kTaskHeap) ? managed : RoundDown(managed, kMiB),
             "RocksDB's block caches and memtables share this");
  }
  if (edit.Contains(options::kTaskHeap) && from_heap.count > 0) {
    edit.Set(options::kTaskHeap, task_heap,
             "gives the room; check that the heap after collection fits");
  }
  const Bytes heap = base.memory.JvmHeap() - std::max(Bytes{}, from_heap);
  if (growth.count > 0 && !GrowTotals(flink_case, edit, base.memory, growth, heap, limit))
    return std::nullopt;
  const auto memory = Derive(flink_case, edit);
  if (!memory || memory->total_process > limit || 3 * memory->task_heap < base.memory.task_heap)
    return std::nullopt;
  return Candidate{std::move(edit), *memory, Bytes{}};
}

// Outside RocksDB the process needs what it needed, less what its heap was cut by; but no cut
// reaches below the new budgets.
Bytes OutsideAfter(const FlinkCase& flink_case, const flink::TaskManagerMemory& memory,
                   Bytes rocksdb_budget) {
  const Bytes outside = flink_case.demand.outside_rocksdb;
  const Bytes heap_cut = std::max(Bytes{}, flink_case.now.JvmHeap() - memory.JvmHeap());
  const Bytes over_budget = std::max(Bytes{}, outside - (memory.total_process - rocksdb_budget));
  return outside - std::min(heap_cut, over_budget);
}

std::optional<Candidate> BestUnmanaged(const FlinkCase& flink_case, const Base& base, Bytes limit) {
  const Bytes fixed = flink_case.demand.outside_rocksdb + flink_case.demand.table_readers_peak;
  const Bytes smallest =
      SmallestPool(LargestWriteBuffer(flink_case.demand), flink_case.budget.slots,
                   flink_case.budget.write_buffer_ratio);
  const Bytes affordable = LargestPool(limit, fixed);
  if (affordable < smallest) return std::nullopt;

  Base managed_base = base;
  managed_base.edit.Remove(options::kRocksDbFixedPerSlot,
                           "it counts before managed memory, and bounds less");
  managed_base.edit.Set(
      options::kRocksDbManaged, "true",
      "one cache and one write buffer manager per slot, bounded by managed memory");
  const auto with = [&](Bytes managed) -> std::optional<Candidate> {
    // What managed memory does not take stays away from the heap: as off-heap it is not used unless
    // task code asks for it.
    const Bytes freed = std::max(Bytes{}, base.memory.managed - managed);
    const Bytes wanted = std::max(Bytes{}, managed - base.memory.managed);
    for (int quarter = 4; quarter >= 0; --quarter) {
      auto candidate =
          Rearranged(flink_case, managed_base, managed, base.memory.task_off_heap + freed,
                     {wanted.count / 4 * quarter}, limit);
      if (candidate) {
        candidate->predicted_peak = fixed + managed + Retention(managed);
        return candidate;
      }
      if (wanted.count == 0) break;
    }
    return std::nullopt;
  };
  const Bytes present = RoundDown(base.memory.managed, kMiB);
  if (present >= smallest) return with(std::min(present, affordable));

  // Too little managed memory is configured, as is usual with unmanaged RocksDB: as much as Flink's
  // default share, if the heap can give it.
  std::int64_t low = smallest.count / kMiB.count;
  std::int64_t high = std::max(
      low, std::min(affordable, Bytes{base.memory.total_flink.count / 10 * 4}).count / kMiB.count);
  auto best = with(low * kMiB);
  if (!best) return std::nullopt;
  while (low < high) {
    const std::int64_t middle = low + (high - low + 1) / 2;
    if (auto candidate = with(middle * kMiB)) {
      best = std::move(candidate);
      low = middle;
    } else {
      high = middle - 1;
    }
  }
  return best;
}

std::optional<Candidate> BestForOvershoot(const FlinkCase& flink_case, const Base& base,
                                          Bytes limit) {
  const Bytes need = flink_case.OffHeapNeed();
  const Bytes off_heap = std::max(base.memory.task_off_heap, need);
  const Bytes added = off_heap - base.memory.task_off_heap;
  const Bytes smallest =
      std::min(base.memory.managed,
               SmallestPool(LargestWriteBuffer(flink_case.demand), flink_case.budget.slots,
                            flink_case.budget.write_buffer_ratio));
  constexpr int kManagedSteps = 32;
  constexpr int kGrowthSteps = 8;
  for (int m = 0; m <= kManagedSteps; ++m) {
    const Bytes from_managed =
        RoundDown({added.count / kManagedSteps * m}, m == 0 ? Bytes{1} : kMiB);
    const Bytes managed = base.memory.managed - from_managed;
    if (flink_case.InManaged() ? managed < smallest : managed.count < 0) break;
    for (int g = kGrowthSteps; g >= 0; --g) {
      const Bytes growth{(added - from_managed).count / kGrowthSteps * g};
      auto candidate = Rearranged(flink_case, base, managed, off_heap, growth, limit);
      if (!candidate) continue;
      // RocksDB keeps its overshoot whatever its budget is.
      const Bytes budget =
          flink_case.InManaged() ? candidate->memory.managed : flink_case.budget.amount;
      const Bytes granted = (flink_case.InManaged() ? candidate->memory.managed : Bytes{}) + need;
      candidate->predicted_peak = OutsideAfter(flink_case, candidate->memory, granted) + budget +
                                  flink_case.Overshoot() + Retention(budget);
      if (candidate->predicted_peak <= limit) return candidate;
    }
    if (added.count == 0) break;
  }
  return std::nullopt;
}

std::optional<Candidate> AsConfigured(const FlinkCase& flink_case, Base base, Bytes limit) {
  const Bytes granted = flink_case.InManaged() ? base.memory.managed : flink_case.budget.amount;
  const Bytes predicted = OutsideAfter(flink_case, base.memory, granted) + flink_case.rocksdb_peak;
  // Above 31/32 of its limit a process counts as killed by it: the last sample is taken a little
  // before the end.
  if (predicted > limit - Bytes{limit.count / 32}) return std::nullopt;
  return Candidate{std::move(base.edit), base.memory, predicted};
}

}  // namespace

Bytes FlinkCase::OffHeapNeed() const {
  if (!HasRocksDb() || unmanaged) return {};
  const Bytes outside_model = InManaged() ? Bytes{} : budget.amount;
  if (Overshoot().count == 0 && outside_model.count == 0) return {};
  return RoundUp(outside_model + Overshoot() + Retention(budget.amount), kOffHeapStep);
}

std::optional<Candidate> BestUnder(const FlinkCase& flink_case, Bytes limit) {
  auto base = FitToLimit(flink_case, limit);
  if (!base) return std::nullopt;
  if (flink_case.HasRocksDb() && flink_case.unmanaged)
    return BestUnmanaged(flink_case, *base, limit);
  if (flink_case.OffHeapNeed().count > 0) return BestForOvershoot(flink_case, *base, limit);
  return AsConfigured(flink_case, *std::move(base), limit);
}

Bytes SmallestFlinkLimit(const FlinkCase& flink_case) {
  constexpr std::int64_t kMost = std::int64_t{1} << 30;  // MiB: 1 PiB
  std::int64_t high = 64;
  while (high < kMost && !BestUnder(flink_case, high * kMiB)) high *= 2;
  if (!BestUnder(flink_case, high * kMiB)) return {};
  std::int64_t low = high / 2;
  while (high - low > 1) {
    const std::int64_t middle = low + (high - low) / 2;
    (BestUnder(flink_case, middle * kMiB) ? high : low) = middle;
  }
  return high * kMiB;
}

}  // namespace wrackline::sizing
