// What one OOM report of the kernel says beyond its victim: the groups, their counters at the moment of the kill, and who else was there.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lib/units/bytes.h"

namespace wrackline::evidence {

// CONSTRAINT_MEMCG: a cgroup's limit. CONSTRAINT_NONE: the machine has no memory left. The others: a NUMA node or cpuset has none.
enum class OomConstraint { kUnknown, kCgroup, kMachine, kNodes };

// One row of the report's task table. The kernel prints pages; these are bytes (of 4 KiB pages: x86-64).
struct OomTask {
  std::uint32_t pid = 0;
  std::string name;
  Bytes total_vm, resident, page_tables;
  std::optional<Bytes> anon, file, shmem, swapped;  // of `resident`; the three since Linux 6.8
  std::optional<int> score_adjust;
};

// The counters of the group that ran out ("Memory cgroup stats for"), each as the kernel prints it.
struct OomGroupStats {
  std::string cgroup;
  std::optional<Bytes> anon, file, kernel, kernel_stack, page_tables, sock, shmem, file_mapped,
      file_dirty, anon_thp, inactive_anon, active_anon, inactive_file, active_file, slab,
      slab_reclaimable, slab_unreclaimable, swap;
  std::optional<std::uint64_t> page_faults, major_faults, workingset_refault_anon,
      workingset_refault_file;
};

struct OomReport {
  std::string invoker;  // the thread that happened to ask for the page that was too many: chance
  std::optional<std::uint32_t> invoker_pid;
  OomConstraint constraint = OomConstraint::kUnknown;
  std::string oom_cgroup;   // whose limit was reached; may be the pod's, above the victim's
  std::string task_cgroup;  // the victim's
  std::optional<Bytes> usage, limit, swap_usage, swap_limit, kernel_usage;
  std::optional<std::uint64_t> failures;  // "failcnt"
  std::optional<OomGroupStats> stats;
  std::vector<OomTask> tasks;  // at most 4,096
  // memory.oom.group: every process of that group was killed.
  bool group_kill = false;
  std::string group;
  std::vector<std::uint32_t> killed;         // pids in the order of the report
  std::optional<double> seconds_since_boot;  // of its first line, where that has a stamp
  std::string wall_time;                     // as printed, where the log has such stamps
  std::string kernel_version;                // "6.1.0-18-amd64"; empty: not printed
};

// The limit that was reached is not a pod's but of all pods of a node, or of all of one class of service: the kubelet sets one on "kubepods",
// which is the node's allocatable memory. False where the report names no such group.
bool OfAllPods(const OomReport& report);
// Its groups name a pod, and not this one. False where either is not known.
bool OfAnotherPod(const OomReport& report, std::string_view pod_uid);
// The same of a container's id.
bool OfAnotherContainer(const OomReport& report, std::string_view container_id);

}  // namespace wrackline::evidence
