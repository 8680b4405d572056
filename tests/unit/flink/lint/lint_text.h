// Lints a text as a test writes it.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "analyzer/flink/lint/lint.h"

namespace wrackline::flink::lint {

inline LintReport LintText(std::string text, const std::string& version = "1.20.5",
                           const std::string& file = "flink-conf.yaml") {
  LintInput input;
  input.text = std::move(text);
  input.file = file;
  const auto parsed = ParseVersion(version);
  EXPECT_TRUE(parsed.ok()) << version;
  if (parsed.ok()) input.version = parsed.value();
  return Lint(input, {});
}

// The findings of one rule.
inline std::vector<Finding> Of(const LintReport& report, std::string_view rule) {
  std::vector<Finding> found;
  for (const Finding& finding : report.findings) {
    if (finding.rule == rule) found.push_back(finding);
  }
  return found;
}

// "LINE:COLUMN RULE" of each finding, for a failure's message and for whole comparisons.
inline std::vector<std::string> Summary(const LintReport& report) {
  std::vector<std::string> lines;
  for (const Finding& finding : report.findings) {
    lines.push_back(std::to_string(finding.at.line) + ":" + std::to_string(finding.at.column) +
                    " " + finding.rule);
  }
  return lines;
}

}  // namespace wrackline::flink::lint
