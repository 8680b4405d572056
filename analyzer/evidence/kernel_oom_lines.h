// The single lines of the kernel's OOM report, without their dress (kernel_log_dress.h).
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "analyzer/evidence/kernel_oom.h"
#include "analyzer/evidence/kernel_reports.h"

namespace wrackline::evidence {

// "NkB" behind `key`, in bytes; nothing for the number by which the kernel says "no limit".
std::optional<Bytes> KilobytesAfter(std::string_view line, std::string_view key);

// "Memory cgroup out of memory: Killed process N (NAME) total-vm:...", "Killed process N, UID N, (NAME) ...", and before 5.0 also
// "Kill process N (NAME) score S or sacrifice child"; a kubelet's "victim process: NAME, pid: N".
std::optional<OomVictim> ParseVictim(std::string_view line);

// "oom-kill:constraint=CONSTRAINT_MEMCG,...,oom_memcg=/A,task_memcg=/A/B,task=NAME,pid=N,uid=N"
struct OomKillLine {
  OomConstraint constraint = OomConstraint::kUnknown;
  std::string_view oom_cgroup, task_cgroup, task;
  std::optional<std::uint32_t> pid;
};
std::optional<OomKillLine> ParseOomKillLine(std::string_view line);

// "memory: usage NkB, limit NkB, failcnt N" and the lines "swap:", "memory+swap:" and "kmem:" of the same form.
bool ParseUsageLine(std::string_view line, OomReport* report);

// "key value" in bytes or counts (one line a key), or "cache:NKB rss:NKB ..." (all on one line, before 5.2). False: neither.
bool ParseStatsPair(std::string_view line, OomGroupStats* stats);
void AddStatsLine(std::string_view figures, OomGroupStats* stats);

// The task table: what its header says of the columns behind "[ pid ]"; empty: not a header.
std::vector<std::string_view> ParseTableHeader(std::string_view line);
// A row under that header. Nothing: not a row.
std::optional<OomTask> ParseTableRow(std::string_view line,
                                     const std::vector<std::string_view>& columns);

}  // namespace wrackline::evidence
