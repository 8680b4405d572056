#include "analyzer/flink/lint/java_options.h"

namespace wrackline::flink::lint {
namespace {

void Check(const Context& context, Findings& findings) {
  for (const JavaOption& option : JavaOptions(context)) {
    if (!option.text.starts_with("-XX:NativeMemoryTracking=") || option.text.ends_with("=off"))
      continue;
    const bool detail = option.text.ends_with("=detail");
    findings.push_back(
        {Severity::kInfo, "", option.at,
         option.text + " costs memory and time for as long as it is on",
         std::string("The JVM puts a header of 16 bytes before each of its own blocks") +
             (detail ? ", keeps a stack of each site and walks it at every allocation" : "") +
             ". It sees the JVM's own memory only: not RocksDB's, not the allocator's losses.",
         detail ? "Write summary, or delete it when the question is answered."
                : "Delete it when the question is answered."});
  }
}

}  // namespace

extern const Rule kNativeMemoryTracking;
const Rule kNativeMemoryTracking{
    .id = "native-memory-tracking",
    .severity = Severity::kInfo,
    .title = "-XX:NativeMemoryTracking left on",
    .explanation =
        "Oracle's documentation puts the price of native memory tracking at 5 to 10 % of the JVM's "
        "speed, and each block that the JVM allocates grows by 16 bytes. It is a tool for a "
        "question, not a setting for production, and it does not see native libraries such as "
        "RocksDB.",
    .wrong = {.config = "taskmanager.memory.process.size: 4g\n"
                        "env.java.opts.taskmanager: -XX:NativeMemoryTracking=detail\n"},
    .right = {.config = "taskmanager.memory.process.size: 4g\n"},
    .check = Check,
};

}  // namespace wrackline::flink::lint
