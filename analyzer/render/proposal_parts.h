// What the renderers of a proposal share. Inside the room.
#pragma once

#include <string>
#include <string_view>

#include "analyzer/sizing/proposal.h"

namespace wrackline::render {

// "It fits.", "No change is needed.", "Nothing fits this limit."
std::string_view VerdictOf(const sizing::Proposal& proposal);
// As comments in a configuration or a patch: inert ASCII, each line behind "# ".
std::string CommentOf(std::string_view text, std::string_view indent = "");

}  // namespace wrackline::render
