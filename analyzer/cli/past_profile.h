// What was live at earlier moments of a recording, for the page.
#pragma once

#include <string>
#include <vector>

#include "analyzer/evidence/evidence.h"
#include "analyzer/evidence/symbol_folders.h"
#include "analyzer/render/html.h"

namespace wrackline::cli {

// Half-way through the recorded time. Nothing where `path` is no recording, where its samples do not go back that far (its file was begun
// anew since), or where the process was recorded for less than a second. `symbols` may be null.
std::vector<render::PastProfile> PastProfiles(const std::string& path,
                                              const evidence::Evidence& evidence,
                                              evidence::SymbolFolders* symbols);

}  // namespace wrackline::cli
