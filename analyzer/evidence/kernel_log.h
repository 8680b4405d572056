// The kernel's report of an OOM kill, in the text of its log. Hostile input: any process can write
// lines into it (/dev/kmsg), so nothing is trusted beyond its form, and what does not parse stays
// empty.
//
// Forms (FIELD notes; mm/oom_kill.c and mm/memcontrol.c of Linux 4.x to 6.x):
//   NAME invoked oom-killer: gfp_mask=...
//   memory: usage NkB, limit NkB, failcnt N
//   oom-kill:constraint=...,oom_memcg=/A,task_memcg=/A/B,task=NAME,pid=N,uid=N
//   Memory cgroup out of memory: Killed process N (NAME) total-vm:NkB, anon-rss:NkB, file-rss:NkB,
//   shmem-rss:NkB, ... Memory cgroup out of memory: Kill process N (NAME) score S or sacrifice
//   child          before 5.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "analyzer/evidence/evidence.h"

namespace wrackline::evidence {

// The last kill in `log` of process `pid`, or, when none names it (another pid namespace), of a
// process whose task_memcg ends with `cgroup_path` (not empty and not "/").
std::optional<KernelKill> ParseKernelKill(std::string_view log, std::uint32_t pid,
                                          std::string_view cgroup_path);

// The lines of that kill's report, from "invoked oom-killer" to "Killed process", "oom_reaper"
// included, at most `limit_bytes` (the middle is dropped first). Empty when there is none.
std::string ExtractKernelReport(std::string_view log, std::uint32_t pid,
                                std::string_view cgroup_path, std::size_t limit_bytes = 64 * 1024);

}  // namespace wrackline::evidence
