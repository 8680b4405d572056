// After the command has ended: finds the recorder files it left and adds to them what only its
// parent can know.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "lib/container/cgroup.h"
#include "lib/units/bytes.h"

namespace wrackline::cli {

// What was seen of the end.
struct SeenEnd {
  pid_t pid = 0;
  int status = 0;  // as waitpid gives it
  std::chrono::system_clock::time_point time;
  container::CgroupMemory before, after;
  std::string cgroup_path;
  std::string kernel_log;              // everything the kernel said meanwhile
  std::optional<int> stopped_status;   // --stopped-status
  std::optional<Bytes> assumed_limit;  // --assume-limit
};

// The recorder files in `folder`; empty when it cannot be read.
std::set<std::string> RecorderFiles(const std::string& folder);

struct AftermathResult {
  std::vector<std::string> files;     // new ones, the command's own first
  std::vector<std::string> problems;  // one line each: files that could not be completed
};

// Appends an Aftermath to each recorder file in `folder` that is not in `known`: to the command's
// own (by pid) with its status; with the cgroup's counters alone to those of its descendants: they ran in that cgroup or below,
// have no clean-exit mark, nobody writes them any more, and no other run has said how they ended.
AftermathResult AddAftermath(const std::string& folder, const std::set<std::string>& known,
                             const SeenEnd& end);

}  // namespace wrackline::cli
