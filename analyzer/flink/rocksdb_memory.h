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

#include "analyzer/flink/version.h"
#include "lib/units/bytes.h"

namespace wrackline::flink {

struct RocksDbMemory {
  Bytes cache_capacity;                 // floor((3 - r) * managed / 3)
  Bytes write_buffer_manager_capacity;  // floor(2 * managed * r / 3)
};

// managed >= 0; ratio in [0, 1], Flink's state.backend.rocksdb.memory.write-buffer-ratio.
RocksDbMemory DivideForRocksDb(Bytes managed, double write_buffer_ratio);

// RocksDB's default arena block, as Flink's check has it: an eighth of the write buffer, rounded up to 4 KiB.
Bytes ArenaBlockSize(Bytes write_buffer_size);

// The one that the RocksDB of that Flink takes: from Flink 2.0 on at most 1 MiB (RocksDB 8.10; seen in
// rocksdb.cur-size-active-mem-table, which grows by it).
Bytes ArenaBlockSize(Bytes write_buffer_size, Version flink);

// Whether a flush lets the next one wait. A write starts a flush when memtables, those that are being flushed included, exceed the
// manager and half of it is mutable (RocksDB's WriteBufferManager::ShouldFlush). Where an arena block of each written family and the one
// that is being flushed exceed it, every write starts one until the first is done, of memtables that are nearly empty.
bool ArenaBlocksFit(int written, Bytes block, Bytes write_buffer_manager_capacity);

// `present` where its blocks fit; else the largest smaller power of two with which the blocks of all written families are less than half
// of the manager, so that no number of flushes under way does that. Below 1 MiB: 0, there is none.
Bytes LargestWriteBuffer(Bytes present, int written, Bytes write_buffer_manager_capacity,
                         Version flink);

// The mutable memtables' share of the manager, 7/8: a flush starts beyond it.
Bytes MutableLimit(Bytes write_buffer_manager_capacity);

// Flink's check since 1.12: with an arena block larger than the mutable limit, RocksDB flushes at
// every write.
bool ArenaBlockFits(Bytes write_buffer_size, Bytes write_buffer_manager_capacity);

// Managed memory of one slot. slots >= 1.
Bytes ManagedPerSlot(Bytes managed, int slots);

}  // namespace wrackline::flink
