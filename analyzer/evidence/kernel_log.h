// The kernel's report of an OOM kill, in the text of its log. Hostile input: any process can write
// lines into it (/dev/kmsg), so nothing is trusted beyond its form, and what does not parse stays
// empty. What is read, in which forms: docs/evidence-kernel.md.
//
//   std::optional<KernelKill> kill = ChooseKernelKill(log, {.pid = 4711});
//   kill->report->oom_cgroup, kill->anon_rss
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "analyzer/evidence/evidence.h"
#include "analyzer/evidence/source.h"

namespace wrackline::evidence {

// Every report that killed, in the order in which they began; of a longer log the last 1,024. Of several victims of one report (a
// group's) it names the first java, else the first.
std::vector<KernelKill> AllKernelKills(std::string_view log);

// Whose kill is meant; empty fields say nothing.
struct KillChoice {
  std::uint32_t pid = 0;
  std::string cgroup_path;                 // task_memcg ends with it; "/" says nothing
  std::vector<std::string> container_ids;  // a part of a path of the report: ids, a pod's uid
  std::string pod_uid = {};                // a kill of another pod is not meant
};

// The last kill of that pid; else the last of that container; else the last of that cgroup.
std::optional<KernelKill> FindKernelKill(std::string_view log, const KillChoice& choice);
// As FindKernelKill; when nothing there matches: the last java that was killed, else the last of all; none of another pod's where
// its uid is known.
std::optional<KernelKill> ChooseKernelKill(std::string_view log, const KillChoice& choice);

// FindKernelKill by pid and cgroup.
std::optional<KernelKill> ParseKernelKill(std::string_view log, std::uint32_t pid,
                                          std::string_view cgroup_path);

// The lines of that kill's report, from "invoked oom-killer" to "Killed process", "oom_reaper"
// included, at most `limit_bytes` (the middle is dropped first). Empty when there is none.
std::string ExtractKernelReport(std::string_view log, std::uint32_t pid,
                                std::string_view cgroup_path, std::size_t limit_bytes = 64 * 1024);

// The state at death by the kernel's own figures: of the group, and of the victim where the task table has it. Nothing when the
// report has neither.
std::optional<TimelinePoint> PointOfDeath(const KernelKill& kill, Time time);

// A file of the kernel's log: one with an OOM report in it, or whose lines wear the kernel's dress.
bool IsKernelLog(const SourceFile& file);
// Adds the kill of the evidence's process; of no process yet, the kill that ChooseKernelKill finds. A log without one is no error.
Result<std::string> AddKernelLog(const SourceFile& file, Evidence* evidence);

}  // namespace wrackline::evidence
