#include "analyzer/flink/lint/rule.h"

namespace wrackline::flink::lint {
namespace {

void Check(const Context& context, Findings& findings) {
  if (context.other_file.empty()) return;
  const std::string_view read = ConfigFileOf(context.version, true, true);
  const bool this_one = read != context.other_file;
  const std::string other(context.other_file);
  findings.push_back({this_one ? Severity::kInfo : Severity::kWarning, "", context.document.Whole(),
                      "There is a " + other + " in the same folder: Flink " +
                          FormatVersion(context.version) + " reads only " + std::string(read),
                      this_one ? "Whoever edits the other file changes nothing."
                               : "This file has no effect while the other one is there.",
                      "Keep one of them: flink-conf.yaml wins in 1.19 and 1.20, config.yaml is the "
                      "only one from 2.0 "
                      "on."});
}

}  // namespace

extern const Rule kTwoFiles;
const Rule kTwoFiles{
    .id = "two-files",
    .severity = Severity::kWarning,
    .title = "flink-conf.yaml and config.yaml in one folder",
    .explanation =
        "Only one of them is read, never both: up to 1.20 flink-conf.yaml where it exists, from "
        "2.0 on config.yaml. A warning for the file that is not read, an info for the other.",
    .wrong = {.config = "taskmanager.memory.process.size: 4g\n",
              .file = "config.yaml",
              .other_file = "flink-conf.yaml"},
    .right = {.config = "taskmanager.memory.process.size: 4g\n", .file = "config.yaml"},
    .check = Check,
};

}  // namespace wrackline::flink::lint
