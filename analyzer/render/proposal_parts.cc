#include "analyzer/render/proposal_parts.h"

#include "analyzer/render/inert.h"

namespace wrackline::render {

std::string_view VerdictOf(const sizing::Proposal& proposal) {
  if (!proposal.fits) return "Nothing fits this limit.";
  return proposal.changes.empty() ? "No change is needed." : "It fits.";
}

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
