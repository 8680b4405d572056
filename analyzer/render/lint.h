// Renderers of `wrackline lint`: findings as text, JSON or SARIF 2.1.0, and the rules as text and
// Markdown. Texts from the configuration are made inert.
#pragma once

#include <string>
#include <string_view>

#include "analyzer/flink/lint/lint.h"
#include "analyzer/render/page.h"

namespace wrackline::render {

inline constexpr int kLintJsonSchema = 1;

// "FILE:LINE:COLUMN: severity: message [rule]", then the line of the file, the reason and the fix.
// `text`: the file's content.
std::string RenderLintText(const flink::lint::LintReport& report, std::string_view text,
                           const TextOptions& options);
// Pure ASCII; a line or column that is not known is left out. docs/cli.md lists the fields.
std::string RenderLintJson(const flink::lint::LintReport& report);
// SARIF 2.1.0 with every rule described, for code scanning services. Pure ASCII.
std::string RenderLintSarif(const flink::lint::LintReport& report, std::string_view tool_version);

// One line a rule.
std::string RenderRuleList(const TextOptions& options);
// All about one rule, with its examples.
std::string RenderRule(const flink::lint::Rule& rule, const TextOptions& options);
// docs/lint-rules.md.
std::string RenderRulesMarkdown();

}  // namespace wrackline::render
