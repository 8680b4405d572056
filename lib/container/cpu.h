// How much processor time a container may use: its cgroup's CPU quota, and the processors that the
// scheduler lets the process run on.
//
// Allocators size themselves by the machine's processors (jemalloc makes four arenas for each, glibc
// up to eight); a container with a quota of two on a machine of 64 pays for that. Rules of cgroup.h:
// never allocates, throws or locks; a figure that is not there is empty, never 0.
//
//   container::Cgroup cgroup;
//   if (container::FindCpuCgroup("", "self", &cgroup)) {
//     if (const auto quota = container::ReadCpuQuota(cgroup)) ...  // 1500: one processor and a half
//   }
//
// Sources: Documentation/scheduler/sched-bwc.rst and Documentation/admin-guide/cgroup-v2.rst of
// Linux.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "lib/container/cgroup.h"

namespace wrackline::container {

// The CPU cgroup of a process; as FindMemoryCgroup, by the cpu controller, which on v1 is a
// hierarchy of its own with other paths. False for the root cgroup and where no cgroup on the way up
// has the controller: no quota can be set there.
bool FindCpuCgroup(const char* root, const char* pid, Cgroup* out);

// `quota_us` of every `period_us`, microseconds of all processors together.
struct CpuBandwidth {
  std::uint64_t quota_us, period_us;
};

// cpu.max of v2 in `folder` (a descriptor), `level` levels up. Empty: no such file, or "max".
std::optional<CpuBandwidth> ReadCpuMax(int folder, int level);
// cpu.cfs_quota_us with cpu.cfs_period_us of v1. Empty: no such files, or -1.
std::optional<CpuBandwidth> ReadCpuCfs(int folder, int level);

// "150000 100000\n". Empty for "max 100000\n" and for what is no such text.
std::optional<CpuBandwidth> ParseCpuMax(const char* text, std::size_t length);

// The lowest quota of the folder and its visible parents, in thousandths of a processor, rounded up.
// Empty: no quota is visible. A pod's own quota may be on a parent that its container cannot see.
std::optional<std::uint32_t> ReadCpuQuota(const Cgroup& cgroup);

// How many processors the calling thread may run on (sched_getaffinity, cpuset): what jemalloc and
// newer glibcs count. Empty when the kernel does not say.
std::optional<std::uint32_t> UsableCpus();

}  // namespace wrackline::container
