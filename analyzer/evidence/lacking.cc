#include "analyzer/evidence/lacking.h"

#include <algorithm>

namespace wrackline::evidence {
namespace {

bool IsJava(const Evidence& evidence) {
  return evidence.jvm || evidence.flink || evidence.metrics || evidence.scraped ||
         !evidence.java_errors.empty() || evidence.process.executable == "java" ||
         (evidence.ending.kernel_kill && evidence.ending.kernel_kill->name == "java");
}

bool IsFlink(const Evidence& evidence) {
  return evidence.flink || evidence.metrics || evidence.scraped;
}

bool HasCharge(const Evidence& evidence) {
  return std::any_of(evidence.timeline.begin(), evidence.timeline.end(),
                     [](const TimelinePoint& point) { return point.charge.has_value(); });
}

bool HasNativeMemory(const Evidence& evidence) {
  return evidence.jvm && std::any_of(evidence.jvm->figures.begin(), evidence.jvm->figures.end(),
                                     [](const JvmFigures& f) { return !f.native_memory.empty(); });
}

// Somebody already knows why and how it ended.
bool EndKnown(const Evidence& evidence) {
  const Ending& ending = evidence.ending;
  return ending.kernel_kill || ending.still_running || ending.Clean() || ending.stopped_at_limit ||
         ending.signal || ending.exit_status;
}

}  // namespace

std::vector<Lack> WhatLacks(const Evidence& evidence) {
  std::vector<Lack> lacks;
  const bool java = IsJava(evidence), recorded = evidence.recorded;
  const auto lack = [&](bool missing, const char* kind, const char* title, const char* why,
                        const char* how) {
    if (missing) lacks.push_back({kind, title, why, how});
  };
  lack(!recorded, "recording", "a recording",
       "which call sites and threads allocated native memory, up to the last 100 ms",
       "start the process with LD_PRELOAD=libwrackline_preload.so and WRACKLINE_OUT on a volume "
       "that "
       "outlives the container");
  lack(
      !HasCharge(evidence), "cgroup", "the memory cgroup's files",
      "what the kernel compares with the limit, and how much of it is page cache",
      "kubectl exec POD -- sh -c 'cd /sys/fs/cgroup; for f in memory.*; do echo \"== $f\"; cat $f; "
      "done' > cgroup.txt");
  lack(!evidence.limit, "limit", "the memory limit", "how far from a kill it was",
       "kubectl get pod POD -o yaml > pod.yaml, or --limit SIZE");
  lack(!recorded && (!evidence.jvm || evidence.jvm->resident.empty()) && !evidence.allocator,
       "smaps", "the process's smaps",
       "what is resident: heap, metaspace, stacks, the allocator's arenas",
       "kubectl exec POD -- cat /proc/PID/smaps > smaps.txt");
  lack(java && !HasNativeMemory(evidence), "native_memory_tracking",
       "the JVM's Native Memory Tracking", "what the VM itself allocated, by category",
       "start Java with -XX:NativeMemoryTracking=summary, then jcmd PID VM.native_memory summary > "
       "nmt.txt");
  lack(IsFlink(evidence) && !evidence.rocksdb, "rocksdb", "RocksDB's figures",
       "memtables, block cache and table readers, each counted once",
       "record with the preload, or set state.backend.rocksdb.metrics.block-cache-usage and "
       "size-all-mem-tables and save curl http://TASKMANAGER:9249/metrics > metrics.prom");
  lack(!evidence.allocator || (!evidence.allocator->in_use && !evidence.allocator->committed),
       "allocator", "the allocator's statistics",
       "how much memory the allocator keeps that the program has freed",
       "the preload records them; jemalloc alone writes them at exit with "
       "MALLOC_CONF=stats_print:true");
  lack(!recorded && evidence.sites.empty(), "heap_profile", "a heap profile",
       "which code holds native memory, where no recording can be made",
       "jemalloc with MALLOC_CONF=prof:true,lg_prof_interval:30, and its newest .heap file");
  lack(!EndKnown(evidence), "kernel_log", "the kernel's log",
       "whether the kernel killed it, which limit ran out and what every process held",
       "on the node: dmesg -T > dmesg.txt, or journalctl -k > kernel.log");
  lack(!recorded && !evidence.pod && !evidence.yarn && !evidence.ending.still_running, "pod_status",
       "the pod's status", "the exit code and reason of the last end, restarts and probes",
       "kubectl get pod POD -o yaml > pod.yaml; kubectl get events > events.txt");
  lack(IsFlink(evidence) && (!evidence.flink || !evidence.flink->budgets), "flink_config",
       "Flink's configuration or the TaskManager's log",
       "what each part of memory was meant to have, and a proposal that fits",
       "kubectl exec POD -- cat /opt/flink/conf/config.yaml > config.yaml; kubectl logs POD > "
       "tm.log");
  return lacks;
}

}  // namespace wrackline::evidence
