// Flink's memory model of the JobManager, since 1.11: from a configuration to every component, in bytes. As memory_model.h does
// for the TaskManager; the same rules and sources. Pure; thread-safe.
#pragma once

#include <string>
#include <variant>

#include "analyzer/flink/configuration.h"
#include "analyzer/flink/java_exception.h"
#include "analyzer/flink/memory_model.h"
#include "analyzer/flink/version.h"
#include "lib/base/result.h"
#include "lib/units/bytes.h"

namespace wrackline::flink {

struct JobManagerMemory {
  Bytes heap;      // -Xmx, -Xms
  Bytes off_heap;  // direct memory and native code
  Bytes jvm_metaspace;
  Bytes jvm_overhead;
  Bytes total_flink;    // the first two
  Bytes total_process;  // all four
  // jobmanager.memory.enable-jvm-direct-memory-limit: `off_heap` is -XX:MaxDirectMemorySize then.
  bool direct_limit = false;

  std::string JvmArguments() const;
};

// The components, or what Flink would throw. Before 2.0 jobmanager.heap.* stand for the heap (kStandalone) or for the process
// (kContainerized).
std::variant<JobManagerMemory, JavaException> EvaluateJobManagerMemory(
    const Configuration& configuration, Version version, Mode mode);

// The same with the failure as one line. Errors: whatever Flink refuses; versions older than 1.11, whose JobManager has no
// memory model.
Result<JobManagerMemory> DeriveJobManagerMemory(const Configuration& configuration, Version version,
                                                Mode mode);

}  // namespace wrackline::flink
