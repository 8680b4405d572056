// The figures and small sums that every proposal shares. Their reasons: docs/sizing.md.
#pragma once

#include <string>

#include "analyzer/sizing/demand.h"
#include "analyzer/sizing/run.h"
#include "lib/units/bytes.h"

namespace wrackline::sizing {

// Flink's default write-buffer-ratio: cache (3 - r)/3, write buffer manager 2r/3 of the pool.
inline constexpr double kWriteBufferRatio = 0.5;

// What the allocator holds beyond the bytes that RocksDB counts: 1/8 of the pool.
Bytes Retention(Bytes pool);

// The memtables' part of so much managed memory: 2r/3 of it, the capacity of Flink's write buffer manager.
Bytes MemtablesWith(Bytes managed, double write_buffer_ratio);

// What stays free under a limit: 1/10 of it.
Bytes Headroom(Bytes limit);

// The largest pool, in whole MiB, that fits under the limit beside `fixed`: fixed + pool +
// Retention + Headroom <= limit. Negative or zero when there is none.
Bytes LargestPool(Bytes limit, Bytes fixed);

// The smallest pool, in whole MiB, with which RocksDB works: per slot the arena block of the
// largest write buffer must fit the write buffer manager (Flink's rule), and the cache is at least
// RocksDB's own default of 8 MiB.
Bytes SmallestPool(Bytes largest_write_buffer, int slots, double write_buffer_ratio);

// The smallest limit, in whole MiB, with fixed + pool + Retention + Headroom <= limit.
Bytes SmallestLimit(Bytes fixed, Bytes pool);

// How much it is beyond the bound; 0 when it is not.
constexpr Bytes Above(Bytes amount, Bytes bound) {
  return amount > bound ? amount - bound : Bytes{};
}

Bytes RoundUp(Bytes amount, Bytes unit);
Bytes RoundDown(Bytes amount, Bytes unit);

inline constexpr Bytes kLargestFigure{std::int64_t{1} << 50};

// A demand with every figure between 0 and 1 PiB: sums of these cannot overflow, and no record can
// lie by more.
Demand Sanitized(const Demand& demand);
Run Sanitized(const Run& run);

Bytes LargestWriteBuffer(const Demand& demand);

// What the families may take when nothing bounds them together: max_write_buffers x write buffer +
// own cache, per database.
Bytes UnmanagedNeed(const Demand& demand);

// The same as a sum for people: "4 families x (2 x 64.0 MiB write buffers + 8.0 MiB cache) = 544.0
// MiB". "" without families, or where the options of one are not known.
std::string UnmanagedNeedEquation(const Demand& demand);

}  // namespace wrackline::sizing
