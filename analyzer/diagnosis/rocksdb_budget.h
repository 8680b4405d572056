// What RocksDB's own options let it take.
#pragma once

#include <cstddef>
#include <optional>

#include "analyzer/evidence/evidence.h"

namespace wrackline::diagnosis {

struct UniformFamily {
  int buffers = 0;  // max_write_buffer_number
  Bytes buffer_size;
  Bytes cache;  // of the family alone
  bool operator==(const UniformFamily&) const = default;
};

struct RocksDbBudget {
  std::size_t families = 0;
  std::size_t families_unmanaged = 0;  // no write buffer manager
  std::size_t families_unknown = 0;    // options not recorded: not in the sums
  std::size_t caches = 0;              // distinct objects with a known capacity
  bool managed = false;                // some write buffer manager bounds some memtables
  Bytes write_buffers;  // sum of max_write_buffer_number x write_buffer_size, or of the managers'
                        // bounds; without what is charged to a cache
  Bytes cache_capacity;
  std::optional<UniformFamily>
      uniform;  // set when all families are alike, unmanaged, and share no cache
  Bytes Total() const { return write_buffers + cache_capacity; }
};

RocksDbBudget BudgetOf(const evidence::RocksDb& rocksdb);

}  // namespace wrackline::diagnosis
