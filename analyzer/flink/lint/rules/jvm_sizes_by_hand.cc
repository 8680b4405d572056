#include "analyzer/flink/lint/facts.h"
#include "analyzer/flink/lint/java_options.h"

namespace wrackline::flink::lint {
namespace {

struct Size {
  std::string_view prefix;
  std::string_view instead;  // the options that decide it
  Bytes (*derived)(const TaskManagerMemory&);
};

constexpr std::string_view kHeapKeys =
    "taskmanager.memory.task.heap.size and taskmanager.memory.framework.heap.size";

const Size kSizes[] = {
    {"-Xmx", kHeapKeys, [](const TaskManagerMemory& m) { return m.JvmHeap(); }},
    {"-XX:MaxHeapSize=", kHeapKeys, [](const TaskManagerMemory& m) { return m.JvmHeap(); }},
    {"-Xms", kHeapKeys, [](const TaskManagerMemory& m) { return m.JvmHeap(); }},
    {"-XX:MaxDirectMemorySize=", "taskmanager.memory.task.off-heap.size",
     [](const TaskManagerMemory& m) { return m.JvmDirect(); }},
    {"-XX:MaxMetaspaceSize=", "taskmanager.memory.jvm-metaspace.size",
     [](const TaskManagerMemory& m) { return m.jvm_metaspace; }},
};

void CheckOption(const Context& context, const JavaOption& option, Findings& findings) {
  for (const Size& size : kSizes) {
    if (!option.text.starts_with(size.prefix)) continue;
    const auto by_hand = ParseJavaSize(option.text.substr(size.prefix.size()));
    const std::string flag(size.prefix.substr(0, size.prefix.find('=')));
    std::string message = option.text + " is set by hand";
    std::string reason = "It stands behind Flink's own " + flag +
                         " on the command line, and the JVM takes the last one.";
    Severity severity = Severity::kWarning;
    if (option.task_manager && context.memory != nullptr && by_hand) {
      const Bytes derived = size.derived(*context.memory);
      if (*by_hand == derived) {
        severity = Severity::kInfo;
        message += ", to what Flink derives anyway";
      } else {
        message +=
            ": Flink derives " + FormatBytes(derived) + ", the JVM gets " + FormatBytes(*by_hand);
        if (*by_hand > derived) {
          reason += " The process may so grow " + FormatBytes(*by_hand - derived) +
                    " beyond its process size.";
        } else {
          reason +=
              " " + FormatBytes(derived - *by_hand) + " that were set aside are used by nobody.";
        }
      }
    }
    findings.push_back({severity, "", option.at, message, reason,
                        option.task_manager
                            ? "Delete it and set " + std::string(size.instead) + "."
                            : std::string("Delete it and set jobmanager.memory.heap.size or "
                                          "jobmanager.memory.off-heap.size.")});
    return;
  }
  if (option.text.starts_with("-XX:MaxRAMPercentage=") ||
      option.text.starts_with("-XX:InitialRAMPercentage=")) {
    findings.push_back({Severity::kWarning, "", option.at, option.text + " has no effect",
                        "Flink always gives -Xmx and -Xms, which win over a percentage.",
                        "Delete it; the heap follows from taskmanager.memory.process.size."});
  }
}

void Check(const Context& context, Findings& findings) {
  for (const JavaOption& option : JavaOptions(context)) CheckOption(context, option, findings);
}

}  // namespace

extern const Rule kJvmSizesByHand;
const Rule kJvmSizesByHand{
    .id = "jvm-sizes-by-hand",
    .severity = Severity::kWarning,
    .title = "-Xmx, MaxDirectMemorySize or MaxMetaspaceSize in env.java.opts",
    .explanation =
        "Flink derives the JVM's sizes and puts them on the command line; env.java.opts* comes "
        "behind them, and the JVM takes the last value of a flag. A size that is set there by hand "
        "breaks the sum that Flink has made: the process outgrows its limit, or memory that was "
        "set "
        "aside is never used. The finding shows both sizes.",
    .wrong = {.config = "taskmanager.memory.process.size: 4g\n"
                        "env.java.opts.taskmanager: -XX:+UseG1GC -Xmx3g\n"},
    .right = {.config = "taskmanager.memory.process.size: 4g\n"
                        "env.java.opts.taskmanager: -XX:+UseG1GC\n"},
    .check = Check,
};

}  // namespace wrackline::flink::lint
