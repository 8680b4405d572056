#include "analyzer/render/inert.h"
#include "analyzer/render/proposal.h"
#include "analyzer/render/proposal_parts.h"

namespace wrackline::render {

std::string ProposalDiff(const sizing::Proposal& proposal, std::string_view file) {
  // ASCII on one line: what a line would break at is escaped.
  const auto inert = [](std::string_view text) { return Inert(text, false); };
  std::string out = CommentOf(proposal.summary);
  if (proposal.changes.empty()) return out;
  out += "--- " + inert(file) + "\n+++ " + inert(file) + " (proposed)\n";
  for (const sizing::Change& change : proposal.changes) {
    out += CommentOf(change.reason);
    if (!change.old_value.empty())
      out += "- " + inert(change.key) + ": " + inert(change.old_value) + "\n";
    if (!change.new_value.empty())
      out += "+ " + inert(change.key) + ": " + inert(change.new_value) + "\n";
  }
  return out;
}

}  // namespace wrackline::render
