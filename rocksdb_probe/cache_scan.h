// One walk over a block cache: whose its entries are.
#pragma once

#include <cstdint>
#include <vector>

#include "rocksdb_probe/cache_class.h"
#include "rocksdb_probe/entry_trail.h"
#include "wrackline/rocksdb_probe.h"

namespace wrackline::probe {

// From the first eight bytes of a block's key to the number of the family that has the file: an
// open-addressed table, because it is looked into once for every block of a cache.
class FileOwners {
 public:
  static constexpr std::uint32_t kNobody = ~std::uint32_t{0};
  // Set in an owner's number: the file was the owner's, and is no longer.
  static constexpr std::uint32_t kFormer = std::uint32_t{1} << 31;

  // Forgets all and makes room for `files`.
  void Reset(std::size_t files);
  // The first owner of a prefix stays: a file that two open databases share is counted once.
  void Add(std::uint64_t prefix, std::uint32_t owner);
  std::uint32_t Find(std::uint64_t prefix) { return FindSlot(prefix).owner; }
  // False: the file was added, and nobody has looked for it since.
  bool WasFound(std::uint64_t prefix) const {
    std::size_t at = Place(prefix);
    while (slots_[at].prefix != 0 && slots_[at].prefix != prefix) at = (at + 1) & mask_;
    return slots_[at].prefix == 0 || slots_[at].found;
  }

 private:
  struct Slot {
    std::uint64_t prefix = 0;  // 0: empty; RocksDB makes no such prefix for a file
    std::uint32_t owner = kNobody;
    bool found = false;
  };
  const Slot& FindSlot(std::uint64_t prefix) {
    std::size_t at = Place(prefix);
    while (slots_[at].prefix != 0 && slots_[at].prefix != prefix) at = (at + 1) & mask_;
    slots_[at].found = true;
    return slots_[at];
  }
  // Prefixes of one session differ in a few of their highest bits only: the product alone would not
  // bring these down to where the table looks.
  std::size_t Place(std::uint64_t prefix) const {
    constexpr std::uint64_t kGolden = 0x9E3779B97F4A7C15u;
    return static_cast<std::size_t>((__builtin_bswap64(prefix * kGolden) * kGolden) >> 32) & mask_;
  }
  std::size_t mask_ = 0;
  std::vector<Slot> slots_{1};
};

// What the owners have: one entry for each owner's number.
struct OwnedBlocks {
  explicit OwnedBlocks(std::size_t owners) : live(owners), former(owners) {}
  std::vector<RocksDbBlockBytes> live;
  std::vector<RocksDbBlockBytes> former;  // of files added with kFormer; in `unknown` as well
};

// Walks `cache` once. Adds to `owned` what is the owners'; says the rest. RocksDB holds a shard's lock for 256 entries at a time. `trail`: this cache's.
RocksDbCacheSplit ScanCache(rocksdb::Cache* cache, FileOwners* owners, EntryTrail* trail,
                            OwnedBlocks* owned);

}  // namespace wrackline::probe
