#include "tests/unit/flink/lint/lint_text.h"

namespace wrackline::flink::lint {
namespace {

TEST(WrongFile, BothWays) {
  EXPECT_EQ(Of(LintText("", "2.0.2", "conf/flink-conf.yaml"), "wrong-file").size(), 1u);
  EXPECT_EQ(Of(LintText("", "1.18.1", "conf/config.yaml"), "wrong-file").size(), 1u);
  EXPECT_TRUE(Of(LintText("", "1.20.5", "conf/config.yaml"), "wrong-file").empty());
  EXPECT_TRUE(Of(LintText("", "1.20.5", "flink-conf.yaml"), "wrong-file").empty());
  EXPECT_TRUE(Of(LintText("", "2.0.2", "-"), "wrong-file").empty());
}

}  // namespace
}  // namespace wrackline::flink::lint
