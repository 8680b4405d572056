// The process that is collected from, seen from wherever this one is: in its container, beside it in the pod, or on the host.
#pragma once

#include <sys/types.h>

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "lib/base/result.h"

namespace wrackline::collect {

struct Target {
  pid_t pid = 0;        // as this process sees it; 0: there is none
  std::string own_pid;  // as its own container does
  std::string root;     // "/proc/PID/root", or "" where that cannot be entered
  std::vector<std::string> arguments;
  std::map<std::string, std::string> environment;  // empty when it cannot be read
  std::string folder;                              // its working folder, as it sees it
  bool java = false;
  std::string cgroup_folder;  // of its memory controller; empty: not found
  std::string
      cgroup_path;  // the same as the kernel names it, below the mount; empty: not known here
  int cgroup_version = 0;
  std::string cpu_folder;    // v1's own controller
  bool own_network = false;  // it shares this process's network: its ports are ours

  // A path of the process's as this one reaches it. Relative ones are below its working folder.
  std::string Path(const std::string& path) const;
  // The environment's, or "".
  std::string Variable(const std::string& name) const;
  // VM options: of the command line and of JAVA_TOOL_OPTIONS and JDK_JAVA_OPTIONS.
  std::vector<std::string> Options() const;
};

// Errors: no such process, or it cannot be seen.
Result<Target> TargetOf(pid_t pid);
// No process: this one's own cgroup, and paths as they are.
Target NoProcess();

// Of the processes that can be seen, the Java VM that holds the most memory; of `cgroup` (a folder of the cgroup's tree) where that is not
// empty. `remark` says who else there was. Nothing: there is none.
std::optional<pid_t> FindVm(const std::string& cgroup, std::string* remark);

// Ids in a cgroup.procs.
std::vector<pid_t> ProcessesOf(const std::string& cgroup_folder);

}  // namespace wrackline::collect
