#include <fmt/core.h>

#include <algorithm>
#include <vector>

#include "analyzer/evidence/java_frames.h"
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
  const bool java = site.frames[site.label].java;
  const auto telling = [&site, java](std::size_t i) {
    const evidence::SiteFrame& frame = site.frames[i];
    return frame.named && !evidence::IsPlumbing(frame) &&
           !(java && evidence::JavaCodeOf(frame.function) == evidence::JavaCode::kJdk);
  };
  const std::size_t near = site.in_rocksdb && !java ? kFrames / 2 : kFrames;
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

// Of a Java label, what stands between it and the allocation, outermost first: the last Java method,
// the native function that it entered, and the one that allocated. They tell the kind of memory.
std::vector<std::size_t> Means(const evidence::Site& site) {
  std::vector<std::size_t> chosen;
  if (!site.frames[site.label].java) return chosen;
  const auto telling = [&site](std::size_t i) {
    return site.frames[i].named && !evidence::IsPlumbing(site.frames[i]);
  };
  std::size_t native = site.label;  // how many native frames there are
  for (std::size_t i = 0; i < site.label; ++i) {
    if (!site.frames[i].java) continue;
    native = i;
    if (site.frames[i].named) chosen.push_back(i);
    break;
  }
  std::size_t entered = native;
  for (std::size_t i = native; i-- > 0 && entered == native;) {
    if (telling(i)) entered = i;
  }
  if (entered == native) return chosen;
  chosen.push_back(entered);
  for (std::size_t i = 0; i < entered; ++i) {
    if (!telling(i)) continue;
    chosen.push_back(i);
    break;
  }
  return chosen;
}

std::string MeansText(const evidence::Site& site, std::size_t columns, const Page& page) {
  const std::vector<std::size_t> means = Means(site);
  constexpr std::size_t kArrow = 4;
  std::size_t room = columns - std::min(columns, kArrow * means.size());
  std::size_t left = means.size();
  std::string text;
  for (const std::size_t i : means) {
    // What the names behind this one do not need is this one's.
    std::size_t behind = 0;
    for (std::size_t k = means.size() - left + 1; k < means.size(); ++k)
      behind += std::min(site.frames[means[k]].function.size(), room / left);
    const std::string name = FunctionText(site.frames[i], room - behind, page);
    room -= std::min(room, Columns(name));
    --left;
    if (!text.empty()) text += " <- ";
    text += name;
  }
  return text;
}

const char* HowKnown(const evidence::Evidence& evidence) {
  const auto& profile = evidence.heap_profile;
  if (profile && profile->exact) return "every allocation counted";
  if (profile && !profile->interval) return "as another tool has them";
  return "estimated from samples";
}

}  // namespace

void WriteSites(const report::Report& report, Page* page) {
  const evidence::Evidence& evidence = report.evidence;
  if (evidence.sites.empty() || evidence.sites.front().live.count <= 0) return;
  Bytes live;
  std::size_t holding = 0;  // all others have freed what they had
  for (const evidence::Site& site : evidence.sites) {
    live += site.live;
    holding += site.live.count > 0 ? 1 : 0;
  }
  page->Heading(fmt::format("Top sites: {} live in {} sites, {}", FormatBytes(live), holding,
                            HowKnown(evidence)));
  if (evidence.heap_profile) {
    page->Paragraph(fmt::format("From the {} heap profile {}.", evidence.heap_profile->format,
                                evidence.heap_profile->file),
                    2, 0, Style::kDim);
    for (const std::string& note : evidence.heap_profile->notes)
      page->Paragraph(note, 2, 0, Style::kDim);
  }
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
    if (20 * site.untouched >= site.live)
      page->Line("      " +
                 page->Styled(Style::kDim,
                              fmt::format("{} of it were never touched: no memory of the pod's",
                                          FormatBytes(site.untouched))));
    if (site.frames.empty()) continue;
    const std::string means = MeansText(site, page->width() - 9, *page);
    if (!means.empty()) page->Line("      " + page->Styled(Style::kDim, "by " + means));
    for (const std::size_t i : Callers(site))
      page->Line("      " +
                 page->Styled(Style::kDim,
                              "from " + FrameText(site.frames[i], page->width() - 11, *page)));
  }
}

}  // namespace wrackline::render
