#include "analyzer/sizing/fit.h"

#include <algorithm>
#include <cmath>

#include "analyzer/flink/options.h"
#include "analyzer/sizing/rules.h"

namespace wrackline::sizing {
namespace {

namespace options = flink::options;

// Takes up to `wanted`, in whole MiB, of what `size` has beyond `floor`; returns what is still wanted.
Bytes Take(Bytes* size, Bytes floor, Bytes wanted) {
  const Bytes taken = std::min(RoundUp(wanted, kMiB), Above(*size, floor));
  *size -= taken;
  return Above(wanted, taken);
}

// What the sizes leave of the process is overhead: a larger heap would be used, and that is what the headroom is kept from. In whole
// MiB where the heap can take up the odd bytes.
void FillUp(const Needs& needs, Bytes process, Bytes limit, const Objective& objective,
            Sizes* sizes) {
  const Bytes left = Above(process, needs.Total(*sizes));
  if (left.count == 0) return;
  Sizes round = *sizes;
  round.overhead = RoundDown(sizes->overhead + left, kMiB);
  round.heap += left - (round.overhead - sizes->overhead);
  if (round.overhead >= sizes->overhead && Fits(needs, round, limit, objective)) {
    *sizes = round;
    return;
  }
  round.heap -= kMiB;
  round.overhead += kMiB;
  if (round.heap >= needs.heap.floor && Fits(needs, round, limit, objective)) {
    *sizes = round;
    return;
  }
  sizes->overhead += left;
}

// The same in whole MiB, where that is enough; the heap, which is the rest, takes the difference.
Sizes Rounded(const Needs& needs, Sizes sizes) {
  const auto down = [](Bytes* size, Bytes floor) {
    const Bytes rounded = RoundDown(*size, kMiB);
    if (rounded >= floor) *size = rounded;
  };
  down(&sizes.metaspace, needs.metaspace.floor);
  down(&sizes.network, needs.network.floor);
  down(&sizes.managed, needs.managed.floor);
  down(&sizes.overhead, needs.overhead.floor);
  return sizes;
}

Sizes SizesOf(const flink::TaskManagerMemory& memory) {
  return {memory.JvmHeap(), memory.jvm_metaspace, memory.network,
          memory.managed,   memory.task_off_heap, memory.jvm_overhead};
}

// One way to write the sizes down; the heap is what remains of the process.
class Writer {
 public:
  Writer(const flink::Configuration& configuration, flink::Version version, const Needs& needs,
         const Sizes& sizes)
      : edit_(configuration), version_(version), needs_(needs), sizes_(sizes) {}

  void Process(Bytes process) {
    edit_.Remove(options::kFlinkSize, "the process size decides under a limit");
    edit_.Remove(options::kTaskHeap, "the heap is what remains of the process size");
    edit_.RemoveLegacyTotal(version_);
    edit_.Set(options::kProcessSize, process, "the whole process has to fit the limit");
  }
  void TurnOn() {
    edit_.Remove(options::kRocksDbFixedPerSlot, "it counts before managed memory, and bounds less");
    edit_.Set(options::kRocksDbManaged, "true",
              "one cache and one write buffer manager per slot, bounded by managed memory");
  }
  void Metaspace() {
    edit_.Set(options::JvmMetaspace(version_), sizes_.metaspace, needs_.metaspace.reason);
  }
  void Overhead() {
    edit_.Set(options::kOverheadMin, sizes_.overhead, needs_.overhead.reason);
    edit_.Set(options::kOverheadMax, sizes_.overhead, "the same: a size and not a range");
  }
  void OffHeap() {
    edit_.Set(options::kTaskOffHeap, sizes_.task_off_heap, needs_.task_off_heap.reason);
  }
  void Network() {
    edit_.Set(options::kNetworkMin, sizes_.network, needs_.network.reason);
    edit_.Set(options::NetworkMax(version_), sizes_.network, "the same: a size and not a range");
  }
  void Managed() { edit_.Set(options::kManagedSize, sizes_.managed, needs_.managed.reason); }

  FlinkEdit& edit() { return edit_; }

 private:
  FlinkEdit edit_;
  flink::Version version_;
  const Needs& needs_;
  const Sizes& sizes_;
};

}  // namespace

Bytes HeadroomUnder(Bytes limit, const Objective& objective) {
  if (objective.headroom) return std::max(Bytes{}, *objective.headroom);
  const double share = std::clamp(objective.headroom_share, 0.0, 1.0);
  return {static_cast<std::int64_t>(std::ceil(static_cast<double>(limit.count) * share))};
}

Bytes ProcessUnder(Bytes limit, const Objective& objective) {
  const double factor = objective.limit_factor;
  const bool larger = factor > 1 && std::isfinite(factor);
  const Bytes process =
      larger ? Bytes{static_cast<std::int64_t>(static_cast<double>(limit.count) / factor)} : limit;
  // Flink makes pods of whole MiB, and cuts what is beyond.
  return objective.made_by_flink ? RoundDown(process, kMiB) : process;
}

// The limit of the pod that Flink makes for the largest process under that limit.
static Bytes PodUnder(Bytes limit, const Objective& objective) {
  if (!objective.made_by_flink) return limit;
  const double factor = objective.limit_factor;
  const Bytes process = ProcessUnder(limit, objective);
  if (!(factor > 1) || !std::isfinite(factor)) return process;
  return std::min(
      limit,
      RoundDown({static_cast<std::int64_t>(static_cast<double>(process.count) * factor)}, kMiB));
}

bool Fits(const Needs& needs, const Sizes& sizes, Bytes limit, const Objective& objective) {
  return needs.Total(sizes) <= ProcessUnder(limit, objective) &&
         needs.Predicted(sizes) + HeadroomUnder(limit, objective) <= PodUnder(limit, objective);
}

std::optional<Sizes> LargestUnder(const Needs& needs, Bytes limit, Bytes process,
                                  const Objective& objective) {
  const Sizes floors = needs.Floors();
  if (!Fits(needs, floors, limit, objective)) return std::nullopt;
  Sizes sizes = needs.Wishes();
  const Bytes most = ProcessUnder(limit, objective);
  const auto beyond_limit = [&] { return Above(needs.Total(sizes), most); };
  const auto beyond_headroom = [&] {
    return Above(needs.Predicted(sizes) + HeadroomUnder(limit, objective),
                 PodUnder(limit, objective));
  };
  const auto beyond = [&] { return std::max(beyond_limit(), beyond_headroom()); };
  Take(&sizes.metaspace, floors.metaspace, beyond_limit());
  Take(&sizes.heap, floors.heap, beyond());
  Take(&sizes.network, floors.network, beyond());
  Take(&sizes.overhead, floors.overhead, beyond_limit());
  Take(&sizes.task_off_heap, needs.OffHeapBeside(sizes.managed), beyond_limit());
  if (beyond().count > 0) {
    // Less managed memory asks for less beside it: the most that fits.
    std::int64_t low = 0;  // MiB beyond the floor: fits
    std::int64_t high = RoundUp(Above(sizes.managed, floors.managed), kMiB).count / kMiB.count;
    const auto with = [&](std::int64_t more) {
      Sizes tried = sizes;
      tried.managed = std::min(sizes.managed, floors.managed + more * kMiB);
      tried.task_off_heap = std::max(needs.task_off_heap.floor, needs.OffHeapBeside(tried.managed));
      return tried;
    };
    while (low < high) {
      const std::int64_t middle = low + (high - low + 1) / 2;
      if (Fits(needs, with(middle), limit, objective)) {
        low = middle;
      } else {
        high = middle - 1;
      }
    }
    sizes = with(low);
  }
  FillUp(needs, objective.made_by_flink ? most : std::min(most, process), limit, objective, &sizes);
  return sizes;
}

Bytes SmallestLimitFor(const Needs& needs, const Sizes& sizes, const Objective& objective) {
  std::int64_t high = RoundUp(needs.Total(sizes), kMiB).count / kMiB.count;
  const auto fits = [&](std::int64_t limit) { return Fits(needs, sizes, limit * kMiB, objective); };
  const std::int64_t most = kLargestFigure.count / kMiB.count;
  std::int64_t low = high - 1;
  while (high < most && !fits(high)) {
    low = high;
    high = std::min(most, high * 2);
  }
  if (!fits(high)) return kLargestFigure;
  while (high - low > 1) {
    const std::int64_t middle = low + (high - low) / 2;
    (fits(middle) ? high : low) = middle;
  }
  return high * kMiB;
}

std::optional<Fitted> Realize(const flink::Configuration& configuration, flink::Version version,
                              const flink::TaskManagerMemory& now, const Needs& needs,
                              const Sizes& sizes, Bytes limit, const Objective& objective) {
  const Bytes process = needs.Total(sizes);
  const auto derived = [&](FlinkEdit& edit) -> std::optional<Fitted> {
    const auto memory =
        flink::DeriveTaskManagerMemory(edit.configuration(), version, flink::Mode::kStandalone);
    if (!memory.ok()) return std::nullopt;
    const Sizes then = SizesOf(memory.value());
    if (!needs.Holds(then) || !Fits(needs, then, limit, objective)) return std::nullopt;
    return Fitted{std::move(edit), memory.value()};
  };
  const Sizes before = SizesOf(now);
  const auto written = [&](const Sizes& wanted, bool every) {
    Writer writer(configuration, version, needs, wanted);
    if (needs.plan == RocksDbPlan::kTurnOn) writer.TurnOn();
    if (every || process != now.total_process) writer.Process(process);
    if (every || wanted.metaspace != before.metaspace) writer.Metaspace();
    if (every || wanted.task_off_heap != before.task_off_heap) writer.OffHeap();
    if (every || wanted.managed != before.managed) writer.Managed();
    if (every || wanted.overhead != before.overhead) writer.Overhead();
    if (every || wanted.network != before.network) writer.Network();
    return derived(writer.edit());
  };
  // As few keys as will do: fractions give the rest its share.
  if (auto fitted = written(sizes, false)) return fitted;
  if (auto fitted = written(Rounded(needs, sizes), true)) return fitted;
  return written(sizes, true);
}

}  // namespace wrackline::sizing
