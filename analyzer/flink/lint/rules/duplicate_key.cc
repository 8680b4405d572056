#include "analyzer/flink/lint/rule.h"

namespace wrackline::flink::lint {
namespace {

void Check(const Context& context, Findings& findings) {
  for (const Entry& entry : context.document.entries) {
    if (entry.effective) continue;
    const Entry* winner = context.Find(entry.key);
    if (winner == nullptr) continue;
    findings.push_back(
        {Severity::kWarning, "", entry.key_at,
         entry.key + " is set again in line " + std::to_string(winner->key_at.line) +
             (winner->value == entry.value ? " to the same value" : ""),
         "Flink takes the last one, '" + winner->value + "'; this '" + entry.value +
             "' has no effect.",
         "Delete this line, or the one in line " + std::to_string(winner->key_at.line) + "."});
  }
}

}  // namespace

extern const Rule kDuplicateKey;
const Rule kDuplicateKey{
    .id = "duplicate-key",
    .severity = Severity::kWarning,
    .title = "a key that the same file sets twice",
    .explanation =
        "In flink-conf.yaml the last line of a key wins and the earlier ones are dropped without a "
        "word, so a size that was edited in the first place it was found may never take effect. "
        "(In config.yaml a duplicate within one mapping is fatal: see file-refused.)",
    .wrong = {.config = "taskmanager.memory.process.size: 4g\n"
                        "taskmanager.numberOfTaskSlots: 2\n"
                        "taskmanager.memory.process.size: 2g\n"},
    .right = {.config = "taskmanager.memory.process.size: 4g\n"
                        "taskmanager.numberOfTaskSlots: 2\n"},
    .check = Check,
};

}  // namespace wrackline::flink::lint
