// What the renderers of a proposal share. Inside the room.
#pragma once

#include <string>
#include <string_view>

#include "analyzer/sizing/proposal.h"

namespace wrackline::render {

// "It fits.", "No change is needed.", "Nothing fits this limit."
std::string_view VerdictOf(const sizing::Proposal& proposal);
// "All 12 runs live; the closest leaves 80.0 MiB free, asked are 102.4 MiB."
std::string BackTestVerdict(const sizing::BackTest& test);
// "lives", "limit", "heap", "direct memory", "metaspace".
std::string_view EndOf(const sizing::Replay& replay);
// "12 min 3 s".
std::string SecondsText(sizing::Milliseconds time);

// As comments in a configuration or a patch: inert ASCII, each line behind "# ".
std::string CommentOf(std::string_view text, std::string_view indent = "");

}  // namespace wrackline::render
