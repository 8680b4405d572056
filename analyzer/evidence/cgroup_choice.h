// Which of several saved cgroups to go by: a pod's and its containers', each perhaps at several moments.
//
// The one whose limit ran out, else the fullest, the inner one of two that are as full; without limits the largest. Which snapshots are of one cgroup their names say:
// "pod.before" and "pod.after" are, "container-a.before" is another. Pure; any thread.
#pragma once

#include <string>
#include <vector>

#include "analyzer/evidence/cgroup_snapshot.h"

namespace wrackline::evidence {

struct NamedCgroup {
  std::string name;  // of the file or folder
  CgroupSnapshot snapshot;
};

// For each whether it is to be used.
std::vector<bool> ChooseCgroups(const std::vector<NamedCgroup>& cgroups);

// A snapshot of another cgroup in one clause: "another cgroup: charge 60.5 MiB, limit 128.0 MiB".
std::string OtherCgroup(const CgroupSnapshot& snapshot);

}  // namespace wrackline::evidence
