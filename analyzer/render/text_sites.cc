#include <fmt/core.h>

#include <vector>

#include "analyzer/evidence/sites.h"
#include "analyzer/render/inert.h"
#include "analyzer/render/text_parts.h"

namespace wrackline::render {
namespace {

constexpr std::size_t kSites = 5;
constexpr std::size_t kFrames = 4;  // below the label

// Which callers to show: two next to the label, then the first ones outside RocksDB, which tell one
// caller of it from another. Frames without a name only where there is nothing better.
std::vector<std::size_t> Callers(const evidence::Site& site) {
  std::vector<std::size_t> chosen;
  const auto telling = [&site](std::size_t i) {
    return site.frames[i].named && !evidence::IsPlumbing(site.frames[i]);
  };
  const std::size_t near = site.in_rocksdb ? kFrames / 2 : kFrames;
  std::size_t i = site.label + 1;
  for (; i < site.frames.size() && chosen.size() < near; ++i) {
    if (telling(i)) chosen.push_back(i);
  }
  for (; i < site.frames.size() && chosen.size() < kFrames; ++i) {
    if (telling(i) && !site.frames[i].rocksdb) chosen.push_back(i);
  }
  for (i = site.label + 1; chosen.empty() && i < site.frames.size() && i <= site.label + kFrames;
       ++i)
    chosen.push_back(i);
  return chosen;
}

// "function (file.cc:12)" in `columns`; the function gives way, not the line.
std::string FrameText(const evidence::SiteFrame& frame, std::size_t columns, const Page& page) {
  if (frame.line == 0) return page.Name(frame.function, columns);
  const std::string file = frame.file.substr(frame.file.rfind('/') + 1);
  const std::string line = page.Name(fmt::format(" ({}:{})", file, frame.line), columns / 2);
  return page.Name(frame.function, columns - Columns(line)) + line;
}

}  // namespace

void WriteSites(const report::Report& report, Page* page) {
  const evidence::Evidence& evidence = report.evidence;
  if (evidence.sites.empty() || evidence.sites.front().live.count <= 0) return;
  Bytes live;
  for (const evidence::Site& site : evidence.sites) live += site.live;
  page->Heading(fmt::format("Top sites: {} live in {} sites, estimated from samples",
                            FormatBytes(live), evidence.sites.size()));
  std::size_t shown = 0;
  for (const evidence::Site& site : evidence.sites) {
    if (site.live.count <= 0 || shown++ == kSites) break;
    page->Line(fmt::format("  {} +- {}  {}  {}", Right(FormatBytes(site.live), 10, page->utf8()),
                           Left(FormatBytes(site.standard_error), 9, page->utf8()),
                           Right(Percent(site.live, live), 7, page->utf8()),
                           site.frames.empty()
                               ? std::string("(stack not recorded)")
                               : page->Styled(Style::kBold, FrameText(site.frames[site.label],
                                                                      page->width() - 36, *page))));
    for (const std::size_t i : Callers(site))
      page->Line("      " +
                 page->Styled(Style::kDim,
                              "from " + FrameText(site.frames[i], page->width() - 11, *page)));
  }
}

}  // namespace wrackline::render
