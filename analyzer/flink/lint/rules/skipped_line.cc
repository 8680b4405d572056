#include "analyzer/flink/lint/rule.h"

namespace wrackline::flink::lint {
namespace {

std::string Fix(const std::string& text) {
  const std::size_t colon = text.find(':');
  if (colon == text.size() - 1)
    return "Write the whole key and its value in one line, \"" + text +
           " VALUE\": nested keys are for config.yaml, which Flink 1.19 and later read.";
  if (colon != std::string::npos && colon > 0)
    return "Put a space after the colon: \"" + text.substr(0, colon) + ": " +
           text.substr(colon + 1) + "\".";
  const std::size_t equals = text.find('=');
  if (equals != std::string::npos && equals > 0)
    return "Write \"" + text.substr(0, equals) + ": " + text.substr(equals + 1) + "\".";
  return "Write \"KEY: VALUE\", or make it a comment with #.";
}

void Check(const Context& context, Findings& findings) {
  for (const SkippedLine& line : context.document.skipped) {
    if (line.text == "---" || line.text == "...") continue;  // YAML's document marks
    findings.push_back(
        {Severity::kWarning, "", line.at, "Flink skips this line: it is not \"key: value\"",
         "flink-conf.yaml is read line by line and split at a colon followed by a space; a line "
         "without it sets nothing, and only the log says so.",
         Fix(line.text)});
  }
}

}  // namespace

extern const Rule kSkippedLine;
const Rule kSkippedLine{
    .id = "skipped-line",
    .severity = Severity::kWarning,
    .title = "a line of flink-conf.yaml that sets nothing",
    .explanation =
        "flink-conf.yaml looks like YAML and is not: each line is split at the first \": \". A "
        "line without that (no space after the colon, an equals sign, nested keys) is skipped "
        "with a warning in the log.",
    .wrong = {.config = "taskmanager.memory.process.size: 4g\n"
                        "taskmanager.numberOfTaskSlots:4\n"},
    .right = {.config = "taskmanager.memory.process.size: 4g\n"
                        "taskmanager.numberOfTaskSlots: 4\n"},
    .check = Check,
};

}  // namespace wrackline::flink::lint
