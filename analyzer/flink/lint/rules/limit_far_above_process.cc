#include "analyzer/flink/lint/facts.h"
#include "analyzer/flink/lint/pod_facts.h"

namespace wrackline::flink::lint {
namespace {

// A pod keeps some slack for what Flink does not count; a third more is none.
void Check(const Context& context, Findings& findings) {
  const evidence::PodManifest* pod = TaskManagerPod(context);
  if (pod == nullptr || !pod->memory_limit || context.memory == nullptr) return;
  const Bytes limit = pod->memory_limit->bytes;
  const Bytes process = context.memory->total_process;
  if (limit.count / 4 * 3 <= process.count || limit - process < 512 * kMiB) return;
  findings.push_back(
      {Severity::kInfo, "", At(*pod, pod->memory_limit->at),
       "The pod's limit is " + FormatBytes(limit) + ", the TaskManager's process size only " +
           FormatBytes(process),
       FormatBytes(limit - process) +
           " of the limit are given to no component: only page cache and what Flink does not "
           "count can use them.",
       "Raise taskmanager.memory.process.size, or lower the limit and the request to " +
           QuantityText(process) + " and what native memory needs beside it."});
}

}  // namespace

extern const Rule kLimitFarAboveProcess;
const Rule kLimitFarAboveProcess{
    .id = "limit-far-above-process",
    .severity = Severity::kInfo,
    .title = "A process size far below the pod's limit",
    .explanation =
        "Memory between the process size and the pod's limit is slack: native memory that Flink "
        "does not count may use it, and the page cache. More than a quarter of the limit is rarely "
        "meant: Flink's heap, managed and network memory do not grow into it.",
    .wrong = {.config = "taskmanager.memory.process.size: 2g\n",
              .manifest = "apiVersion: v1\nkind: Pod\nspec:\n  containers:\n  - name: taskmanager\n"
                          "    image: flink:1.20.1\n    args: [taskmanager]\n    resources:\n"
                          "      limits:\n        memory: 4Gi\n"},
    .right = {.config = "taskmanager.memory.process.size: 3584m\n",
              .manifest = "apiVersion: v1\nkind: Pod\nspec:\n  containers:\n  - name: taskmanager\n"
                          "    image: flink:1.20.1\n    args: [taskmanager]\n    resources:\n"
                          "      limits:\n        memory: 4Gi\n"},
    .check = Check,
};

}  // namespace wrackline::flink::lint
