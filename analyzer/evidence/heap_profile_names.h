// Names for the addresses of a heap profile.
#pragma once

#include <string>
#include <vector>

#include "analyzer/evidence/heap_profile.h"

namespace wrackline::evidence {

// Of each location its frames, innermost inlined function first; one frame where the profile names none: from the binaries below the
// folders, else "module+0x1234" with the offset in the file.
std::vector<std::vector<SiteFrame>> NameLocations(const HeapProfile& profile,
                                                  SymbolFolders* symbols,
                                                  std::vector<std::string>* remarks);

}  // namespace wrackline::evidence
