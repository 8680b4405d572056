// YARN's own kill: the NodeManager adds up the resident sets of a container's processes and kills it above its limit. The words are
// the same in a JobManager's log, a NodeManager's log and in `yarn logs`.
//
//   std::vector<YarnKill> kills = ParseYarnKills(log);
//   kills.back().physical_used
//
// What is read: docs/evidence-kubernetes.md.
#pragma once

#include <string_view>
#include <vector>

#include "analyzer/evidence/source.h"

namespace wrackline::evidence {

// In order; of a long log the last 256. A container of which only the exit code is told (143, 137, -103, -104) is one too.
std::vector<YarnKill> ParseYarnKills(std::string_view log);

// Anywhere in a log, however long.
bool IsYarn(const SourceFile& file);
// Takes the last kill of the evidence's container; without one the last of a TaskManager, else the last.
Result<std::string> AddYarn(const SourceFile& file, Evidence* evidence);

}  // namespace wrackline::evidence
