#include "analyzer/sizing/rules.h"

#include <algorithm>
#include <map>
#include <tuple>

#include "analyzer/flink/rocksdb_memory.h"

namespace wrackline::sizing {
namespace {

constexpr int kLargestCount = 1'000'000;

Bytes Clamped(Bytes amount) { return std::clamp(amount, Bytes{}, kLargestFigure); }

int DatabasesOf(const FamilyDemand& family, const Demand& demand) {
  return std::max(1, family.databases > 0 ? family.databases : demand.databases);
}

// 2^50 * 10^6 * 10^6 overflows: counted in long steps that stop at the largest figure.
Bytes Product(std::int64_t count, Bytes amount) {
  if (amount.count != 0 && count > kLargestFigure.count / amount.count) return kLargestFigure;
  return count * amount;
}

Bytes NeedOf(const FamilyDemand& family, const Demand& demand) {
  const Bytes buffers = Product(DatabasesOf(family, demand),
                                Product(family.max_write_buffers, family.write_buffer_size));
  return Clamped(buffers + family.own_cache_capacity);
}

std::string Counted(std::size_t count, const std::string& one, const std::string& many) {
  return std::to_string(count) + " " + (count == 1 ? one : many);
}

}  // namespace

Bytes Retention(Bytes pool) { return {(pool.count + 7) / 8}; }

Bytes MemtablesWith(Bytes managed, double write_buffer_ratio) {
  return flink::DivideForRocksDb(managed, write_buffer_ratio).write_buffer_manager_capacity;
}

Bytes Headroom(Bytes limit) { return {(limit.count + 9) / 10}; }

Bytes LargestPool(Bytes limit, Bytes fixed) {
  const Bytes left = limit - Headroom(limit) - fixed;
  if (left.count <= 0) return {};
  // A pool of whole MiB has a retention of exactly 1/8.
  return RoundDown({left.count / 9 * 8}, kMiB);
}

Bytes SmallestPool(Bytes largest_write_buffer, int slots, double write_buffer_ratio) {
  constexpr Bytes kDefaultCache = 8 * kMiB;
  const auto works = [&](std::int64_t mebibytes) {
    const auto memory =
        flink::DivideForRocksDb(flink::ManagedPerSlot(mebibytes * kMiB, slots), write_buffer_ratio);
    return memory.cache_capacity >= kDefaultCache &&
           flink::ArenaBlockFits(largest_write_buffer, memory.write_buffer_manager_capacity);
  };
  std::int64_t low = 0;  // does not work
  std::int64_t high = kLargestFigure.count / kMiB.count;
  if (!works(high)) return kLargestFigure;  // a write-buffer-ratio of 0
  while (high - low > 1) {
    const std::int64_t middle = low + (high - low) / 2;
    (works(middle) ? high : low) = middle;
  }
  return high * kMiB;
}

Bytes SmallestLimit(Bytes fixed, Bytes pool) {
  const Bytes used = fixed + pool + Retention(pool);
  Bytes limit = RoundUp({used.count / 9 * 10}, kMiB);
  while (limit - Headroom(limit) < used) limit += kMiB;
  return limit;
}

Bytes RoundUp(Bytes amount, Bytes unit) {
  return {(amount.count + unit.count - 1) / unit.count * unit.count};
}

Bytes RoundDown(Bytes amount, Bytes unit) { return {amount.count / unit.count * unit.count}; }

Demand Sanitized(const Demand& demand) {
  Demand sane = demand;
  if (sane.limit) sane.limit = Clamped(*sane.limit);
  for (Bytes* amount : {&sane.peak_working_set, &sane.outside_rocksdb, &sane.caches_capacity,
                        &sane.caches_usage_peak, &sane.memtables_peak, &sane.table_readers_peak}) {
    *amount = Clamped(*amount);
  }
  for (FamilyDemand& family : sane.families) {
    for (Bytes* amount :
         {&family.write_buffer_size, &family.memtables_peak, &family.own_cache_capacity}) {
      *amount = Clamped(*amount);
    }
    family.max_write_buffers = std::clamp(family.max_write_buffers, 0, kLargestCount);
    family.databases = std::clamp(family.databases, 0, kLargestCount);
  }
  sane.databases = std::clamp(sane.databases, 0, kLargestCount);
  return sane;
}

Run Sanitized(const Run& run) {
  Run sane = run;
  const auto clamp = [](std::optional<Bytes>* amount) {
    if (*amount) *amount = Clamped(**amount);
  };
  for (std::optional<Bytes>* amount :
       {&sane.limit, &sane.rocksdb_fixed, &sane.network_used, &sane.managed_used})
    clamp(amount);
  Demand demand;
  demand.families = run.families;
  demand.databases = run.databases;
  demand = Sanitized(demand);
  sane.families = std::move(demand.families);
  sane.databases = demand.databases;
  if (sane.slots) sane.slots = std::clamp(*sane.slots, 1, kLargestCount);
  for (Moment& moment : sane.moments) {
    moment.working_set = Clamped(moment.working_set);
    for (std::optional<Bytes>* amount :
         {&moment.heap, &moment.heap_live, &moment.metaspace, &moment.direct, &moment.caches,
          &moment.memtables, &moment.table_readers})
      clamp(amount);
  }
  if (!sane.granted) return sane;
  flink::TaskManagerMemory& granted = *sane.granted;
  for (Bytes* amount :
       {&granted.framework_heap, &granted.task_heap, &granted.framework_off_heap,
        &granted.task_off_heap, &granted.network, &granted.managed, &granted.jvm_metaspace,
        &granted.jvm_overhead, &granted.total_flink, &granted.total_process})
    *amount = Clamped(*amount);
  return sane;
}

Bytes LargestWriteBuffer(const Demand& demand) {
  Bytes largest;
  for (const FamilyDemand& family : demand.families)
    largest = std::max(largest, family.write_buffer_size);
  return largest;
}

Bytes UnmanagedNeed(const Demand& demand) {
  Bytes need;
  for (const FamilyDemand& family : demand.families) need = Clamped(need + NeedOf(family, demand));
  return need;
}

std::string UnmanagedNeedEquation(const Demand& demand) {
  // A sum of options that are not known would be none.
  if (std::any_of(demand.families.begin(), demand.families.end(),
                  [](const FamilyDemand& family) { return family.max_write_buffers == 0; }))
    return {};
  // Families with the same options share a term: databases, buffers, write buffer, cache.
  std::map<std::tuple<int, int, Bytes, Bytes>, std::size_t> terms;
  for (const FamilyDemand& family : demand.families) {
    const int databases = DatabasesOf(family, demand);
    ++terms[{databases,
             family.max_write_buffers,
             family.write_buffer_size,
             {family.own_cache_capacity.count / databases}}];
  }
  std::string equation;
  for (const auto& [term, families] : terms) {
    const auto& [databases, buffers, write_buffer, cache] = term;
    if (!equation.empty()) equation += " + ";
    if (databases > 1) equation += std::to_string(databases) + " databases x ";
    equation += Counted(families, "family", "families") + " x (" + std::to_string(buffers) + " x " +
                FormatBytes(write_buffer) + " write buffers + " + FormatBytes(cache) + " cache)";
  }
  if (!equation.empty()) equation += " = " + FormatBytes(UnmanagedNeed(demand));
  return equation;
}

}  // namespace wrackline::sizing
