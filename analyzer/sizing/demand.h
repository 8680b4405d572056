// What a process needed, measured: the input of every proposal.
//
// Figures are peaks over the recorded time unless said otherwise. A figure that was not observed is
// zero here; what follows from its absence is the caller's to say (the ledger's missing sources).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "lib/units/bytes.h"

namespace wrackline::sizing {

// The column families of one name, over all databases that have one: in Flink a state, once per
// slot.
struct FamilyDemand {
  std::string name;
  Bytes write_buffer_size;    // the option write_buffer_size: one memtable of one database
  int max_write_buffers = 0;  // the option max_write_buffer_number, per database
  Bytes memtables_peak;       // rocksdb.size-all-mem-tables, summed over the databases
  Bytes own_cache_capacity;   // of caches that no other family uses, summed; 0 when the cache is
                              // shared
  int databases = 0;  // how many databases have this family; 0 when not known: then all of them
};

struct Demand {
  std::optional<Bytes> limit;  // the cgroup's limit; none when it is "max"
  Bytes peak_working_set;      // the largest charge seen, without reclaimable page cache
  Bytes outside_rocksdb;       // beside RocksDB and what the allocator keeps (docs/sizing.md)
  std::vector<FamilyDemand> families;
  Bytes caches_capacity;      // sum over distinct cache objects
  Bytes caches_usage_peak;    // the same, used; includes memtables when a write buffer manager
                              // charges them to the cache
  Bytes memtables_peak;       // sum over families
  Bytes table_readers_peak;   // index and filter blocks outside the cache
  bool shared_cache = false;  // all families use one cache object
  bool write_buffer_manager = false;  // a write buffer manager bounds the memtables
  int databases = 0;  // RocksDB instances: in Flink about one per slot and stateful operator
};

}  // namespace wrackline::sizing
