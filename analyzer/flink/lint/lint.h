// Lint: every mistake that a Flink configuration makes with memory, each with its place, its reason
// and what to write instead.
//
//   LintInput input;
//   input.text = "taskmanager.memory.heap.size: 8g\n";
//   input.file = "flink-conf.yaml";
//   LintReport report = Lint(input, {});
//   report.findings[0].rule        -> "unknown-key"
//
// Pure; thread-safe. Hostile text gives findings, never a crash.
#pragma once

#include <set>
#include <string>

#include "analyzer/flink/lint/rule.h"

namespace wrackline::flink::lint {

struct LintInput {
  std::string text;
  bool manifest = false;  // the configuration is the one in `pod`, not `text`
  std::string file;       // a path, as it shall be shown
  Version version{1, 20, 0};
  Mode mode = Mode::kStandalone;
  const evidence::PodManifest* pod = nullptr;
  // Keys that come from elsewhere (a manifest's FLINK_PROPERTIES, -D): they win over the file's.
  Configuration additions;
  std::string other_file;  // Context::other_file
};

struct LintReport {
  std::string file;
  Version version;
  Findings findings;  // by file, line, column; then in the rules' order
};

// `ignore`: ids of rules that are not run.
LintReport Lint(const LintInput& input, const std::set<std::string, std::less<>>& ignore);

}  // namespace wrackline::flink::lint
