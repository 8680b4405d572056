#include "analyzer/evidence/pod_manifest.h"
#include "analyzer/flink/lint/facts.h"

namespace wrackline::flink::lint {
namespace {

void Check(const Context& context, Findings& findings) {
  if (context.memory == nullptr || IsSet(context, options::kProcessSize)) return;
  const bool flink = IsSet(context, options::kFlinkSize);
  if (!flink && !IsSet(context, options::kTaskHeap)) return;
  const TaskManagerMemory& memory = *context.memory;
  // A pod that holds all of it is right; one that does not, limit-below-process names.
  if (context.pod != nullptr && context.pod->memory_limit) return;
  findings.push_back(
      {Severity::kInfo, "", context.ValueOf(flink ? options::kFlinkSize : options::kTaskHeap),
       "Metaspace and JVM overhead come on top: the process takes " +
           FormatBytes(memory.total_process) + ", not " + FormatBytes(memory.total_flink),
       "A pod whose limit is Flink's memory alone is killed: " + FormatBytes(memory.jvm_metaspace) +
           " of metaspace and " + FormatBytes(memory.jvm_overhead) +
           " for threads, code and the allocator are outside it.",
       "In a container write taskmanager.memory.process.size with the pod's limit; or give the pod "
       "at "
       "least " +
           std::to_string((memory.total_process.count + (1 << 20) - 1) >> 20) + "Mi."});
}

}  // namespace

extern const Rule kFlinkSizeWithoutOverhead;
const Rule kFlinkSizeWithoutOverhead{
    .id = "flink-size-without-overhead",
    .severity = Severity::kInfo,
    .title = "taskmanager.memory.flink.size, which a pod's limit must exceed",
    .explanation =
        "taskmanager.memory.flink.size leaves out metaspace and JVM overhead. It suits a machine "
        "of "
        "its own; in a pod the limit must hold the whole process, which the finding names.",
    .wrong = {.config = "taskmanager.memory.flink.size: 4g\n"},
    .right = {.config = "taskmanager.memory.process.size: 4g\n"},
    .check = Check,
};

}  // namespace wrackline::flink::lint
