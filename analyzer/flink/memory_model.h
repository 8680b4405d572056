// Flink's memory model of the TaskManager: from a configuration to every component, in bytes, as
// that version derives it.
//
//   Configuration c;
//   c.Set("taskmanager.memory.process.size", "1g");
//   auto memory = DeriveTaskManagerMemory(c, Version{1, 10, 0}, Mode::kStandalone);
//   memory.value().managed     -> 308700779 bytes (294.4 MiB)
//
// The rules, the rounding and how they were checked against real Flink: docs/flink-memory-model.md. Pure;
// thread-safe.
#pragma once

#include <string>
#include <variant>

#include "analyzer/flink/configuration.h"
#include "analyzer/flink/java_exception.h"
#include "analyzer/flink/version.h"
#include "lib/base/result.h"
#include "lib/units/bytes.h"

namespace wrackline::flink {

// Who starts the process: it decides what the legacy keys taskmanager.heap.* mean (before 2.0
// only).
enum class Mode {
  kStandalone,     // start scripts, docker: total Flink memory
  kContainerized,  // YARN, native Kubernetes: total process memory
};

struct TaskManagerMemory {
  Bytes framework_heap;
  Bytes task_heap;
  Bytes framework_off_heap;
  Bytes task_off_heap;
  Bytes network;
  Bytes managed;
  Bytes jvm_metaspace;
  Bytes jvm_overhead;
  Bytes total_flink;    // the first six
  Bytes total_process;  // all eight

  Bytes JvmHeap() const { return framework_heap + task_heap; }  // -Xmx, -Xms
  Bytes JvmDirect() const {
    return framework_off_heap + task_off_heap + network;
  }  // -XX:MaxDirectMemorySize
  // "-Xmx.. -Xms.. -XX:MaxDirectMemorySize=.. -XX:MaxMetaspaceSize=..", as Flink's start scripts
  // get it.
  std::string JvmArguments() const;
};

// The components, or what Flink would throw: its class, its message, its causes.
std::variant<TaskManagerMemory, JavaException> EvaluateTaskManagerMemory(
    const Configuration& configuration, Version version, Mode mode);

// The same with the failure as one line. Errors: whatever Flink refuses; versions older than 1.10.
Result<TaskManagerMemory> DeriveTaskManagerMemory(const Configuration& configuration,
                                                  Version version, Mode mode);

}  // namespace wrackline::flink
