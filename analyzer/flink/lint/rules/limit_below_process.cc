#include "analyzer/flink/lint/facts.h"
#include "analyzer/flink/lint/pod_facts.h"

namespace wrackline::flink::lint {
namespace {

void Check(const Context& context, Findings& findings) {
  const evidence::PodManifest* pod = TaskManagerPod(context);
  if (pod == nullptr || !pod->memory_limit || context.memory == nullptr) return;
  const Bytes limit = pod->memory_limit->bytes;
  Bytes process = context.memory->total_process;
  // Flink's own limit is in whole MiB, of a process that need not be.
  if (pod->FlinkMakesThePod()) process = Bytes{process.count / kMiB.count * kMiB.count};
  if (process <= limit) return;
  findings.push_back(
      {Severity::kError, "", At(*pod, pod->memory_limit->at),
       "The pod's limit is " + FormatBytes(limit) + ", the TaskManager's process size " +
           FormatBytes(process),
       "Flink hands out " + FormatBytes(process - limit) +
           " more than the kernel lets the pod have: once the memory is used the pod is killed, "
           "however healthy the heap is.",
       "Set the limit to at least " + QuantityText(process) +
           ", or taskmanager.memory.process.size to " + std::to_string(limit.count / kMiB.count) +
           "m or less."});
}

}  // namespace

extern const Rule kLimitBelowProcess;
const Rule kLimitBelowProcess{
    .id = "limit-below-process",
    .severity = Severity::kError,
    .title = "A process size above the pod's limit",
    .explanation =
        "Flink divides the process size among its components and trusts that it may use all of "
        "it. A container's limit below it makes the kernel kill the pod when the memory is used. "
        "Where Flink makes the pod itself (native Kubernetes, its operator) the limit follows from "
        "the process size.",
    .wrong = {.config = "taskmanager.memory.process.size: 4g\n",
              .manifest = "apiVersion: v1\nkind: Pod\nspec:\n  containers:\n  - name: taskmanager\n"
                          "    image: flink:1.20.1\n    args: [taskmanager]\n    resources:\n"
                          "      limits:\n        memory: 4G\n"},
    .right = {.config = "taskmanager.memory.process.size: 4g\n",
              .manifest = "apiVersion: v1\nkind: Pod\nspec:\n  containers:\n  - name: taskmanager\n"
                          "    image: flink:1.20.1\n    args: [taskmanager]\n    resources:\n"
                          "      limits:\n        memory: 4Gi\n"},
    .check = Check,
};

}  // namespace wrackline::flink::lint
