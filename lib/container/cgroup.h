// The memory cgroup of a process: where it is, and one accessor per kernel file.
//
// Works on cgroup v1 and v2. Never allocates, never throws, takes no lock: it runs in the recorder
// thread of the profiled process as well as in the analyzer. A figure that the kernel does not give
// is an empty optional, never 0. All paths are below a root folder, so that tests can point it at a
// copy of /proc and /sys (tests/data/container).
//
//   container::Cgroup cgroup;
//   if (container::FindMemoryCgroup("", "self", &cgroup)) {
//     container::CgroupMemory now = container::ReadCgroupMemory(cgroup);
//     if (now.charge && now.limit) ...
//   }
//
// Sources: Documentation/admin-guide/cgroup-v1/memory.rst and cgroup-v2.rst of Linux.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

namespace wrackline::container {

class KeptFile;

struct Cgroup {
  int version = 0;              // 1 or 2; 0: none
  char path[1024] = {};         // below the controller's mount, as in /proc/PID/cgroup
  char folder[2048] = {};       // where its files are read, root included
  char container_id[128] = {};  // 64 hex digits (docker, containerd, cri-o path forms), or empty
};

// Finds the memory cgroup of process `pid` ("self" or digits) under `root` ("" for the real
// machine). Inside a container without a cgroup namespace the path in /proc/self/cgroup is the
// host's and the folder is the mount itself: both are tried. A pod's limit may sit on a parent: see
// ReadCgroupMemory. False when there is no memory controller (v2 without memory.current, as in a
// hybrid set-up, falls back to v1), and for a process in the root cgroup, whose figures are the
// whole machine's. Mounts are looked up in `root`/proc/self/mountinfo, also for another `pid`; on
// v2 the folder is the nearest ancestor that the memory controller reaches, the one that the kernel
// charges.
bool FindMemoryCgroup(const char* root, const char* pid, Cgroup* out);

// Field meanings as in message CgroupMemory of wrackline.proto; all bytes unless named otherwise.
struct CgroupMemory {
  std::optional<std::uint64_t> charge, limit, peak, anon, file, shmem, file_mapped, file_dirty,
      file_writeback, inactive_file, active_file, inactive_anon, active_anon, kernel, slab,
      slab_reclaimable, kernel_stack, page_tables, sock, anon_thp, swap, pgmajfault, oom_kill,
      limit_hits;
  // charge minus inactive_file, as the kubelet computes it; empty when either is unknown.
  std::optional<std::uint64_t> WorkingSet() const;
};

// All of it: memory.current or memory.usage_in_bytes, memory.stat, memory.events or
// memory.oom_control and memory.failcnt. 0.03 to 0.06 ms. The limit is the lowest one of the folder
// and its visible parents ("max", and v1's page-rounded 2^63, are no limit: empty); on v1
// hierarchical_memory_limit, which also knows the parents that a container cannot see. limit_hits
// is counted where that limit is set.
CgroupMemory ReadCgroupMemory(const Cgroup& cgroup);

// memory.current or memory.usage_in_bytes alone: one open, read, close; with `kept`, one read.
std::optional<std::uint64_t> ReadCharge(const Cgroup& cgroup, KeptFile* kept = nullptr);

// Parses the text of memory.stat (either version) into `out`. Hostile input: unknown lines,
// overlong numbers and a torn last line are skipped. v1's total_* lines win over the plain ones
// (they include children).
void ParseMemoryStat(const char* text, std::size_t length, int version, CgroupMemory* out);

}  // namespace wrackline::container
