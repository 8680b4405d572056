#include "analyzer/flink/lint/pod_facts.h"

namespace wrackline::flink::lint {
namespace {

void Check(const Context& context, Findings& findings) {
  const evidence::PodManifest* pod = FlinkPod(context);
  if (pod == nullptr || pod->kind != "FlinkDeployment") return;
  for (const auto* amount : {&pod->container->memory_limit, &pod->container->memory_request}) {
    if (!*amount) continue;
    const bool limit = amount == &pod->container->memory_limit;
    const auto& real = limit ? pod->memory_limit : pod->memory_request;
    if (real && real->bytes == (*amount)->bytes) continue;
    findings.push_back(
        {Severity::kWarning, "", At(*pod, (*amount)->at),
         std::string("The pod template's memory ") + (limit ? "limit" : "request") + " of " +
             (*amount)->text + " does not count" +
             (real ? ": the pod gets " + FormatBytes(real->bytes) : ""),
         "Flink sets the memory of its main container itself, from the process size and the limit "
         "factor, over what the template says.",
         limit ? "Set spec.taskManager's memory; for a limit above the process size set "
                 "kubernetes.taskmanager.memory.limit-factor."
               : "Set spec.taskManager's memory."});
  }
}

}  // namespace

extern const Rule kTemplateMemoryIgnored;
const Rule kTemplateMemoryIgnored{
    .id = "template-memory-ignored",
    .severity = Severity::kWarning,
    .title = "Memory in a pod template, which Flink overwrites",
    .explanation =
        "Of a pod template Flink keeps volumes, environment and the rest, but requests and limits "
        "of memory and CPU of flink-main-container are always its own.",
    .wrong = {.config = "taskmanager.numberOfTaskSlots: 1\n",
              .manifest = "apiVersion: flink.apache.org/v1beta1\nkind: FlinkDeployment\n"
                          "metadata: {name: orders}\nspec:\n  image: flink:1.20.1\n"
                          "  flinkVersion: v1_20\n  podTemplate:\n    spec:\n      containers:\n"
                          "      - name: flink-main-container\n"
                          "        resources: {limits: {memory: 6Gi}}\n  taskManager:\n"
                          "    resource: {memory: 4g, cpu: 1}\n"},
    .right = {.config = "taskmanager.numberOfTaskSlots: 1\n",
              .manifest = "apiVersion: flink.apache.org/v1beta1\nkind: FlinkDeployment\n"
                          "metadata: {name: orders}\nspec:\n  image: flink:1.20.1\n"
                          "  flinkVersion: v1_20\n  podTemplate:\n    spec:\n      containers:\n"
                          "      - name: flink-main-container\n  taskManager:\n"
                          "    resource: {memory: 4g, cpu: 1}\n"},
    .check = Check,
};

}  // namespace wrackline::flink::lint
