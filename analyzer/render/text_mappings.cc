#include <fmt/core.h>

#include <array>
#include <vector>

#include "analyzer/evidence/mappings.h"
#include "analyzer/render/inert.h"
#include "analyzer/render/text_parts.h"

namespace wrackline::render {
namespace {

using evidence::MappingKind;
using evidence::MappingSite;

constexpr std::size_t kSites = 5;

const char* Label(MappingKind kind) {
  return kind == MappingKind::kThreadStack ? "stack" : evidence::Name(kind);
}

std::string Amounts(const char* name, Bytes accessible, Bytes reserved, std::uint64_t ranges,
                    const Page& page) {
  return fmt::format(
      "  {} {} {} {}", Left(name, 10, page.utf8()), Right(FormatBytes(accessible), 11, page.utf8()),
      Right(FormatBytes(reserved), 11, page.utf8()), Right(std::to_string(ranges), 7, page.utf8()));
}

}  // namespace

void WriteMappings(const evidence::Evidence& evidence, Page* page) {
  if (evidence.mappings.empty()) return;
  struct Sum {
    Bytes accessible, reserved;
    std::uint64_t ranges = 0;
  };
  std::array<Sum, 4> kinds;
  for (const MappingSite& site : evidence.mappings) {
    Sum& sum = kinds[static_cast<std::size_t>(site.kind)];
    sum.accessible += site.accessible;
    sum.reserved += site.reserved;
    sum.ranges += site.ranges;
  }
  page->Heading("Mappings: anonymous address space (not all of it resident; no part of the sum)");
  page->Line(page->Styled(Style::kDim, fmt::format("  {:10} {:>11} {:>11} {:>7}", "", "accessible",
                                                   "reserved", "ranges")));
  for (const MappingKind kind : {MappingKind::kProgram, MappingKind::kAllocator, MappingKind::kJvm,
                                 MappingKind::kThreadStack}) {
    const Sum& sum = kinds[static_cast<std::size_t>(kind)];
    if (sum.ranges != 0)
      page->Line(Amounts(Label(kind), sum.accessible, sum.reserved, sum.ranges, *page));
  }
  page->Line(page->Styled(Style::kDim, "  the largest sites"));
  for (std::size_t i = 0; i < evidence.mappings.size() && i < kSites; ++i) {
    const MappingSite& site = evidence.mappings[i];
    const std::string name =
        site.frames.empty()
            ? std::string("(stack not recorded)")
            : page->Styled(Style::kBold,
                           page->Name(site.frames[site.label].function, page->width() - 46));
    page->Line(Amounts(Label(site.kind), site.accessible, site.reserved, site.ranges, *page) +
               "  " + name);
  }
}

}  // namespace wrackline::render
