#include <gmock/gmock.h>

#include "tests/unit/flink/lint/lint_text.h"

namespace wrackline::flink::lint {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(FileRefused, NamesTheLineAndNothingElse) {
  const LintReport report = LintText("a: 1\nb: 2\na: 3\n", "1.20.5", "config.yaml");
  EXPECT_THAT(Summary(report), ElementsAre("3:1 file-refused"));
  EXPECT_THAT(report.findings[0].message, HasSubstr("duplicate key a"));
}

}  // namespace
}  // namespace wrackline::flink::lint
