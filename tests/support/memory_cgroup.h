// A memory cgroup of a test's own, with a limit, so that the kernel can be made to kill for real.
// cgroup v1 and v2. Needs the right to make one, which means root.
//
//   Result<MemoryCgroup> cgroup = MemoryCgroup::Create("kill-test", 128 * kMiB);
//   if (!cgroup.ok()) GTEST_SKIP() << cgroup.error().Text();
//   ... in the child, before exec: cgroup.value().AddPid(getpid()) ...
//   EXPECT_EQ(cgroup.value().OomKills(), 1u);
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>

#include "lib/base/result.h"
#include "lib/container/cgroup.h"
#include "lib/units/bytes.h"

namespace wrackline::test {

class MemoryCgroup {
 public:
  // Makes `name`-<own pid>-<count> below this process's own memory cgroup, or, on v2, where a
  // cgroup with processes may have no children with controllers, below the highest one that can be
  // written, the root cgroup included. Without swap where the kernel counts it, so that the limit is the end.
  static Result<MemoryCgroup> Create(const std::string& name, Bytes limit);

  MemoryCgroup(MemoryCgroup&& other) noexcept;
  MemoryCgroup& operator=(MemoryCgroup&&) = delete;
  // Removes the cgroup; waits up to 5 s for its processes to be gone.
  ~MemoryCgroup();

  const std::string& folder() const { return folder_; }
  const container::Cgroup& cgroup() const { return cgroup_; }
  Status AddPid(pid_t pid) const;
  // The kernel's own counts and figures.
  std::uint64_t OomKills() const;
  std::uint64_t Charge() const;

 private:
  MemoryCgroup() = default;
  container::Cgroup cgroup_;
  std::string folder_;
};

}  // namespace wrackline::test
