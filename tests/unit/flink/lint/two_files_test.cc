#include <gmock/gmock.h>

#include "tests/unit/flink/lint/lint_text.h"

namespace wrackline::flink::lint {
namespace {

using ::testing::HasSubstr;

LintReport Beside(const char* file, const char* other, Version version) {
  LintInput input;
  input.text = "taskmanager.memory.process.size: 4g\n";
  input.file = file;
  input.other_file = other;
  input.version = version;
  return Lint(input, {});
}

TEST(TwoFiles, TheOneThatIsReadGetsAnInfo) {
  const auto old_one = Of(Beside("flink-conf.yaml", "config.yaml", {1, 20, 0}), "two-files");
  ASSERT_EQ(old_one.size(), 1u);
  EXPECT_EQ(old_one[0].severity, Severity::kInfo);
  EXPECT_THAT(old_one[0].message, HasSubstr("reads only flink-conf.yaml"));
  const auto new_one = Of(Beside("config.yaml", "flink-conf.yaml", {1, 20, 0}), "two-files");
  ASSERT_EQ(new_one.size(), 1u);
  EXPECT_EQ(new_one[0].severity, Severity::kWarning);
}

TEST(TwoFiles, FromTwoOnConfigYaml) {
  const auto found = Of(Beside("config.yaml", "flink-conf.yaml", {2, 0, 0}), "two-files");
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].severity, Severity::kInfo);
  EXPECT_THAT(found[0].message, HasSubstr("reads only config.yaml"));
}

}  // namespace
}  // namespace wrackline::flink::lint
