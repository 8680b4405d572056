// The VM's fatal error log, hs_err_pidN.log: why it ended, and its memory at that moment.
//
//   # There is insufficient memory for the Java Runtime Environment to continue.
//   # Native memory allocation (mmap) failed to map 114688 bytes. Error detail: committing reserved memory.
//
// Besides the cause: thread and frame, versions, command line, heap, metaspace, code cache, Native Memory Tracking where it was on, the
// process's resident set (JDK 17 and later) and what the VM read of its cgroup. JDK 8 to 25. Pure; any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "analyzer/evidence/evidence.h"
#include "analyzer/evidence/heap_info_text.h"
#include "analyzer/evidence/nmt_text.h"
#include "analyzer/evidence/source.h"
#include "lib/base/result.h"

namespace wrackline::evidence {

struct FatalError {
  JavaError error;
  std::string java_version, vm_name, vm_version, collector, command_line;
  std::optional<std::uint32_t> pid;
  std::optional<Time> time;  // where its time zone is UTC
  std::optional<Bytes> max_heap, max_direct, max_metaspace;
  HeapText heap;
  std::optional<NmtReport> native_memory;
  std::optional<Bytes> resident, resident_anonymous;
  // Of the container, as the VM read it; absent where there is none.
  std::optional<Bytes> limit, usage, usage_peak;
};

// Errors: no fatal error is in it.
Result<FatalError> ParseHsErr(std::string_view text);

bool IsHsErr(const SourceFile& file);
Result<std::string> AddHsErr(const SourceFile& file, Evidence* evidence);

}  // namespace wrackline::evidence
