#include <fmt/core.h>

#include <algorithm>

#include "analyzer/render/inert.h"
#include "analyzer/render/text_parts.h"

namespace wrackline::render {
namespace {

constexpr std::size_t kColumn = 11;

std::string Amount(const std::optional<Bytes>& amount) {
  return amount ? FormatBytes(*amount) : "-";
}

std::string_view CacheName(evidence::RocksDbCache::Kind kind) {
  switch (kind) {
    case evidence::RocksDbCache::Kind::kBlob:
      return "blob cache";
    case evidence::RocksDbCache::Kind::kRow:
      return "row cache";
    case evidence::RocksDbCache::Kind::kBlock:
      break;
  }
  return "cache";
}

// Whose the blocks of the caches are, as far as they were walked.
template <typename Row>
void WriteBlocks(const evidence::RocksDb& rocksdb, const Row& row) {
  const auto walked = [](const evidence::RocksDbFamily& family) {
    return family.cached_blocks.has_value();
  };
  if (std::none_of(rocksdb.families.begin(), rocksdb.families.end(), walked)) return;
  const auto blocks_row = [&](std::string_view name, const evidence::RocksDbBlocks& blocks) {
    row(name,
        {FormatBytes(blocks.data), FormatBytes(blocks.index), FormatBytes(blocks.filter),
         FormatBytes(blocks.blob + blocks.other), FormatBytes(blocks.Total())},
        Style::kPlain);
  };
  row("blocks in caches", {"data", "index", "filter", "other", "sum"}, Style::kDim);
  for (const evidence::RocksDbFamily& family : rocksdb.families) {
    if (family.cached_blocks) blocks_row(family.name, *family.cached_blocks);
  }
  for (const evidence::RocksDbCache& cache : rocksdb.caches) {
    if (cache.split && cache.split->unknown.Total().count > 0)
      blocks_row("(no live file)", cache.split->unknown);
  }
}

std::string SplitText(const evidence::RocksDbSplit& split) {
  std::string text =
      fmt::format("; at its last walk {} the cache's own", FormatBytes(split.metadata));
  if (split.memtable_reservations.count > 0)
    text += fmt::format(", {} reserved for memtables", FormatBytes(split.memtable_reservations));
  if (split.other_reservations.count > 0)
    text += fmt::format(", {} reserved for others", FormatBytes(split.other_reservations));
  return text;
}

}  // namespace

void WriteRocksDb(const evidence::RocksDb& rocksdb, Page* page) {
  std::string heading =
      fmt::format("RocksDB: {} {}, {} column {}", rocksdb.databases,
                  rocksdb.databases == 1 ? "database" : "databases", rocksdb.families.size(),
                  rocksdb.families.size() == 1 ? "family" : "families");
  if (rocksdb.versions.size() == 1) heading += ", version " + rocksdb.versions.front();
  page->Heading(heading);
  const bool utf8 = page->utf8();
  // A page may be narrower than its figures are: lines are then too long, but complete.
  constexpr std::size_t kFigures = 2 + 5 * (kColumn + 1) + 1, kShortest = 8;
  const std::size_t name = std::max(kShortest + kFigures, page->width()) - kFigures;
  const auto row = [&](std::string_view first, std::initializer_list<std::string> rest,
                       Style style) {
    std::string line = Left(page->Name(first, name), name, utf8);
    for (const std::string& cell : rest) line += " " + Right(cell, kColumn, utf8);
    page->Line("  " + page->Styled(style, line));
  };
  row("family", {"active", "all", "peak", "allowed", "readers"}, Style::kDim);
  // Most of a Flink job's families are timers and defaults, which nobody writes to.
  constexpr std::size_t kFew = 3;
  const auto idle = [](const evidence::RocksDbFamily& family) {
    constexpr Bytes kLittle = 64 * kKiB;
    return family.all_memtables.value_or(kLittle) < kLittle &&
           family.memtables_peak.value_or(Bytes{}) < kLittle &&
           family.table_readers.value_or(Bytes{}) < kLittle;
  };
  const auto quiet = static_cast<std::size_t>(
      std::count_if(rocksdb.families.begin(), rocksdb.families.end(), idle));
  const bool folded = quiet >= kFew && quiet < rocksdb.families.size();
  Bytes active, all, readers;
  for (const evidence::RocksDbFamily& family : rocksdb.families) {
    if (folded && idle(family)) {
      active += family.active_memtable.value_or(Bytes{});
      all += family.all_memtables.value_or(Bytes{});
      readers += family.table_readers.value_or(Bytes{});
      continue;
    }
    std::string allowed = "-";
    if (family.max_write_buffers && family.write_buffer_size)
      allowed =
          fmt::format("{} x {}", *family.max_write_buffers, FormatBytes(*family.write_buffer_size));
    // "2 x 64.0 MiB" is one column wider than a plain amount: drop the fraction's zero.
    if (const std::size_t zero = allowed.find(".0 "); zero != std::string::npos)
      allowed.erase(zero, 2);
    row(family.name,
        {Amount(family.active_memtable), Amount(family.all_memtables),
         Amount(family.memtables_peak), allowed, Amount(family.table_readers)},
        Style::kPlain);
  }
  if (folded)
    row(fmt::format("{} idle ones", quiet),
        {FormatBytes(active), FormatBytes(all), "", "", FormatBytes(readers)}, Style::kDim);
  WriteBlocks(rocksdb, row);
  for (const evidence::RocksDbFamily& family : rocksdb.families) {
    if (family.live_versions.value_or(1) <= 1 && family.pinned_files.value_or(Bytes{}).count == 0)
      continue;
    page->Paragraph(
        fmt::format("{}: readers keep {} older states of its files, {} on disk", family.name,
                    std::max(0, family.live_versions.value_or(1) - 1), Amount(family.pinned_files)),
        2, 2);
  }
  for (const evidence::RocksDbFamily& family : rocksdb.families) {
    if (!family.former_blocks || family.former_blocks->Total().count == 0) continue;
    page->Paragraph(
        fmt::format("{}: {} of the blocks without a live file are of files that it had; {}",
                    family.name, FormatBytes(family.former_blocks->Total()),
                    family.live_versions.value_or(2) > 1 ? "its readers may use some of them"
                                                         : "no iterator of it uses them"),
        2, 2);
  }
  for (const evidence::RocksDbCache& cache : rocksdb.caches) {
    std::string owner = cache.families.empty() ? "no open family" : cache.families.front();
    if (cache.families.size() > 1) owner = fmt::format("{} families", cache.families.size());
    page->Paragraph(
        fmt::format("{} of {}: {} used of {}, {} pinned{}{}", CacheName(cache.kind), owner,
                    Amount(cache.usage), Amount(cache.capacity), Amount(cache.pinned_usage),
                    cache.reservations
                        ? ", " + FormatBytes(*cache.reservations) + " of it for memtables"
                        : "",
                    cache.split ? SplitText(*cache.split) : ""),
        2, 2);
  }
  for (const evidence::RocksDbManager& manager : rocksdb.managers)
    page->Paragraph(fmt::format("write buffer manager: {} used of {}{}",
                                Amount(manager.memory_usage), Amount(manager.buffer_size),
                                manager.charged_to_cache ? ", charged to a cache" : ""),
                    2, 2);
}

}  // namespace wrackline::render
