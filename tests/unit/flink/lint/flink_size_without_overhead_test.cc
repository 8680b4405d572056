#include <gmock/gmock.h>

#include "tests/unit/flink/lint/lint_text.h"

namespace wrackline::flink::lint {
namespace {

using ::testing::HasSubstr;

TEST(FlinkSizeWithoutOverhead, NamesWhatTheLimitMustHold) {
  const auto found =
      Of(LintText("taskmanager.memory.flink.size: 4g\n"), "flink-size-without-overhead");
  ASSERT_EQ(found.size(), 1u);
  // 4096 + 256 + (4096 + 256) / 9
  EXPECT_THAT(found[0].message, HasSubstr("4.72 GiB, not 4.00 GiB"));
  EXPECT_THAT(found[0].fix, HasSubstr("4836Mi"));
}

TEST(FlinkSizeWithoutOverhead, ExplicitPartsToo) {
  EXPECT_EQ(
      Of(LintText("taskmanager.memory.task.heap.size: 1g\ntaskmanager.memory.managed.size: 1g\n"),
         "flink-size-without-overhead")
          .size(),
      1u);
}

}  // namespace
}  // namespace wrackline::flink::lint
