// The VM's log of its garbage collector: the heap before and after each collection.
//
//   [2026-11-28T20:53:23.328+0000][0.242s][info][gc] GC(12) Pause Young (Normal) (G1 Evacuation Pause) 91M->45M(96M) 0.508ms
//   2026-11-28T20:53:23.328+0000: 1.234: [Full GC (Ergonomics) [PSYoungGen: ...] 20000K->19900K(125952K), ... secs]
//
// Unified logging (JDK 9 and later; -Xlog:gc or gc*, any decorations or none) of G1, Serial, Parallel, CMS, ZGC with and without
// generations, Shenandoah; and -XX:+PrintGCDetails of JDK 8. The heap after a full collection is what the program really keeps.
// Pure; any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "analyzer/evidence/evidence.h"
#include "analyzer/evidence/source.h"
#include "lib/base/result.h"

namespace wrackline::evidence {

struct GcPoint {
  std::optional<Time> time;
  Bytes before, after;
  std::optional<Bytes> capacity;  // ZGC does not say it here
  bool full = false;
  std::uint64_t collections = 0;  // to this one
};

struct GcLog {
  std::vector<GcPoint> points;  // as logged; of a very long log every second, fourth, ...
  std::uint64_t collections = 0, full = 0;
  std::string collector, vm_version;
  std::optional<Bytes> max_heap;
  std::optional<Bytes> metaspace_used, metaspace_committed;  // the last
};

// `end`: when the log was last written, which dates lines that have the VM's uptime only.
GcLog ParseGcLog(std::string_view text, Time end);

bool IsGcLog(const SourceFile& file);
// Also takes the OutOfMemoryErrors of the log. A VM that was asked from inside keeps those figures.
Result<std::string> AddGcLog(const SourceFile& file, Evidence* evidence);

}  // namespace wrackline::evidence
