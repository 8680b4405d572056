#include "analyzer/flink/lint/lint.h"

#include <algorithm>
#include <tuple>
#include <variant>

#include "analyzer/flink/lint/manifest_document.h"

namespace wrackline::flink::lint {
namespace {

// By the file's name where that decides; the rule wrong-file says when this version reads another.
ConfigFormat FormatOf(const LintInput& input) {
  const auto chosen = ChooseConfigFormat(input.file, input.text, input.version);
  if (chosen.ok()) return chosen.value();
  const auto by_name = ChooseConfigFormat(input.file, input.text, std::nullopt);
  return by_name.ok() ? by_name.value() : ConfigFormat::kFlat;
}

}  // namespace

LintReport Lint(const LintInput& input, const std::set<std::string, std::less<>>& ignore) {
  const Document document = input.manifest && input.pod != nullptr
                                ? DocumentOfManifest(*input.pod)
                                : ReadDocument(input.text, input.file, FormatOf(input));
  Configuration configuration = document.Read();
  for (const auto& [key, value] : input.additions) configuration.Set(key, value.text, value.origin);
  const auto answer = EvaluateTaskManagerMemory(configuration, input.version, input.mode);
  const Context context{.document = document,
                        .configuration = configuration,
                        .version = input.version,
                        .mode = input.mode,
                        .memory = std::get_if<TaskManagerMemory>(&answer),
                        .refusal = std::get_if<JavaException>(&answer),
                        .pod = input.pod,
                        .other_file = input.other_file};
  LintReport report{input.file, input.version, {}};
  for (const Rule* rule : Rules()) {
    if (ignore.find(std::string_view(rule->id)) != ignore.end()) continue;
    const std::size_t before = report.findings.size();
    rule->check(context, report.findings);
    for (std::size_t i = before; i < report.findings.size(); ++i)
      report.findings[i].rule = rule->id;
  }
  std::stable_sort(report.findings.begin(), report.findings.end(),
                   [](const Finding& a, const Finding& b) {
                     return std::tie(a.at.file, a.at.line, a.at.column) <
                            std::tie(b.at.file, b.at.line, b.at.column);
                   });
  return report;
}

}  // namespace wrackline::flink::lint
