#include "analyzer/ledger/rocksdb_totals.h"

#include <algorithm>
#include <map>

namespace wrackline::ledger {

RocksDbTotals TotalsOf(const evidence::RocksDb& rocksdb) {
  RocksDbTotals totals;
  std::map<std::uint64_t, std::int64_t> users;
  for (const evidence::RocksDbFamily& family : rocksdb.families) {
    totals.memtables += family.all_memtables.value_or(Bytes{});
    totals.table_readers += family.table_readers.value_or(Bytes{});
    if (family.cache_id != 0) users[family.cache_id] += 1;
  }
  totals.naive = totals.memtables + totals.table_readers;
  for (const evidence::RocksDbCache& cache : rocksdb.caches) {
    const Bytes usage = cache.usage.value_or(Bytes{});
    const Bytes reserved = std::clamp(cache.reservations.value_or(Bytes{}), Bytes{}, usage);
    totals.cache_usage += usage;
    totals.cache_blocks += usage - reserved;
    totals.memtables_again += reserved;
    const auto families = users.find(cache.id);
    if (families == users.end()) {
      totals.caches_unseen += usage;
      continue;
    }
    totals.naive += families->second * usage;
    totals.caches_again += (families->second - 1) * usage;
  }
  totals.total = totals.memtables + totals.cache_blocks + totals.table_readers;
  return totals;
}

}  // namespace wrackline::ledger
