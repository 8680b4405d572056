#include <fmt/core.h>

#include "analyzer/render/inert.h"
#include "analyzer/render/text_parts.h"

namespace wrackline::render {
namespace {

constexpr std::size_t kColumn = 11;

std::string Amount(const std::optional<Bytes>& amount) {
  return amount ? FormatBytes(*amount) : "-";
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
  const std::size_t name = page->width() - 2 - 5 * (kColumn + 1) - 1;
  const auto row = [&](std::string_view first, std::initializer_list<std::string> rest,
                       Style style) {
    std::string line = Left(page->Name(first, name), name, utf8);
    for (const std::string& cell : rest) line += " " + Right(cell, kColumn, utf8);
    page->Line("  " + page->Styled(style, line));
  };
  row("family", {"active", "all", "peak", "allowed", "readers"}, Style::kDim);
  for (const evidence::RocksDbFamily& family : rocksdb.families) {
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
  for (const evidence::RocksDbCache& cache : rocksdb.caches) {
    std::string owner = cache.families.empty() ? "no open family" : cache.families.front();
    if (cache.families.size() > 1) owner = fmt::format("{} families", cache.families.size());
    page->Paragraph(
        fmt::format("cache of {}: {} used of {}, {} pinned{}", owner, Amount(cache.usage),
                    Amount(cache.capacity), Amount(cache.pinned_usage),
                    cache.reservations
                        ? ", " + FormatBytes(*cache.reservations) + " of it for memtables"
                        : ""),
        2, 2);
  }
  for (const evidence::RocksDbManager& manager : rocksdb.managers)
    page->Paragraph(fmt::format("write buffer manager: {} used of {}{}",
                                Amount(manager.memory_usage), Amount(manager.buffer_size),
                                manager.charged_to_cache ? ", charged to a cache" : ""),
                    2, 2);
}

}  // namespace wrackline::render
