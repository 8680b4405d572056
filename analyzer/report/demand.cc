#include "analyzer/report/demand.h"

#include <algorithm>
#include <map>

namespace wrackline::report {
namespace {

// RocksDB's total at the sample nearest to `time`.
std::optional<Bytes> RocksDbAt(const evidence::RocksDb& rocksdb, evidence::Time time) {
  std::optional<Bytes> total;
  evidence::Duration nearest = evidence::Duration::max();
  for (const evidence::RocksDbMoment& moment : rocksdb.history) {
    const evidence::Duration distance =
        moment.time > time ? moment.time - time : time - moment.time;
    if (distance > nearest) continue;
    nearest = distance;
    total = moment.Total();
  }
  return total;
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
  const Bytes rocksdb_then = RocksDbAt(rocksdb, when).value_or(Bytes{});
  demand.outside_rocksdb = std::max(Bytes{}, demand.peak_working_set - rocksdb_then);

  std::map<std::string, sizing::FamilyDemand> by_name;
  std::map<std::uint64_t, int> users;
  for (const evidence::RocksDbFamily& family : rocksdb.families) {
    if (family.cache_id != 0) users[family.cache_id] += 1;
  }
  for (const evidence::RocksDbFamily& family : rocksdb.families) {
    sizing::FamilyDemand& needs = by_name[family.name];
    needs.name = family.name;
    needs.write_buffer_size =
        std::max(needs.write_buffer_size, family.write_buffer_size.value_or(Bytes{}));
    needs.max_write_buffers =
        std::max(needs.max_write_buffers, family.max_write_buffers.value_or(0));
    needs.memtables_peak += family.memtables_peak.value_or(Bytes{});
    demand.table_readers_peak += family.table_readers_peak.value_or(Bytes{});
    if (family.cache_id == 0 || users[family.cache_id] != 1) continue;
    for (const evidence::RocksDbCache& cache : rocksdb.caches) {
      if (cache.id == family.cache_id) needs.own_cache_capacity += cache.capacity.value_or(Bytes{});
    }
  }
  for (auto& [name, family] : by_name) demand.families.push_back(std::move(family));
  for (const evidence::RocksDbCache& cache : rocksdb.caches) {
    demand.caches_capacity += cache.capacity.value_or(Bytes{});
    demand.caches_usage_peak += cache.usage_peak.value_or(Bytes{});
  }
  demand.memtables_peak = MemtablesPeak(rocksdb);
  demand.shared_cache = users.size() == 1 && rocksdb.families.size() > 1;
  demand.write_buffer_manager =
      std::any_of(rocksdb.managers.begin(), rocksdb.managers.end(),
                  [](const evidence::RocksDbManager& manager) {
                    return manager.buffer_size && manager.buffer_size->count > 0;
                  });
  demand.databases = rocksdb.databases;
  return demand;
}

}  // namespace wrackline::report
