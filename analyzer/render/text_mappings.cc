#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <vector>

#include "analyzer/evidence/mappings.h"
#include "analyzer/render/inert.h"
#include "analyzer/render/text_parts.h"

namespace wrackline::render {
namespace {

using evidence::MappingKind;
using evidence::MappingMaker;
using evidence::MappingSite;

constexpr std::size_t kSites = 5;
constexpr std::size_t kMakers = 3;

constexpr std::array kKinds = {
    MappingKind::kProgram,     MappingKind::kAllocator, MappingKind::kJvm, MappingKind::kMetaspace,
    MappingKind::kThreadStack, MappingKind::kThread,    MappingKind::kFile};

const char* Label(MappingKind kind) {
  switch (kind) {
    case MappingKind::kThreadStack:
      return "stack";
    case MappingKind::kThread:
      return "threads";
    case MappingKind::kFile:
      return "files";
    default:
      return evidence::Name(kind);
  }
}

// These have lists of their own.
bool HasMakers(MappingKind kind) {
  return kind == MappingKind::kFile || kind == MappingKind::kThread ||
         kind == MappingKind::kMetaspace;
}

std::string Amounts(const char* name, Bytes accessible, Bytes reserved, std::uint64_t ranges,
                    const Page& page) {
  return fmt::format(
      "  {} {} {} {}", Left(name, 10, page.utf8()), Right(FormatBytes(accessible), 11, page.utf8()),
      Right(FormatBytes(reserved), 11, page.utf8()), Right(std::to_string(ranges), 7, page.utf8()));
}

// The columns that are left of a line beside its amounts.
constexpr std::size_t kBesideName = 46, kBesideMaker = 35;

// Nobody's but the VM's own: the compilers' and the collector's threads, the classes that it starts with.
bool IsTheVmItself(const evidence::SiteFrame& frame) {
  return !frame.java && frame.module.compare(0, 7, "libjvm.") == 0;
}

void WriteMakers(const evidence::Evidence& evidence, MappingKind kind, const char* title,
                 const char* counted, Page* page) {
  const std::vector<MappingMaker> makers = MakersOf(evidence.mappings, kind);
  if (makers.empty()) return;
  page->Line("");
  page->Line(page->Styled(Style::kDim, fmt::format("  {}", title)));
  const bool resident = kind != MappingKind::kMetaspace;
  page->Line(page->Styled(Style::kDim,
                          fmt::format("  {:>11} {:>11} {:>7}", resident ? "mapped" : "committed",
                                      resident ? "resident" : "", counted)));
  for (std::size_t i = 0; i < makers.size() && i < kMakers; ++i) {
    const MappingMaker& maker = makers[i];
    // The VM reserves metaspace in advance.
    if (!resident && maker.accessible.count == 0) break;
    std::string name = "(stack not recorded)";
    if (IsTheVmItself(maker.frame)) {
      name = "(the VM itself)";
    } else if (!maker.frame.function.empty()) {
      name =
          page->Styled(Style::kBold, FrameText(maker.frame, page->width() - kBesideMaker, *page));
    }
    const std::string in_memory = maker.resident ? FormatBytes(*maker.resident) : std::string();
    page->Line(
        fmt::format("  {} {} {}  {}",
                    Right(FormatBytes(maker.accessible + (resident ? maker.reserved : Bytes{})), 11,
                          page->utf8()),
                    Right(in_memory, 11, page->utf8()),
                    Right(std::to_string(maker.ranges), 7, page->utf8()), name));
  }
}

}  // namespace

void WriteMappings(const evidence::Evidence& evidence, Page* page) {
  if (evidence.mappings.empty()) return;
  struct Sum {
    Bytes accessible, reserved;
    std::uint64_t ranges = 0;
  };
  std::array<Sum, kKinds.size()> kinds;
  for (const MappingSite& site : evidence.mappings) {
    Sum& sum = kinds[static_cast<std::size_t>(site.kind)];
    sum.accessible += site.accessible;
    sum.reserved += site.reserved;
    sum.ranges += site.ranges;
  }
  page->Heading("Mappings: address space (not all of it resident; no part of the sum)");
  page->Line(page->Styled(Style::kDim, fmt::format("  {:10} {:>11} {:>11} {:>7}", "", "accessible",
                                                   "reserved", "ranges")));
  for (const MappingKind kind : kKinds) {
    const Sum& sum = kinds[static_cast<std::size_t>(kind)];
    if (sum.ranges != 0)
      page->Line(Amounts(Label(kind), sum.accessible, sum.reserved, sum.ranges, *page));
  }
  std::size_t shown = 0;
  for (const MappingSite& site : evidence.mappings) {
    if (HasMakers(site.kind)) continue;
    if (shown == kSites) break;
    if (shown++ == 0) page->Line(page->Styled(Style::kDim, "  the largest sites"));
    const std::string name =
        site.frames.empty()
            ? std::string("(stack not recorded)")
            : page->Styled(Style::kBold,
                           FrameText(site.frames[site.label], page->width() - kBesideName, *page));
    page->Line(Amounts(Label(site.kind), site.accessible, site.reserved, site.ranges, *page) +
               "  " + name);
  }
  WriteMakers(evidence, MappingKind::kFile,
              "files by who mapped them (page cache, not anonymous memory)", "ranges", page);
  WriteMakers(evidence, MappingKind::kThread, "live threads by who started them (their stacks)",
              "threads", page);
  WriteMakers(evidence, MappingKind::kMetaspace, "metaspace by who made it grow", "ranges", page);
}

}  // namespace wrackline::render
