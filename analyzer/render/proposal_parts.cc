#include "analyzer/render/proposal_parts.h"

#include <fmt/core.h>

#include <algorithm>

#include "analyzer/render/inert.h"
#include "analyzer/render/text_parts.h"

namespace wrackline::render {

using sizing::Death;

std::string_view VerdictOf(const sizing::Proposal& proposal) {
  if (!proposal.fits) return "Nothing fits this limit.";
  return proposal.changes.empty() ? "No change is needed." : "It fits.";
}

std::string BackTestVerdict(const sizing::BackTest& test) {
  const auto dead = std::count_if(test.replays.begin(), test.replays.end(),
                                  [](const auto& replay) { return replay.death != Death::kNone; });
  const std::size_t runs = test.replays.size();
  std::string verdict =
      dead > 0    ? fmt::format("{} of {} runs would die.", dead, runs)
      : runs == 1 ? fmt::format("The run lives; {} stay free", FormatBytes(test.least_headroom))
                  : fmt::format("All {} runs live; the closest leaves {} free", runs,
                                FormatBytes(test.least_headroom));
  if (dead == 0)
    verdict += fmt::format(" of {}, asked are {}.", FormatBytes(test.limit),
                           FormatBytes(test.headroom_asked));
  return verdict;
}

std::string_view EndOf(const sizing::Replay& replay) {
  switch (replay.death) {
    case Death::kNone:
      return "lives";
    case Death::kLimit:
      return "limit";
    case Death::kHeap:
      return "heap";
    case Death::kDirectMemory:
      return "direct memory";
    case Death::kMetaspace:
      return "metaspace";
  }
  return "unknown";
}

std::string SecondsText(sizing::Milliseconds time) { return Elapsed(time); }

std::string CommentOf(std::string_view text, std::string_view indent) {
  constexpr std::size_t kWidth = 100;
  std::string out;
  const std::string inert = Inert(text, false);
  std::string_view rest = inert;
  while (!rest.empty()) {
    std::size_t length = rest.size();
    if (length > kWidth) {
      const std::size_t space = rest.substr(0, kWidth).rfind(' ');
      length = space == std::string_view::npos || space == 0 ? kWidth : space;
    }
    out += std::string(indent) + "# " + std::string(rest.substr(0, length)) + "\n";
    rest.remove_prefix(length);
    while (!rest.empty() && rest.front() == ' ') rest.remove_prefix(1);
  }
  return out;
}

}  // namespace wrackline::render
