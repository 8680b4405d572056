#include "analyzer/flink/lint/facts.h"
#include "analyzer/flink/lint/pod_facts.h"

namespace wrackline::flink::lint {
namespace {

void Check(const Context& context, Findings& findings) {
  // The JobManager writes every size that it derived as an argument of the pods that it makes.
  const evidence::PodManifest* pod = TaskManagerPod(context);
  if (pod != nullptr && pod->starter == evidence::FlinkStarter::kNative) return;
  const bool process = IsSet(context, options::kProcessSize);
  const bool flink = IsSet(context, options::kFlinkSize);
  const bool heap = IsSet(context, options::kTaskHeap);
  const bool explicit_parts = heap && IsSet(context, options::kManagedSize);
  if (process && (flink || explicit_parts)) {
    const Option& inner = flink ? options::kFlinkSize : options::kTaskHeap;
    const std::string parts = flink ? std::string(options::kFlinkSize.key)
                                    : std::string(options::kTaskHeap.key) + " and " +
                                          std::string(KeyOf(context, options::kManagedSize));
    std::string reason =
        "Flink's memory is fixed from both sides, so that the JVM overhead becomes "
        "the rest and taskmanager.memory.jvm-overhead.fraction counts no more.";
    if (context.memory != nullptr)
      reason += " Here it gets " + FormatBytes(context.memory->jvm_overhead) +
                "; any other size that changes makes it leave its range, and Flink refuses.";
    findings.push_back({Severity::kWarning, "", context.ValueOf(inner),
                        std::string(options::kProcessSize.key) + " is set together with " + parts,
                        reason,
                        "Delete " + parts + " and keep " + std::string(options::kProcessSize.key) +
                            ", or the reverse."});
  }
  if (flink && explicit_parts) {
    std::string reason = "The network memory becomes the rest of the three sizes.";
    if (context.memory != nullptr)
      reason += " Here it gets " + FormatBytes(context.memory->network) + ".";
    findings.push_back(
        {Severity::kWarning, "", context.ValueOf(options::kFlinkSize),
         std::string(options::kFlinkSize.key) + " is set together with " +
             std::string(options::kTaskHeap.key) + " and " +
             std::string(KeyOf(context, options::kManagedSize)),
         reason, "Delete " + std::string(options::kFlinkSize.key) + ", or one of the other two."});
  }
}

}  // namespace

extern const Rule kOverDetermined;
const Rule kOverDetermined{
    .id = "over-determined",
    .severity = Severity::kWarning,
    .title = "a total and its parts set together",
    .explanation =
        "Flink derives what is not set. With a total and its parts both set, the last component "
        "(JVM overhead or network) is the difference and must lie in its range: the configuration "
        "starts by luck, and the next change of any size, or a new version's default, breaks it. "
        "Flink's documentation advises against it.",
    .wrong = {.config = "taskmanager.memory.process.size: 4g\n"
                        "taskmanager.memory.flink.size: 3400m\n"},
    .right = {.config = "taskmanager.memory.process.size: 4g\n"
                        "taskmanager.memory.managed.size: 1g\n"},
    .check = Check,
};

}  // namespace wrackline::flink::lint
