#include <gmock/gmock.h>

#include "tests/unit/flink/lint/lint_text.h"

namespace wrackline::flink::lint {
namespace {

using ::testing::HasSubstr;

std::vector<Finding> With(const std::string& key, const std::string& value) {
  return Of(LintText("taskmanager.memory.process.size: 4g\n" + key + ": " + value + "\n"),
            "jvm-sizes-by-hand");
}

TEST(JvmSizesByHand, ComparesWithTheDerivedSize) {
  // 4 GiB: heap 1586.8 MiB (framework 128 + task), direct 470.9, metaspace 256.
  const auto larger = With("env.java.opts.taskmanager", "-XX:+UseG1GC -Xmx3g");
  ASSERT_EQ(larger.size(), 1u);
  EXPECT_THAT(larger[0].message, HasSubstr("the JVM gets 3.00 GiB"));
  EXPECT_THAT(larger[0].reason, HasSubstr("beyond its process size"));
  const auto smaller = With("env.java.opts.all", "-XX:MaxDirectMemorySize=64m");
  ASSERT_EQ(smaller.size(), 1u);
  EXPECT_THAT(smaller[0].reason, HasSubstr("used by nobody"));
  EXPECT_EQ(With("env.java.opts", "-XX:MaxMetaspaceSize=256M")[0].severity, Severity::kInfo);
  EXPECT_EQ(With("env.java.opts", "'-Xms1g -Xmx1g'").size(), 2u);
}

TEST(JvmSizesByHand, OfTheJobManagerWithoutAComparison) {
  const auto found = With("env.java.opts.jobmanager", "-Xmx3g");
  ASSERT_EQ(found.size(), 1u);
  EXPECT_THAT(found[0].fix, HasSubstr("jobmanager.memory.heap.size"));
}

TEST(JvmSizesByHand, PercentagesDoNothing) {
  EXPECT_THAT(With("env.java.opts.taskmanager", "-XX:MaxRAMPercentage=75.0")[0].message,
              HasSubstr("has no effect"));
}

TEST(JvmSizesByHand, OtherOptionsAndOtherProcessesAreFine) {
  EXPECT_TRUE(With("env.java.opts.taskmanager", "-Xss512k -XX:+UseG1GC -DXmx=3g").empty());
  EXPECT_TRUE(With("env.java.opts.client", "-Xmx3g").empty());
}

TEST(JvmSizesByHand, NonsenseIsNamedWithoutNumbers) {
  EXPECT_EQ(With("env.java.opts.taskmanager", "-Xmx").size(), 1u);
  EXPECT_EQ(With("env.java.opts.taskmanager", "-Xmx99999999999999999999g").size(), 1u);
}

}  // namespace
}  // namespace wrackline::flink::lint
