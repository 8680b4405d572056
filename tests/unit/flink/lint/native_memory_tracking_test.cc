#include <gmock/gmock.h>

#include "tests/unit/flink/lint/lint_text.h"

namespace wrackline::flink::lint {
namespace {

using ::testing::HasSubstr;

TEST(NativeMemoryTracking, DetailCostsMore) {
  const auto with = [](const std::string& options) {
    return Of(LintText("env.java.opts.taskmanager: " + options + "\n"), "native-memory-tracking");
  };
  ASSERT_EQ(with("-XX:NativeMemoryTracking=detail").size(), 1u);
  EXPECT_THAT(with("-XX:NativeMemoryTracking=detail")[0].fix, HasSubstr("summary"));
  EXPECT_EQ(with("-XX:NativeMemoryTracking=summary").size(), 1u);
  EXPECT_TRUE(with("-XX:NativeMemoryTracking=off").empty());
}

}  // namespace
}  // namespace wrackline::flink::lint
