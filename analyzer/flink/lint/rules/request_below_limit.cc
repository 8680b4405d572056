#include "analyzer/flink/lint/pod_facts.h"

namespace wrackline::flink::lint {
namespace {

void Check(const Context& context, Findings& findings) {
  const evidence::PodManifest* pod = FlinkPod(context);
  if (pod == nullptr || !pod->memory_limit || !pod->memory_request) return;
  const Bytes limit = pod->memory_limit->bytes;
  const Bytes request = pod->memory_request->bytes;
  if (request == limit) return;
  if (request > limit) {
    findings.push_back(
        {Severity::kError, "", At(*pod, pod->memory_request->at),
         "The pod requests " + FormatBytes(request) + ", its limit is " + FormatBytes(limit),
         "Kubernetes refuses a pod whose request exceeds its limit.",
         "Write the same amount in requests and limits."});
    return;
  }
  findings.push_back(
      {Severity::kWarning, "", At(*pod, pod->memory_request->at),
       "The pod requests " + FormatBytes(request) + ", its limit is " + FormatBytes(limit),
       "The scheduler counts the request only: a full node has no memory for the " +
           FormatBytes(limit - request) +
           " above it. A TaskManager keeps what it has taken, so that under pressure this pod is "
           "among the first that the kubelet evicts or the kernel kills (class Burstable).",
       pod->FlinkMakesThePod()
           ? "Set the limit factor to 1.0, or resources.requests.memory to the limit."
           : "Write resources.requests.memory: " + QuantityText(limit) + "."});
}

}  // namespace

extern const Rule kRequestBelowLimit;
const Rule kRequestBelowLimit{
    .id = "request-below-limit",
    .severity = Severity::kError,
    .title = "A memory request that is not the limit",
    .explanation =
        "Flink's memory is used for good: heap, managed and network memory are not given back. "
        "With a request below the limit the node may be filled up until the memory that the limit "
        "promises does not exist. Equal amounts give the pod the class Guaranteed (if the CPU's "
        "are equal too). A request above the limit is refused by Kubernetes.",
    .wrong = {.config = "taskmanager.memory.process.size: 4g\n",
              .manifest =
                  "apiVersion: v1\nkind: Pod\nspec:\n  containers:\n  - name: taskmanager\n"
                  "    image: flink:1.20.1\n    args: [taskmanager]\n    resources:\n"
                  "      requests:\n        memory: 2Gi\n      limits:\n        memory: 4Gi\n"},
    .right = {.config = "taskmanager.memory.process.size: 4g\n",
              .manifest =
                  "apiVersion: v1\nkind: Pod\nspec:\n  containers:\n  - name: taskmanager\n"
                  "    image: flink:1.20.1\n    args: [taskmanager]\n    resources:\n"
                  "      requests:\n        memory: 4Gi\n      limits:\n        memory: 4Gi\n"},
    .check = Check,
};

}  // namespace wrackline::flink::lint
