#include "analyzer/report/demand.h"

#include <algorithm>
#include <vector>

#include "analyzer/report/rocksdb_demand.h"

namespace wrackline::report {
namespace {

struct Nearest {
  Bytes total;
  evidence::Duration distance;
};

// RocksDB's total at the sample nearest to `time`.
std::optional<Nearest> RocksDbAt(const evidence::RocksDb& rocksdb, evidence::Time time) {
  const auto apart = [time](const evidence::RocksDbMoment& moment) {
    return moment.time > time ? moment.time - time : time - moment.time;
  };
  const auto nearest =
      std::min_element(rocksdb.history.begin(), rocksdb.history.end(),
                       [&](const auto& a, const auto& b) { return apart(a) < apart(b); });
  if (nearest == rocksdb.history.end()) return std::nullopt;
  return Nearest{nearest->Total(), apart(*nearest)};
}

// What the ledger names outside RocksDB. Not the page cache, which the kernel drops first, and not
// what the allocator keeps: sizing has a margin of its own for that (sizing::Retention).
Bytes NamedOutside(const ledger::Ledger& ledger) {
  Bytes named;
  for (const ledger::Line& line : ledger.lines) {
    if (line.holder != ledger::Holder::kRocksDb && line.holder != ledger::Holder::kAllocator &&
        line.id != "file.page_cache")
      named += line.amount;
  }
  return named;
}

// The median over all ticks of what was held less what RocksDB held then. One tick may catch
// RocksDB in a flush, its sample before and the charge after it: the middle of many does not.
Bytes MedianOutside(const evidence::Evidence& evidence, ledger::Basis basis) {
  std::vector<Bytes> outside;
  for (const evidence::TimelinePoint& point : evidence.timeline) {
    const std::optional<Bytes> held =
        basis == ledger::Basis::kCharge ? point.WorkingSet() : point.resident;
    if (!held) continue;
    const std::optional<Nearest> rocksdb = RocksDbAt(*evidence.rocksdb, point.time);
    if (!rocksdb || rocksdb->distance > evidence::kRocksDbReach) continue;
    outside.push_back(std::max(Bytes{}, *held - rocksdb->total));
  }
  if (outside.empty()) return {};
  const auto middle = outside.begin() + static_cast<std::ptrdiff_t>(outside.size() / 2);
  std::nth_element(outside.begin(), middle, outside.end());
  return *middle;
}

// The largest sum over all families at one moment, which is less than the sum of each one's peak.
Bytes MemtablesPeak(const evidence::RocksDb& rocksdb) {
  Bytes peak;
  for (const evidence::RocksDbMoment& moment : rocksdb.history)
    peak = std::max(peak, moment.memtables);
  return peak;
}

}  // namespace

std::optional<sizing::Demand> DemandOf(const evidence::Evidence& evidence,
                                       const std::optional<ledger::Ledger>& ledger) {
  if (!evidence.rocksdb || !ledger) return std::nullopt;
  const evidence::RocksDb& rocksdb = *evidence.rocksdb;
  sizing::Demand demand;
  if (evidence.limit) demand.limit = evidence.limit->amount;

  // What the process needs: the working set where the cgroup is its own, the resident set
  // otherwise.
  evidence::Time when = ledger->time;
  demand.peak_working_set = ledger->total;
  if (ledger->basis == ledger::Basis::kCharge && evidence.peak_working_set) {
    demand.peak_working_set = evidence.peak_working_set->amount;
    when = evidence.peak_working_set->time;
  }
  // The peak and RocksDB's nearest sample may be of different moments, so that their difference
  // says too little, even nothing: it is never below what else was seen there.
  const std::optional<Nearest> then = RocksDbAt(rocksdb, when);
  demand.outside_rocksdb =
      std::max({demand.peak_working_set - (then ? then->total : Bytes{}), NamedOutside(*ledger),
                MedianOutside(evidence, ledger->basis)});

  demand.families = FamiliesOf(rocksdb);
  for (const evidence::RocksDbFamily& family : rocksdb.families)
    demand.table_readers_peak += family.table_readers_peak.value_or(Bytes{});
  for (const evidence::RocksDbCache& cache : rocksdb.caches) {
    demand.caches_capacity += cache.capacity.value_or(Bytes{});
    demand.caches_usage_peak += cache.usage_peak.value_or(Bytes{});
  }
  demand.memtables_peak = MemtablesPeak(rocksdb);
  demand.shared_cache = SharesOneCache(rocksdb);
  demand.write_buffer_manager = HasWriteBufferManager(rocksdb);
  demand.databases = rocksdb.databases;
  return demand;
}

std::string AssumeFlinkBudgets(const evidence::FlinkMemory& observed,
                               const flink::TaskManagerMemory& budgets, sizing::Demand* demand) {
  const auto larger = [](Bytes budget, const std::optional<Bytes>& seen) {
    return std::max(budget, seen.value_or(Bytes{}));
  };
  const Bytes heap = larger(budgets.JvmHeap(), observed.heap_committed);
  const Bytes direct = larger(budgets.JvmDirect(), observed.direct);
  const Bytes metaspace = larger(budgets.jvm_metaspace, observed.metaspace_committed);
  const Bytes overhead = budgets.jvm_overhead;
  const Bytes seen = demand->outside_rocksdb;
  demand->outside_rocksdb = std::max(seen, heap + direct + metaspace + overhead);
  return "The metrics name " + FormatBytes(seen) +
         " outside RocksDB and cannot show the rest; what Flink's configuration budgets for it is "
         "taken instead: " +
         FormatBytes(heap) + " heap + " + FormatBytes(direct) + " direct + " +
         FormatBytes(metaspace) + " metaspace + " + FormatBytes(overhead) +
         " JVM overhead = " + FormatBytes(demand->outside_rocksdb) +
         ". The prediction holds as long as these budgets do; a recording would measure them.";
}

}  // namespace wrackline::report
