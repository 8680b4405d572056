#include "analyzer/flink/lint/facts.h"

namespace wrackline::flink::lint {
namespace {

void Check(const Context& context, Findings& findings) {
  for (const std::string_view key : {"kubernetes.taskmanager.memory.limit-factor",
                                     "kubernetes.jobmanager.memory.limit-factor"}) {
    if (!context.configuration.Contains(key)) continue;
    const auto factor = DoubleOf(context, Option{key, "1.0"});
    if (!factor || *factor >= 1) continue;
    findings.push_back({Severity::kError, "", context.ValueOf(key),
                        std::string(key) + " is below 1",
                        "Flink refuses to make pods whose limit is below their request.",
                        "Write 1.0 or more; 1.0 is the default."});
  }
}

}  // namespace

extern const Rule kLimitFactor;
const Rule kLimitFactor{
    .id = "limit-factor",
    .severity = Severity::kError,
    .title = "A limit factor below 1",
    .explanation =
        "Where Flink makes the pods, a pod's limit is the process size times the limit factor. A "
        "factor below 1 would make the limit smaller than the request, and Flink refuses it. A "
        "factor above 1 gives native memory room that Flink does not count (see "
        "request-below-limit for its price).",
    .wrong = {.config = "taskmanager.memory.process.size: 4g\n"
                        "kubernetes.taskmanager.memory.limit-factor: 0.9\n"},
    .right = {.config = "taskmanager.memory.process.size: 4g\n"
                        "kubernetes.taskmanager.memory.limit-factor: 1.2\n"},
    .check = Check,
};

}  // namespace wrackline::flink::lint
