// How Flink divides managed memory: among slots, and inside RocksDB between block cache and write
// buffer manager.
//
//   RocksDbMemory m = DivideForRocksDb(Bytes{308700779}, 0.5);
//   m.cache_capacity                  -> 257250649
//   m.write_buffer_manager_capacity   -> 102900259
//
// Memtables are charged to the cache. Flink sizes both so that a manager which overshoots by half
// still fits: cache + manager / 2 = managed. The cache is not strict, so this is a plan and not a
// bound. Source: Flink's RocksDBMemoryControllerUtils; checked against recorded rows. Pure;
// thread-safe.
#pragma once

#include "lib/units/bytes.h"

namespace wrackline::flink {

struct RocksDbMemory {
  Bytes cache_capacity;                 // floor((3 - r) * managed / 3)
  Bytes write_buffer_manager_capacity;  // floor(2 * managed * r / 3)
};

// managed >= 0; ratio in [0, 1], Flink's state.backend.rocksdb.memory.write-buffer-ratio.
RocksDbMemory DivideForRocksDb(Bytes managed, double write_buffer_ratio);

// RocksDB's default arena block: an eighth of the write buffer, rounded up to 4 KiB.
Bytes ArenaBlockSize(Bytes write_buffer_size);

// The mutable memtables' share of the manager, 7/8: a flush starts beyond it.
Bytes MutableLimit(Bytes write_buffer_manager_capacity);

// Flink's check since 1.12: with an arena block larger than the mutable limit, RocksDB flushes at
// every write.
bool ArenaBlockFits(Bytes write_buffer_size, Bytes write_buffer_manager_capacity);

// Managed memory of one slot. slots >= 1.
Bytes ManagedPerSlot(Bytes managed, int slots);

}  // namespace wrackline::flink
