// Names and lines for the frames of an old recording, from binaries at hand: what the recording
// process could not read (stripped objects, compressed line tables, a kill before the names were
// taken).
//
// What was recorded stays. Objects are matched by build id alone; one that was recorded without is
// left as it is.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "analyzer/evidence/symbol_folders.h"
#include "lib/recorder/reader.h"

namespace wrackline::evidence {

struct Improvement {
  std::size_t named = 0;  // frames that had no name
  std::size_t lined = 0;  // frames that had no line
  // For the user, each one line: what was found, and what was not used and why.
  std::vector<std::string> remarks;
};

// Adds to recording->frame_names; takes what was found off its losses.
Improvement ImproveNames(SymbolFolders* folders, recorder::Recording* recording);

}  // namespace wrackline::evidence
