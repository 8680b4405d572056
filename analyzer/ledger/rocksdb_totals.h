// What RocksDB holds, each byte once, against the sum that adding up every family's gauges gives.
//
//   total = memtables + cache_blocks + table_readers
//   naive = total + caches_again + memtables_again - caches_unseen          always
//
// Pure; any thread.
#pragma once

#include "analyzer/evidence/evidence.h"

namespace wrackline::ledger {

struct RocksDbTotals {
  Bytes memtables;
  Bytes cache_usage;   // of distinct caches, with the memtables charged to them
  Bytes cache_blocks;  // the same without
  Bytes table_readers;
  Bytes total;

  // Each family's memtables and table readers, and the usage of the cache that it uses.
  Bytes naive;
  Bytes caches_again;     // usage of a cache for each family beyond its first
  Bytes memtables_again;  // memtables that are in their cache's usage too
  Bytes caches_unseen;    // caches that no family uses: in no gauge
};

RocksDbTotals TotalsOf(const evidence::RocksDb& rocksdb);

}  // namespace wrackline::ledger
