// Every recorded configuration of every release: what Flink refuses is an error, and what it
// accepts is none.
#include <algorithm>
#include <map>
#include <string>

#include "tests/unit/flink/lint/lint_text.h"
#include "tests/unit/flink/recorded_rows.h"

namespace wrackline::flink::lint {
namespace {

class LintRows : public ::testing::TestWithParam<RecordedFile> {};

// A value that stands in flink-conf.yaml as it is.
bool Writable(const std::string& value) {
  return !value.empty() && value.front() > ' ' && value.back() > ' ' &&
         value.find_first_of("#\r\n") == std::string::npos;
}

// YAML's single quotes: those inside are doubled.
std::string QuotedYaml(const std::string& value) {
  std::string quoted = "'";
  for (const char c : value) quoted += c == '\'' ? "''" : std::string(1, c);
  return quoted + "'";
}

TEST_P(LintRows, RefusedIsAnErrorAndAcceptedIsNone) {
  const auto version = ParseVersion(GetParam().version);
  ASSERT_TRUE(version.ok());
  int refused = 0;
  for (const auto& row : LoadRows("flink-memory", GetParam().file)) {
    LintInput input;
    input.file = "rows.conf";
    input.version = version.value();
    input.mode = row.at("mode") == "standalone" ? Mode::kStandalone : Mode::kContainerized;
    for (const auto& [key, value] : row.at("config").items()) {
      const std::string text = value.get<std::string>();
      if (input.version >= kNoLegacyKeys) {
        input.text += key + ": " + QuotedYaml(text) + "\n";
      } else if (Writable(text)) {
        input.text += key + ": " + text + "\n";
      } else {
        input.additions.Set(key, text);  // as -D would
      }
    }
    const LintReport report = Lint(input, {});
    const bool error = std::any_of(report.findings.begin(), report.findings.end(),
                                   [](const Finding& f) { return f.severity == Severity::kError; });
    EXPECT_EQ(error, !row.at("ok").get<bool>())
        << row.at("id") << "\n"
        << input.text << (error ? report.findings.front().message : "");
    for (const Finding& finding : report.findings) {
      EXPECT_FALSE(finding.reason.empty() || finding.fix.empty()) << finding.rule;
      if (finding.rule != "refused") continue;
      EXPECT_NE(finding.reason.find(row.at("error").get<std::string>()), std::string::npos)
          << finding.reason;
    }
    if (error) ++refused;
  }
  EXPECT_GT(refused, 50);
}

INSTANTIATE_TEST_SUITE_P(Releases, LintRows,
                         ::testing::Values(RecordedFile{"1.10.0", "1.10.0"},
                                           RecordedFile{"1.10.3", "1.10.1"},
                                           RecordedFile{"1.16.3", "1.11.6"},
                                           RecordedFile{"1.20.5", "1.17.2"},
                                           RecordedFile{"2.3.0", "2.0.2"}),
                         NameOf);

}  // namespace
}  // namespace wrackline::flink::lint
