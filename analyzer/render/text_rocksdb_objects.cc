#include <fmt/core.h>

#include <algorithm>

#include "analyzer/render/inert.h"
#include "analyzer/render/text_parts.h"

namespace wrackline::render {
namespace {

constexpr std::size_t kColumn = 12;
constexpr std::size_t kMostListed = 8;

std::string SharedText(const evidence::RocksDbSharedObject& shared) {
  std::string text = shared.manager ? "write buffer manager" : "cache";
  if (shared.usage && shared.capacity)
    text += fmt::format(": {} of {}", FormatBytes(*shared.usage), FormatBytes(*shared.capacity));
  text += shared.closed_by_java ? ", closed by Java" : ", not closed by Java";
  if (shared.holders) text += fmt::format(", {} hold it", *shared.holders);
  if (shared.unused)
    text += fmt::format(", no open database uses it for {}", Elapsed(*shared.unused));
  return text;
}

}  // namespace

void WriteRocksDbObjects(const evidence::RocksDbObjects& objects, Page* page) {
  if (objects.kinds.empty()) return;
  page->Heading("RocksDB's objects that Java has to close");
  const bool utf8 = page->utf8();
  const std::size_t name = page->width() - 2 - 3 * (kColumn + 1) - 1;
  const auto row = [&](std::string_view first, std::initializer_list<std::string> rest,
                       Style style) {
    std::string line = Left(page->Name(first, name), name, utf8);
    for (const std::string& cell : rest) line += " " + Right(cell, kColumn, utf8);
    page->Line("  " + page->Styled(style, line));
  };
  row("class", {"made", "closed", "alive"}, Style::kDim);
  for (const evidence::RocksDbObjectKind& kind : objects.kinds)
    row(kind.name,
        {std::to_string(kind.made), std::to_string(kind.closed), std::to_string(kind.Alive())},
        Style::kPlain);
  std::size_t listed = 0;
  for (const evidence::RocksDbSharedObject& shared : objects.shared) {
    if (shared.used || ++listed > kMostListed) continue;
    page->Paragraph(SharedText(shared), 2, 2);
  }
  for (std::size_t i = 0; i < std::min(objects.iterators.size(), kMostListed); ++i) {
    const evidence::RocksDbIterators& of = objects.iterators[i];
    page->Paragraph(fmt::format("iterators of {}: {} alive, the oldest for {}",
                                of.database.empty() ? "a database that is not known" : of.database,
                                of.alive, Elapsed(of.oldest)),
                    2, 2);
  }
  if (objects.incomplete)
    page->Paragraph("RocksDB was loaded before it was watched: what was made before is not counted",
                    2, 2, Style::kDim);
}

}  // namespace wrackline::render
