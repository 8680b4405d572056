#include "analyzer/flink/lint/pod_facts.h"

namespace wrackline::flink::lint {
namespace {

void Check(const Context& context, Findings& findings) {
  if (context.pod == nullptr) return;
  for (const evidence::ManifestSetting& setting : context.pod->settings) {
    if (setting.ignored.empty()) continue;
    findings.push_back({Severity::kWarning, "", At(*context.pod, setting.value_at),
                        setting.key + " of the environment does not reach Flink",
                        "It is not read: " + setting.ignored + ".",
                        "Write " + setting.key + " into the ConfigMap, or as -D" + setting.key +
                            "=" + setting.value + " behind the container's arguments."});
  }
}

}  // namespace

extern const Rule kPropertiesIgnored;
const Rule kPropertiesIgnored{
    .id = "properties-ignored",
    .severity = Severity::kWarning,
    .title = "FLINK_PROPERTIES that nobody reads",
    .explanation =
        "FLINK_PROPERTIES is read by the entry point of Flink's image, which writes it into the "
        "configuration file. Where the container has a command of its own, or the conf folder is "
        "a ConfigMap (which nobody can write), it has no effect.",
    .wrong = {.config = "taskmanager.memory.process.size: 4g\n",
              .manifest = "apiVersion: v1\nkind: Pod\nspec:\n  containers:\n  - name: taskmanager\n"
                          "    image: flink:1.20.1\n    command: [bin/taskmanager.sh, "
                          "start-foreground]\n    env:\n    - name: FLINK_PROPERTIES\n"
                          "      value: \"taskmanager.numberOfTaskSlots: 4\"\n"},
    .right = {.config = "taskmanager.memory.process.size: 4g\n",
              .manifest = "apiVersion: v1\nkind: Pod\nspec:\n  containers:\n  - name: taskmanager\n"
                          "    image: flink:1.20.1\n    args: [taskmanager]\n    env:\n"
                          "    - name: FLINK_PROPERTIES\n"
                          "      value: \"taskmanager.numberOfTaskSlots: 4\"\n"},
    .check = Check,
};

}  // namespace wrackline::flink::lint
