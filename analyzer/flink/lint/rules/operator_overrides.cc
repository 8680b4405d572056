#include "analyzer/flink/lint/pod_facts.h"
#include "analyzer/flink/memory_size.h"

namespace wrackline::flink::lint {
namespace {

using Source = evidence::ManifestSetting::Source;

void Check(const Context& context, Findings& findings) {
  if (context.pod == nullptr) return;
  const evidence::PodManifest& pod = *context.pod;
  for (const std::string_view key :
       {"taskmanager.memory.process.size", "jobmanager.memory.process.size"}) {
    const evidence::ManifestSetting* wins = pod.Find(key);
    if (wins == nullptr || wins->source != Source::kOperatorResource) continue;
    const std::string manager = key.starts_with("task") ? "taskManager" : "jobManager";
    const auto say = [&](const Location& at, const std::string& value) {
      const auto theirs = ParseMemorySize(value);
      const auto ours = ParseMemorySize(wins->value);
      const bool same = theirs.ok() && ours.ok() && theirs.value() == ours.value();
      std::string message(key);
      message.append(": ").append(value).append(" does not count: spec.").append(manager);
      message.append("'s memory makes it ").append(wins->value);
      findings.push_back({same ? Severity::kInfo : Severity::kWarning, "", at, std::move(message),
                          "The operator writes the amount of spec." + manager +
                              " over the key of flinkConfiguration.",
                          "Keep one of the two; spec." + manager + " at line " +
                              std::to_string(wins->value_at.line) + " is the one that wins."});
    };
    for (const evidence::ManifestSetting& setting : pod.settings) {
      if (setting.key == key && setting.source == Source::kFlinkConfiguration)
        say(At(pod, setting.key_at), setting.value);
    }
  }
}

}  // namespace

extern const Rule kOperatorOverrides;
const Rule kOperatorOverrides{
    .id = "operator-overrides",
    .severity = Severity::kWarning,
    .title = "A process size in flinkConfiguration beside spec.taskManager's memory",
    .explanation =
        "Flink's Kubernetes operator sets taskmanager.memory.process.size from "
        "spec.taskManager.resource (or resources), and the JobManager's from spec.jobManager; what "
        "flinkConfiguration says is lost.",
    .wrong = {.config = "taskmanager.numberOfTaskSlots: 1\n",
              .manifest = "apiVersion: flink.apache.org/v1beta1\nkind: FlinkDeployment\n"
                          "metadata: {name: orders}\nspec:\n  image: flink:1.20.1\n"
                          "  flinkVersion: v1_20\n  flinkConfiguration:\n"
                          "    taskmanager.memory.process.size: 8g\n  taskManager:\n"
                          "    resource: {memory: 4g, cpu: 1}\n"},
    .right = {.config = "taskmanager.numberOfTaskSlots: 1\n",
              .manifest = "apiVersion: flink.apache.org/v1beta1\nkind: FlinkDeployment\n"
                          "metadata: {name: orders}\nspec:\n  image: flink:1.20.1\n"
                          "  flinkVersion: v1_20\n  taskManager:\n"
                          "    resource: {memory: 4g, cpu: 1}\n"},
    .check = Check,
};

}  // namespace wrackline::flink::lint
