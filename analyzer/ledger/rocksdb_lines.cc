#include <algorithm>
#include <cmath>

#include "analyzer/ledger/lines.h"

namespace wrackline::ledger {
namespace {

using evidence::RocksDb;
using evidence::RocksDbCache;
using evidence::RocksDbFamily;

// RocksDB's default for arena_block_size == 0: an eighth of the write buffer, 1 MiB at most
// (column_family.cc).
Bytes ArenaBlock(const RocksDbFamily& family) {
  if (family.arena_block_size && family.arena_block_size->count > 0)
    return *family.arena_block_size;
  const Bytes buffer = family.write_buffer_size.value_or(64 * kMiB);
  return std::min(kMiB, Bytes{buffer.count / 8});
}

// A memtable takes whole arena blocks and fills them bit by bit: the rest of the current block is
// live to the allocator but not yet touched, and RocksDB's own figure leaves it out.
Bytes UntouchedArena(const RocksDb& rocksdb) {
  Bytes untouched;
  for (const RocksDbFamily& family : rocksdb.families) {
    if (family.all_memtables) untouched += ArenaBlock(family);
  }
  return untouched;
}

// Several databases with families of one name are told apart by their folder.
std::string FamilyLabel(const RocksDb& rocksdb, const RocksDbFamily& family) {
  if (rocksdb.databases <= 1) return family.name;
  const std::size_t slash = family.database.find_last_of('/');
  return family.name + " in " +
         (slash == std::string::npos ? family.database : family.database.substr(slash + 1));
}

std::string CacheLabel(const RocksDb& rocksdb, const RocksDbCache& cache) {
  if (cache.kind == RocksDbCache::Kind::kRow) return "RocksDB row cache";
  const std::string name =
      cache.kind == RocksDbCache::Kind::kBlob ? "RocksDB blob cache" : "RocksDB block cache";
  if (cache.families.empty()) return name + " of no open database";
  if (cache.families.size() == 1) return name + ", " + cache.families.front();
  if (rocksdb.caches.size() == 1) return name + ", shared by all";
  return name + ", shared by " + std::to_string(cache.families.size()) + " families";
}

// By kind of block, as the last walk found them: shares of what the cache holds now.
std::vector<Part> CacheParts(const RocksDb& rocksdb, const RocksDbCache& cache, Bytes amount) {
  if (!cache.split || amount.count <= 0) return {};
  evidence::RocksDbBlocks blocks = cache.split->unknown;
  for (const RocksDbFamily& family : rocksdb.families) {
    if (family.cache_id != cache.id || !family.cached_blocks) continue;
    blocks.data += family.cached_blocks->data;
    blocks.index += family.cached_blocks->index;
    blocks.filter += family.cached_blocks->filter;
    blocks.other += family.cached_blocks->other;
    blocks.blob += family.cached_blocks->blob;
  }
  const Bytes other = blocks.other + blocks.blob + cache.split->other_reservations;
  const Bytes walked = blocks.data + blocks.index + blocks.filter + other + cache.split->metadata;
  if (walked.count <= 0) return {};
  const double scale = static_cast<double>(amount.count) / static_cast<double>(walked.count);
  const auto scaled = [scale](Bytes bytes) {
    return Bytes{static_cast<std::int64_t>(scale * static_cast<double>(bytes.count))};
  };
  std::vector<Part> parts = {{"data blocks", scaled(blocks.data)},
                             {"index blocks", scaled(blocks.index)},
                             {"filter blocks", scaled(blocks.filter)},
                             {"other entries", scaled(other)}};
  Bytes rest = amount;
  for (const Part& part : parts) rest -= part.amount;
  parts.push_back({"the cache's metadata", rest});
  std::erase_if(parts, [](const Part& part) { return part.amount.count == 0; });
  return parts;
}

// RocksDB may count an arena block as memtable from its allocation on: with Flink's 8 MiB blocks a family that was just flushed
// claims 8 MiB of which a page is written. What the figures claim beyond what RocksDB's own stacks have resident, and what was
// seen without a page there, is taken out of the memtables, from each in proportion.
void LeaveOutUntouchedMemtables(const LiveEstimate& by_stack, Bytes probed, Ledger* ledger) {
  Bytes excess = std::min(by_stack.untouched, probed - by_stack.Resident());
  if (excess <= 2 * by_stack.StandardError()) return;
  const auto is_memtable = [](const Line& line) { return line.id == "rocksdb.memtables"; };
  Bytes memtables;
  for (const Line& line : ledger->lines) {
    if (is_memtable(line)) memtables += line.amount;
  }
  excess = std::min(excess, memtables);
  if (excess.count <= 0) return;
  const double part = static_cast<double>(excess.count) / static_cast<double>(memtables.count);
  for (Line& line : ledger->lines) {
    if (!is_memtable(line) || line.amount.count <= 0) continue;
    line.amount -= Bytes{static_cast<std::int64_t>(part * static_cast<double>(line.amount.count))};
    line.confidence = Confidence::kDerived;
    line.source += " less its part of arena blocks that were never touched";
  }
}

}  // namespace

LiveEstimate EstimateLive(const std::vector<evidence::Site>& sites, bool in_rocksdb) {
  LiveEstimate estimate;
  for (const evidence::Site& site : sites) {
    if (site.in_rocksdb != in_rocksdb) continue;
    estimate.live += site.live;
    estimate.untouched += site.untouched;
    estimate.variance += static_cast<double>(site.standard_error.count) *
                         static_cast<double>(site.standard_error.count);
  }
  return estimate;
}

Bytes LiveEstimate::StandardError() const {
  return Bytes{static_cast<std::int64_t>(std::min(std::sqrt(variance), 9.0e18))};
}

void AddRocksDbLines(const evidence::Evidence& evidence, Ledger* ledger) {
  const LiveEstimate by_stack = EstimateLive(evidence.sites, true);
  if (!evidence.rocksdb) {
    if (by_stack.live.count > 0)
      ledger->lines.push_back({"rocksdb.by_stack", "RocksDB, by call stack (no probe)",
                               Holder::kRocksDb, by_stack.Resident(), by_stack.StandardError(),
                               std::nullopt, "allocation samples", Confidence::kSampled});
    return;
  }
  const RocksDb& rocksdb = *evidence.rocksdb;
  Bytes probed;
  const auto add = [&](Line line) {
    probed += line.amount;
    ledger->lines.push_back(std::move(line));
  };
  for (const RocksDbFamily& family : rocksdb.families) {
    if (!family.all_memtables) continue;
    std::optional<Bytes> budget;
    if (family.write_buffer_size && family.max_write_buffers)
      budget = std::int64_t{*family.max_write_buffers} * *family.write_buffer_size;
    add({"rocksdb.memtables", "RocksDB memtables, " + FamilyLabel(rocksdb, family),
         Holder::kRocksDb, *family.all_memtables, std::nullopt, budget,
         "rocksdb.size-all-mem-tables", Confidence::kExact});
  }
  for (const RocksDbCache& cache : rocksdb.caches) {
    if (!cache.usage) continue;
    // Memtables that a write buffer manager charges to the cache are reservations in it: no memory
    // of their own, and counted as memtables above.
    const Bytes reserved = cache.reservations.value_or(Bytes{});
    const Bytes blocks = std::max(Bytes{}, *cache.usage - reserved);
    add({"rocksdb.block_cache", CacheLabel(rocksdb, cache), Holder::kRocksDb, blocks, std::nullopt,
         cache.capacity,
         reserved.count > 0 ? "cache usage less the memtables charged to it"
                            : "rocksdb.block-cache-usage",
         reserved.count > 0 ? Confidence::kDerived : Confidence::kExact,
         CacheParts(rocksdb, cache, blocks)});
  }
  Bytes readers;
  bool has_readers = false;
  for (const RocksDbFamily& family : rocksdb.families) {
    if (!family.table_readers) continue;
    has_readers = true;
    readers += *family.table_readers;
  }
  if (has_readers)
    add({"rocksdb.table_readers", "RocksDB table readers", Holder::kRocksDb, readers, std::nullopt,
         std::nullopt, "rocksdb.estimate-table-readers-mem", Confidence::kDerived});

  LeaveOutUntouchedMemtables(by_stack, probed, ledger);
  // Looked at, or else what memtables leave of their arena blocks.
  const Bytes untouched =
      by_stack.untouched.count > 0 ? by_stack.untouched : UntouchedArena(rocksdb);
  const Bytes other = by_stack.live - untouched - probed;
  if (by_stack.live.count > 0 && other > 2 * by_stack.StandardError())
    ledger->lines.push_back({"rocksdb.other", "RocksDB, other (by call stack)", Holder::kRocksDb,
                             other, by_stack.StandardError(), std::nullopt,
                             "samples in RocksDB's stacks beyond the probe's figures",
                             Confidence::kSampled});
}

}  // namespace wrackline::ledger
