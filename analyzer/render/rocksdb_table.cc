#include "analyzer/render/rocksdb_table.h"

#include <fmt/core.h>

#include <algorithm>
#include <map>

#include "analyzer/ledger/rocksdb_totals.h"
#include "analyzer/render/inert.h"
#include "analyzer/render/json.h"
#include "analyzer/render/json_parts.h"
#include "analyzer/render/text_parts.h"

namespace wrackline::render {
namespace {

using evidence::RocksDb;
using evidence::RocksDbCache;
using evidence::RocksDbFamily;

constexpr std::size_t kColumn = 10;

std::string Amount(const std::optional<Bytes>& amount) {
  return amount ? FormatBytes(*amount) : "-";
}

// Caches are numbered in the order of the table: an address says nothing to a reader.
using CacheNumbers = std::map<std::uint64_t, std::size_t>;

CacheNumbers Number(const RocksDb& rocksdb) {
  CacheNumbers numbers;
  for (const RocksDbCache& cache : rocksdb.caches) numbers.emplace(cache.id, numbers.size() + 1);
  return numbers;
}

class Table {
 public:
  Table(Page* page, std::size_t columns) : page_(page) {
    name_ = page->width() - 4 - columns * (kColumn + 1);
  }
  void Row(std::string_view first, const std::vector<std::string>& cells, Style style) {
    std::string line = Left(page_->Name(first, name_), name_, page_->utf8());
    for (const std::string& cell : cells) line += " " + Right(cell, kColumn, page_->utf8());
    page_->Line("    " + page_->Styled(style, line));
  }

 private:
  Page* page_;
  std::size_t name_ = 0;
};

// Families in order, each database's under its name.
template <typename EachFamily>
void ByDatabase(const RocksDb& rocksdb, Page* page, EachFamily each) {
  std::vector<const RocksDbFamily*> families;
  for (const RocksDbFamily& family : rocksdb.families) families.push_back(&family);
  std::stable_sort(families.begin(), families.end(),
                   [](const RocksDbFamily* a, const RocksDbFamily* b) {
                     return a->database_id < b->database_id;
                   });
  const RocksDbFamily* last = nullptr;
  for (const RocksDbFamily* family : families) {
    if (last == nullptr || last->database_id != family->database_id)
      page->Paragraph(family->database.empty() ? "(database without a name)" : family->database, 2,
                      2, Style::kBold);
    each(*family);
    last = family;
  }
}

void WriteFamilies(const RocksDb& rocksdb, const CacheNumbers& numbers, Page* page) {
  // One scrape's peaks are its figures: no column for them.
  const bool peaks = std::any_of(
      rocksdb.families.begin(), rocksdb.families.end(),
      [](const RocksDbFamily& family) { return family.memtables_peak != family.all_memtables; });
  std::vector<std::string> head = {"active", "memtables"};
  if (peaks) head.emplace_back("peak");
  head.insert(head.end(), {"readers", "cache"});
  Table table(page, head.size());
  table.Row("family", head, Style::kDim);
  ByDatabase(rocksdb, page, [&](const RocksDbFamily& family) {
    std::vector<std::string> cells = {Amount(family.active_memtable), Amount(family.all_memtables)};
    if (peaks) cells.push_back(Amount(family.memtables_peak));
    cells.push_back(Amount(family.table_readers));
    const auto number = numbers.find(family.cache_id);
    cells.push_back(number == numbers.end() ? "-" : fmt::format("#{}", number->second));
    table.Row(family.name, cells, Style::kPlain);
  });
}

// The true split of the caches, where the recording has it.
void WriteSplit(const RocksDb& rocksdb, Page* page) {
  if (std::none_of(rocksdb.families.begin(), rocksdb.families.end(),
                   [](const RocksDbFamily& family) { return family.cached_blocks.has_value(); }))
    return;
  page->Heading("In the block caches, by family");
  Table table(page, 4);
  table.Row("family", {"data", "index", "filter", "other"}, Style::kDim);
  ByDatabase(rocksdb, page, [&](const RocksDbFamily& family) {
    std::vector<std::string> cells(4, "-");
    if (family.cached_blocks)
      cells = {FormatBytes(family.cached_blocks->data), FormatBytes(family.cached_blocks->index),
               FormatBytes(family.cached_blocks->filter), FormatBytes(family.cached_blocks->other)};
    table.Row(family.name, cells, Style::kPlain);
  });
}

void WriteCaches(const RocksDb& rocksdb, const CacheNumbers& numbers, Page* page) {
  if (rocksdb.caches.empty()) return;
  page->Heading("Block caches");
  for (const RocksDbCache& cache : rocksdb.caches) {
    std::string line = fmt::format("#{}: {} of {}", numbers.at(cache.id), Amount(cache.usage),
                                   Amount(cache.capacity));
    if (cache.usage_peak && cache.usage && *cache.usage_peak > *cache.usage)
      line += fmt::format(", peak {}", FormatBytes(*cache.usage_peak));
    if (cache.pinned_usage) line += fmt::format(", {} pinned", FormatBytes(*cache.pinned_usage));
    if (cache.reservations)
      line += fmt::format(", {} of it stands for memtables", FormatBytes(*cache.reservations));
    if (cache.families.empty()) {
      line += "; no open family uses it";
    } else if (cache.families.size() == 1) {
      line += "; of " + cache.families.front() + " alone";
    } else {
      line += fmt::format("; {} families share it", cache.families.size());
    }
    page->Paragraph(line, 2, 4);
  }
}

void WriteTotals(const RocksDb& rocksdb, Page* page) {
  const ledger::RocksDbTotals totals = ledger::TotalsOf(rocksdb);
  constexpr std::size_t kLabel = 50;
  const auto row = [&](const char* label, const std::string& amount, Style style) {
    page->Line("  " + page->Styled(style, Left(label, kLabel, page->utf8()) + " " +
                                              Right(amount, kColumn, page->utf8())));
  };
  page->Heading("Totals, each byte once");
  row("memtables", FormatBytes(totals.memtables), Style::kPlain);
  row("block caches, without memtables charged to them", FormatBytes(totals.cache_blocks),
      Style::kPlain);
  row("table readers", FormatBytes(totals.table_readers), Style::kPlain);
  row("RocksDB holds", FormatBytes(totals.total), Style::kBold);
  if (totals.naive == totals.total) {
    page->Paragraph("Adding up every family's figures gives the same: nothing is shared.", 2, 0,
                    Style::kDim);
    return;
  }
  page->Heading("Every family's figures added up");
  row("RocksDB holds", FormatBytes(totals.total), Style::kPlain);
  row("+ the caches again, for each further family", FormatBytes(totals.caches_again),
      Style::kPlain);
  row("+ memtables that are in a cache's usage too", FormatBytes(totals.memtables_again),
      Style::kPlain);
  if (totals.caches_unseen.count > 0)
    row("- caches that no open family uses", FormatBytes(totals.caches_unseen), Style::kPlain);
  row("the naive sum", FormatBytes(totals.naive), Style::kYellow);
  if (totals.naive > totals.total && totals.total.count > 0)
    page->Paragraph(fmt::format("The naive sum is {:.1f} times what RocksDB holds: {} too much.",
                                static_cast<double>(totals.naive.count) /
                                    static_cast<double>(totals.total.count),
                                FormatBytes(totals.naive - totals.total)),
                    2);
}

}  // namespace

std::string RenderRocksDbText(const std::vector<RocksDbView>& views, const TextOptions& options) {
  Page page(options);
  for (const RocksDbView& view : views) {
    if (&view != &views.front()) page.Blank();
    static const RocksDb kNone;
    const RocksDb& rocksdb = view.rocksdb == nullptr ? kNone : *view.rocksdb;
    std::string title =
        fmt::format("RocksDB of {}: {} {}, {} column {}", view.subject, rocksdb.databases,
                    rocksdb.databases == 1 ? "database" : "databases", rocksdb.families.size(),
                    rocksdb.families.size() == 1 ? "family" : "families");
    if (rocksdb.versions.size() == 1) title += ", version " + rocksdb.versions.front();
    if (view.scrapes > 1) title += fmt::format(", {} scrapes", view.scrapes);
    page.Paragraph(title, 0, 2, Style::kBold);
    page.Blank();
    const CacheNumbers numbers = Number(rocksdb);
    if (view.rocksdb != nullptr) {
      WriteFamilies(rocksdb, numbers, &page);
      WriteSplit(rocksdb, &page);
      WriteCaches(rocksdb, numbers, &page);
      WriteTotals(rocksdb, &page);
    }
    if (view.objects != nullptr) WriteRocksDbObjects(*view.objects, &page);
    if (!view.notes.empty()) page.Heading("How far to trust this");
    for (const std::string& note : view.notes) page.Paragraph(note, 2, 0, Style::kDim);
  }
  return page.Take();
}

std::string RenderRocksDbJson(const std::vector<RocksDbView>& views) {
  Json array = Json::array();
  for (const RocksDbView& view : views) {
    Json json = {{"subject", view.subject},
                 {"source", view.source},
                 {"from", view.metrics ? "metrics" : "recording"}};
    if (view.metrics) json["scrapes"] = view.scrapes;
    json["notes"] = view.notes;
    if (view.rocksdb != nullptr) json["rocksdb"] = RocksDbJson(*view.rocksdb);
    if (view.objects != nullptr) json["objects"] = RocksDbObjectsJson(*view.objects);
    array.push_back(std::move(json));
  }
  const Json whole = {{"schema", kJsonSchema}, {"views", std::move(array)}};
  return whole.dump(2, ' ', true, Json::error_handler_t::replace) + "\n";
}

}  // namespace wrackline::render
