#include "rocksdb_probe/cache_scan.h"

#include <bit>
#include <cstring>
#include <numeric>

#include "rocksdb_probe/block_keys.h"

namespace wrackline::probe {
namespace {

using rocksdb::CacheEntryRole;

std::uint64_t* Kind(CacheEntryRole role, RocksDbBlockBytes* bytes) {
  switch (role) {
    case CacheEntryRole::kDataBlock:
      return &bytes->data;
    case CacheEntryRole::kIndexBlock:
      return &bytes->index;
    case CacheEntryRole::kFilterBlock:
    case CacheEntryRole::kFilterMetaBlock:
    case CacheEntryRole::kDeprecatedFilterBlock:
      return &bytes->filter;
    case CacheEntryRole::kBlobValue:
      return &bytes->blob;
    default:
      return &bytes->other;
  }
}

// A charge that stands for memory elsewhere, and not for what the entry holds.
bool IsReservation(CacheEntryRole role) {
  switch (role) {
    case CacheEntryRole::kWriteBuffer:
    case CacheEntryRole::kCompressionDictionaryBuildingBuffer:
    case CacheEntryRole::kFilterConstruction:
    case CacheEntryRole::kBlockBasedTableReader:
    case CacheEntryRole::kFileMetadata:
    case CacheEntryRole::kBlobCache:
      return true;
    default:
      return false;
  }
}

}  // namespace

void FileOwners::Reset(std::size_t files) {
  const std::size_t size = std::bit_ceil(files * 2 + 2);
  slots_.assign(size, Slot{});
  mask_ = size - 1;
}

void FileOwners::Add(std::uint64_t prefix, std::uint32_t owner) {
  std::size_t at = Place(prefix);
  while (slots_[at].prefix != 0 && slots_[at].prefix != prefix) at = (at + 1) & mask_;
  if (slots_[at].prefix == 0) slots_[at] = {prefix, owner};
}

RocksDbCacheSplit ScanCache(rocksdb::Cache* cache, FileOwners* owners, EntryTrail* trail,
                            OwnedBlocks* owned) {
  RocksDbCacheSplit split;
  const BlockRoles roles;
  trail->Begin(cache->GetOccupancyCount());
  const std::uint64_t before = cache->GetUsage();
  const std::uint64_t pinned_before = cache->GetPinnedUsage();
  cache->ApplyToAllEntries(
      [&](const rocksdb::Slice& key, void*, std::size_t charge, EntryKind kind) {
        trail->Reached(key.data());
        ++split.entries;
        split.charged += charge;
        const CacheEntryRole role = roles.Of(kind);
        std::uint64_t prefix = 0;
        if (key.size() >= sizeof prefix) std::memcpy(&prefix, key.data(), sizeof prefix);
        if (prefix == 0 || IsReservation(role)) {
          (role == CacheEntryRole::kWriteBuffer ? split.memtable_reservations
                                                : split.other_reservations) += charge;
          return;
        }
        const auto add = [role, charge](RocksDbBlockBytes* to) {
          *Kind(role, to) += charge;
          ++to->entries;
        };
        const std::uint32_t owner = owners->Find(prefix);
        if (owner != FileOwners::kNobody && (owner & FileOwners::kFormer) == 0) {
          add(&owned->live[owner]);
          return;
        }
        add(&split.unknown);
        if (owner != FileOwners::kNobody) add(&owned->former[owner & ~FileOwners::kFormer]);
      },
      {});
  split.pinned_usage = std::midpoint(pinned_before, std::uint64_t{cache->GetPinnedUsage()});
  // The cache works on meanwhile: the mean of its usage is the nearest to what was walked.
  split.usage = std::midpoint(before, std::uint64_t{cache->GetUsage()});
  return split;
}

}  // namespace wrackline::probe
