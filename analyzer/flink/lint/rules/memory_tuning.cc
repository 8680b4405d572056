#include <algorithm>
#include <cctype>

#include "analyzer/flink/lint/facts.h"

namespace wrackline::flink::lint {
namespace {

// The key that is true, under its name or the one it had with older operators.
std::string TrueKey(const Context& context, std::string_view key) {
  for (const std::string& name : {std::string(key), "kubernetes.operator." + std::string(key)}) {
    std::string value = context.configuration.Get(name).value_or("");
    std::transform(value.begin(), value.end(), value.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    if (value == "true") return name;
  }
  return "";
}

void Check(const Context& context, Findings& findings) {
  const std::string tuning = TrueKey(context, "job.autoscaler.memory.tuning.enabled");
  if (tuning.empty()) return;
  if (TrueKey(context, "job.autoscaler.enabled").empty()) {
    findings.push_back({Severity::kInfo, "", context.ValueOf(tuning),
                        "Memory tuning without the autoscaler does nothing",
                        "The operator tunes memory when the autoscaler rescales the job.",
                        "Set job.autoscaler.enabled: true, or delete the key."});
    return;
  }
  std::string named;
  for (const std::string_view key :
       {"taskmanager.memory.process.size", "taskmanager.memory.flink.size",
        "taskmanager.memory.task.heap.size", "taskmanager.memory.managed.size",
        "taskmanager.memory.managed.fraction", "taskmanager.memory.network.min",
        "taskmanager.memory.network.max", "taskmanager.memory.jvm-metaspace.size",
        "taskmanager.memory.framework.heap.size"}) {
    if (context.configuration.Contains(key))
      named += (named.empty() ? "" : ", ") + std::string(key);
  }
  findings.push_back(
      {Severity::kWarning, "", context.ValueOf(tuning),
       "The operator's memory tuning replaces the sizes of this configuration" +
           (named.empty() ? "" : ": " + named),
       "After a rescale it writes process size, managed fraction, network minimum and maximum, "
       "metaspace and overhead fraction anew and drops task heap, Flink and managed size. It takes "
       "the process size as the most it may give, lowers what it measured as unused, and never "
       "raises overhead or task off-heap: native memory may lose what it needs.",
       "Switch it off (job.autoscaler.memory.tuning.enabled: false), or leave only the process "
       "size "
       "and give native memory its room in jvm-overhead or task.off-heap, which are kept."});
}

}  // namespace

extern const Rule kMemoryTuning;
const Rule kMemoryTuning{
    .id = "memory-tuning",
    .severity = Severity::kWarning,
    .title = "The Kubernetes operator's memory tuning beside sizes set by hand",
    .explanation =
        "job.autoscaler.memory.tuning.enabled lets Flink's Kubernetes operator write the "
        "TaskManager's memory keys itself whenever the autoscaler acts. Sizes set by hand are "
        "then the beginning, not the truth.",
    .wrong = {.config =
                  "taskmanager.memory.process.size: 4g\n"
                  "taskmanager.memory.managed.fraction: 0.6\n"
                  "job.autoscaler.enabled: true\njob.autoscaler.memory.tuning.enabled: true\n"},
    .right = {.config = "taskmanager.memory.process.size: 4g\n"
                        "taskmanager.memory.managed.fraction: 0.6\n"
                        "job.autoscaler.enabled: true\n"},
    .check = Check,
};

}  // namespace wrackline::flink::lint
