#include "analyzer/flink/lint/rule.h"

namespace wrackline::flink::lint {
namespace {

void Check(const Context& context, Findings& findings) {
  if (!context.document.problem) return;
  findings.push_back(
      {Severity::kError, "", context.document.problem_at,
       "Flink cannot read this file: " + context.document.problem->message,
       "config.yaml is strict YAML: a duplicate key, a key without a value or a fault "
       "of syntax stops every Flink process at its start.",
       "Mend this line; nothing else of the file was looked at."});
}

}  // namespace

extern const Rule kFileRefused;
const Rule kFileRefused{
    .id = "file-refused",
    .severity = Severity::kError,
    .title = "a config.yaml that Flink cannot read at all",
    .explanation =
        "From 1.19 on config.yaml is read by a strict YAML 1.2 parser. Duplicate keys in one "
        "mapping and keys without a value are fatal, where the old flink-conf.yaml let them pass.",
    .wrong = {.config = "taskmanager:\n"
                        "  memory:\n"
                        "    process:\n"
                        "      size:\n",
              .file = "config.yaml"},
    .right = {.config = "taskmanager:\n"
                        "  memory:\n"
                        "    process:\n"
                        "      size: 4g\n",
              .file = "config.yaml"},
    .check = Check,
};

}  // namespace wrackline::flink::lint
