// Splitter: the split of caches among the families that use them, as often as may be afforded.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "rocksdb_probe/cache_scan.h"
#include "rocksdb_probe/watched.h"
#include "wrackline/rocksdb_probe.h"

namespace wrackline::probe {

// Keeps work within a part of the time: after work of `cost` that began at `now`, the next is due
// `cost / duty` later.
class Duty {
 public:
  explicit Duty(double part) : part_(part) {}
  bool Due(std::uint64_t now_ns) const { return part_ > 0 && now_ns >= next_ns_; }
  void Spent(std::uint64_t now_ns, std::uint64_t cost_ns);

 private:
  const double part_;
  std::uint64_t next_ns_ = 0;
};

// Any thread. Of several at once one walks, the others take the figures of the walk before.
class Splitter {
 public:
  explicit Splitter(double duty) : walks_(duty), properties_(duty) {}

  // Walks each cache of `databases` once when that is due, and puts the newest figures into
  // `memory`, which SampleDatabase filled. Takes each database's mutex, for one family at a time,
  // and holds none during a walk.
  void Split(const std::vector<std::shared_ptr<WatchedDatabase>>& databases, RocksDbMemory* memory);

 private:
  using FamilyKey = std::pair<std::uint64_t, std::uint32_t>;  // database id, family id
  struct FamilyBlocks {
    RocksDbBlockBytes live;
    RocksDbBlockBytes former;
  };
  struct Figures {
    std::map<FamilyKey, FamilyBlocks> families;
    std::map<std::uint64_t, RocksDbCacheSplit> caches;
  };
  struct Plan {
    std::vector<FamilyKey> owners;
    std::vector<std::pair<std::uint64_t, std::uint32_t>> files;   // prefix, number of the owner
    std::vector<std::pair<std::uint64_t, std::uint32_t>> former;  // the same of files they had
    std::vector<std::shared_ptr<rocksdb::Cache>> caches;
    std::uint64_t asked_ns = 0;  // for table properties
    bool may_ask = false;
  };

  void AddFamily(const DatabaseFacts& database, FamilyFacts* family, Plan* plan);
  std::shared_ptr<const Figures> Walk(
      const std::vector<std::shared_ptr<WatchedDatabase>>& databases);

  std::mutex walk_mutex_;  // one walk at a time; guards the next four
  Duty walks_;             // by processor time
  Duty properties_;        // by elapsed time: asking for table properties may read files
  FileOwners owners_;
  std::map<std::uint64_t, EntryTrail> trails_;  // by cache

  std::mutex figures_mutex_;
  std::shared_ptr<const Figures> figures_;  // of the last walk
};

}  // namespace wrackline::probe
