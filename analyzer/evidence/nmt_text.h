// The VM's Native Memory Tracking as text: jcmd PID VM.native_memory summary | detail | summary.diff | detail.diff, in any scale.
//
//   Total: reserved=912718KB, committed=378390KB
//   -                    Thread (reserved=72906KB, committed=7046KB)
//                               (stack: reserved=72704KB, committed=6844KB)
//                               (malloc=202KB #430)
//
// It is the VM's own account: what a JNI library (RocksDB) allocates is not in it, and "committed" is not "resident". JDK 11 to 25;
// also the section of a fatal error log, and what -XX:+PrintNMTStatistics prints at the end. Pure; any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "analyzer/evidence/evidence.h"
#include "analyzer/evidence/source.h"
#include "lib/base/result.h"

namespace wrackline::evidence {

struct NmtReport {
  // Native memory, threads, classes, metaspace and class space; without a time.
  JvmFigures figures;
  std::vector<VmRange> ranges;       // of a detailed report
  std::vector<JvmNativeSite> sites;  // of a detailed report, largest first
  std::uint64_t sites_dropped = 0;   // smaller ones, that were not kept
  std::string unit;                  // "KB", "MB", "GB"; empty: bytes
  bool comparison = false;
  int reports = 1;  // in the text: this is the last of them
};

// The last report of `text`. Errors: no report is in it; the VM does not track.
Result<NmtReport> ParseNmt(std::string_view text);

bool IsNmt(const SourceFile& file);
Result<std::string> AddNmt(const SourceFile& file, Evidence* evidence);

}  // namespace wrackline::evidence
