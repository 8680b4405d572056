// What is gathered of a process, one function a source. Each takes what it finds and notes what it does not (collection.h); none fails.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "analyzer/collect/collection.h"
#include "analyzer/collect/target.h"
#include "lib/units/bytes.h"

namespace wrackline::collect {

// /proc/PID, and in brief the other processes of its cgroup.
void TakeProcess(const Target& target, Collection* collection);
// The kernel's files of its memory cgroup and of those above it, up to the pod.
void TakeCgroups(const Target& target, Collection* collection);
// What the kernel wrote of OOM kills, with its stamps: of its cgroup and pod and of the whole machine's; where it is not known how the
// kernel names its cgroup, of all.
void TakeKernelLog(const Target& target, Collection* collection);
// Those lines of a kernel log. `cgroup`: the kernel's path; empty: all.
std::string OomLines(std::string_view log, std::string_view cgroup);

// Recorder files, packed, of these folders and of WRACKLINE_OUT; the newest sixteen.
void TakeRecordings(const Target& target, const std::vector<std::string>& folders,
                    Collection* collection);

// hsperfdata, and what the VM says when it is asked. `threads`: also every thread's stack.
void TakeVm(const Target& target, bool threads, std::chrono::milliseconds patience,
            Collection* collection);
// hs_err files and GC logs, as the VM's options name them; the last `most` bytes of each.
void TakeVmFiles(const Target& target, Bytes most, Collection* collection);

// Flink's conf folder. Returns the ports of its Prometheus reporter, in the order to try.
std::vector<int> TakeFlinkConfiguration(const Target& target, Collection* collection);
// Flink's log files, and those of `folders`; the last `most` bytes of each.
void TakeLogs(const Target& target, const std::vector<std::string>& folders, Bytes most,
              Collection* collection);

// The answer of `url`, 64 MiB at most. Errors: not this machine's own loopback, unless `any_host`; no answer.
Result<std::string> Scrape(const std::string& url, bool any_host);
// True for http://127.x.x.x, http://localhost and http://[::1].
bool IsLoopback(const std::string& url);

// The files of the downward API: labels, annotations, resource limits.
void TakePodInfo(const Target& target, const std::vector<std::string>& folders,
                 Collection* collection);

}  // namespace wrackline::collect
