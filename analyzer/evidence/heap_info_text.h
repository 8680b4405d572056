// What jcmd and jmap print of a VM's memory besides Native Memory Tracking:
//
//   jcmd PID GC.heap_info            the heap by part; metaspace (to JDK 24)
//   jcmd PID VM.metaspace [basic]    metaspace and class space
//   jcmd PID Compiler.codecache      the code cache by part
//   jmap -heap PID, jhsdb jmap --heap   the heap of JDK 8 and later
//   jcmd PID GC.class_histogram      recognised: live objects, no memory of its own
//
// G1, Serial, Parallel, CMS, ZGC, Shenandoah; JDK 8 to 25. A fatal error log prints the same lines. Pure; any thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "analyzer/evidence/evidence.h"
#include "analyzer/evidence/source.h"
#include "lib/base/result.h"

namespace wrackline::evidence {

struct HeapText {
  JvmFigures figures;  // without a time
  std::string collector;
  std::vector<VmRange> ranges;  // "Java Heap", "Code"
  std::optional<Bytes> max_metaspace, compressed_class_space, reserved_code_cache;
  std::optional<Bytes> histogram;  // of live objects

  bool Empty() const;
};

HeapText ParseHeapText(std::string_view text);

// Adds what a text says to what is known of the VM.
void AddHeapText(HeapText text, Time time, const std::string& file, Jvm* vm);

bool IsHeapText(const SourceFile& file);
Result<std::string> AddHeapInfo(const SourceFile& file, Evidence* evidence);

}  // namespace wrackline::evidence
