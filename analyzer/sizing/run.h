// What one recorded process needed, moment by moment and component by component: what sizing sums up and the back-test replays.
//
// The components of a moment are disjoint parts of its working set. One that was not observed is absent and lies in Rest(). Plain
// values; any thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "analyzer/flink/memory_model.h"
#include "analyzer/sizing/demand.h"
#include "lib/units/bytes.h"

namespace wrackline::sizing {

using Milliseconds = std::chrono::milliseconds;

struct Moment {
  Milliseconds at{};  // since the process started
  // The charge without page cache, which the kernel drops before it kills; the resident set where the cgroup was not the process's own.
  Bytes working_set;
  std::optional<Bytes> heap;  // pages of the Java heap that are there
  // Used after the last collection: what the heap cannot be smaller than. No part of the working set beside `heap`.
  std::optional<Bytes> heap_live;
  std::optional<Bytes> metaspace;  // committed, with the class space
  std::optional<Bytes> direct;     // direct buffers by the VM's count; the network's are among them
  // RocksDB's, each cache once; `caches` without the memtables that are charged to it.
  std::optional<Bytes> caches, memtables, table_readers;

  Bytes RocksDb() const {
    return caches.value_or(Bytes{}) + memtables.value_or(Bytes{}) + table_readers.value_or(Bytes{});
  }
  // Thread stacks, code cache, the collector's structures, other native memory, what the allocator keeps, the kernel's: the working
  // set less the components above. Never negative: readings of different moments may contradict each other.
  Bytes Rest() const;
};

// Memory that grows for as long as the process lives: it has no size, but a time.
struct Leak {
  std::string what;  // "com.example.DecodeOrder.forget", "metaspace"
  Bytes held;        // at the last moment
  double bytes_per_hour = 0;
};

struct Run {
  std::string name;            // of the file or folder it was read from
  std::optional<Bytes> limit;  // that it ran under
  // No working set was read: each moment's is the sum of what metrics name, and the truth is more.
  bool partial = false;
  bool killed = false;        // by that limit: its peak is then a lower bound of its demand
  std::string flink_version;  // empty: not known
  // What Flink granted it: of its own configuration, not of one that is proposed. Nothing: not known.
  std::optional<flink::TaskManagerMemory> granted;
  std::optional<int> slots;
  // RocksDB's bound as it was: false where each family had its own cache and write buffers. Nothing: no RocksDB was seen.
  std::optional<bool> rocksdb_managed;
  // What bounded it in all, where that was a fixed budget beside managed memory. Nothing: it was not, or is not known.
  std::optional<Bytes> rocksdb_fixed;
  std::vector<FamilyDemand> families;
  int databases = 0;
  std::optional<Bytes> network_used;  // of the network's segments, at most; nothing: not known
  std::optional<Bytes>
      managed_used;             // reserved of managed memory, by Flink's metric; nothing: not known
  std::vector<Leak> leaks;      // those that a trend proves
  std::vector<Moment> moments;  // in order of time; thinned to kMostMoments
  Milliseconds lifetime{};
};

// Of each of so many equal parts of the lifetime, the moment with the largest working set is kept, and those with the largest of each
// component.
inline constexpr std::size_t kMostMoments = 240;

// Thins `moments` to at most kMostMoments + 8: the peak of the working set and of every component is among them. Keeps the order.
std::vector<Moment> Thinned(std::vector<Moment> moments);

}  // namespace wrackline::sizing
