#include <fmt/core.h>

#include "analyzer/render/inert.h"
#include "analyzer/render/text_parts.h"

namespace wrackline::render {
namespace {

constexpr std::size_t kSites = 5;
constexpr std::size_t kFrames = 4;  // below the label

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
    page->Line(fmt::format(
        "  {} +- {}  {}  {}", Right(FormatBytes(site.live), 10, page->utf8()),
        Left(FormatBytes(site.standard_error), 9, page->utf8()),
        Right(Percent(site.live, live), 7, page->utf8()),
        site.frames.empty()
            ? std::string("(stack not recorded)")
            : page->Styled(Style::kBold,
                           page->Name(site.frames[site.label].function, page->width() - 36))));
    for (std::size_t i = site.label + 1; i < site.frames.size() && i <= site.label + kFrames; ++i)
      page->Line("      " + page->Styled(Style::kDim, page->Name("from " + site.frames[i].function,
                                                                 page->width() - 6)));
  }
}

}  // namespace wrackline::render
