#include "analyzer/flink/lint/pod_facts.h"

namespace wrackline::flink::lint {
namespace {

void Check(const Context& context, Findings& findings) {
  const evidence::PodManifest* pod = FlinkPod(context);
  if (pod == nullptr || pod->FlinkMakesThePod() || pod->memory_limit) return;
  findings.push_back(
      {Severity::kWarning, "", ResourcesOf(*pod),
       "Container " + pod->container->name + " has no memory limit",
       "It may use the node's whole memory; when the node runs short the kernel or the kubelet "
       "ends pods of its choice, and those without a limit first.",
       "Write resources.limits.memory, and the same amount in resources.requests.memory."});
}

}  // namespace

extern const Rule kNoPodLimit;
const Rule kNoPodLimit{
    .id = "no-pod-limit",
    .severity = Severity::kWarning,
    .title = "A Flink container without a memory limit",
    .explanation =
        "Without a limit nothing holds the process's native memory, and the pod has the lowest "
        "class of service (BestEffort or Burstable): it is ended first when the node runs short. "
        "A limit turns a leak into an end of this pod alone, at a known size.",
    .wrong = {.config = "taskmanager.memory.process.size: 4g\n",
              .manifest = "apiVersion: v1\nkind: Pod\nspec:\n  containers:\n  - name: taskmanager\n"
                          "    image: flink:1.20.1\n    args: [taskmanager]\n"},
    .right = {.config = "taskmanager.memory.process.size: 4g\n",
              .manifest = "apiVersion: v1\nkind: Pod\nspec:\n  containers:\n  - name: taskmanager\n"
                          "    image: flink:1.20.1\n    args: [taskmanager]\n    resources:\n"
                          "      limits:\n        memory: 4Gi\n"},
    .check = Check,
};

}  // namespace wrackline::flink::lint
