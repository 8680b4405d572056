#include <algorithm>

#include "analyzer/render/inert.h"
#include "analyzer/render/proposal.h"
#include "analyzer/render/proposal_parts.h"

namespace wrackline::render {
namespace {

// Both readers take such a text for itself: no quotes, no comment, no flow, nothing that YAML makes something else of.
bool IsPlain(std::string_view text) {
  const auto among = [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '.' ||
           c == '-' || c == '_' || c == '/' || c == ' ';
  };
  return !text.empty() && text.front() != ' ' && text.back() != ' ' && text.front() != '-' &&
         text != "null" && std::all_of(text.begin(), text.end(), among);
}

}  // namespace

std::string ProposalConfig(const sizing::Proposal& proposal) {
  std::string out = CommentOf(proposal.summary);
  for (const sizing::Change& change : proposal.changes) {
    out += "\n" + CommentOf(change.reason);
    if (change.new_value.empty()) {
      out += CommentOf("remove: " + change.key + ": " + change.old_value);
      continue;
    }
    if (!change.old_value.empty()) out += CommentOf("was: " + change.old_value);
    if (IsPlain(change.key) && IsPlain(change.new_value)) {
      out += change.key + ": " + change.new_value + "\n";
    } else {
      out += CommentOf("set by hand, in the file's own way of quoting: " + change.key + ": " +
                       change.new_value);
    }
  }
  return out;
}

}  // namespace wrackline::render
