// A memory cgroup of its own for one child, so that a limit is a real one.
//
// cgroup v1: made below the cgroup this process is in. cgroup v2: the same, where the kernel lets
// it: a cgroup that holds processes cannot give its children a memory controller ("no internal
// processes"; only the root may). Then it is made beside this process's cgroup, below its parent:
// the limit of the parent and everything above it still holds, the current cgroup's own does not.
//
//   Result<ChildCgroup> cgroup = ChildCgroup::Make(350 * kMiB);
//   if (fork() == 0) { cgroup.value().Enter(); execvp(...); }
//   ...wait...                       // the destructor removes the cgroup
#pragma once

#include <string>

#include "lib/base/result.h"
#include "lib/container/cgroup.h"
#include "lib/units/bytes.h"

namespace wrackline::cli {

class ChildCgroup {
 public:
  // Errors, each with what to do: no memory controller, no permission, a limit the kernel refuses,
  // and v2's rule above where there is no parent to use. Nothing is left behind then.
  static Result<ChildCgroup> Make(Bytes limit);
  // The same on a copy of the tree under `root`, for tests: `root` is put before /proc and /sys.
  static Result<ChildCgroup> MakeUnder(const std::string& root, Bytes limit);

  ChildCgroup(ChildCgroup&& other) noexcept;
  ChildCgroup& operator=(ChildCgroup&&) = delete;
  ChildCgroup(const ChildCgroup&) = delete;
  ~ChildCgroup();

  // Moves the calling process in. For the child between fork and exec: no allocation. 0 or an errno
  // value.
  int Enter() const;
  // Removes it; processes left in it are given a second to end. False: it is still there.
  bool Remove();

  const container::Cgroup& cgroup() const { return cgroup_; }

 private:
  ChildCgroup(container::Cgroup cgroup, std::string processes);
  container::Cgroup cgroup_;
  std::string processes_;  // path of cgroup.procs; empty: nothing to remove
};

}  // namespace wrackline::cli
