#include <gmock/gmock.h>

#include "tests/unit/flink/lint/lint_text.h"

namespace wrackline::flink::lint {
namespace {

using ::testing::HasSubstr;

TEST(UnknownKey, NamesTheNearestRealOne) {
  const auto found =
      Of(LintText("taskmanager.memory.process.size: 4g\ntaskmanager.memory.proces.size: 2g\n"),
         "unknown-key");
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].at, (Location{"flink-conf.yaml", 2, 1, 30}));
  EXPECT_THAT(found[0].fix, HasSubstr("taskmanager.memory.process.size?"));
}

TEST(UnknownKey, LeavesTheKeysOfOthersAlone) {
  EXPECT_TRUE(
      Of(LintText("metrics.reporter.prom.factory.class: x\ns3.access-key: x\nfs.s3a.path: "
                  "y\nmy.own.key: 1\n"
                  "kubernetes.operator.job.autoscaler.enabled: true\nhigh-availability: zookeeper\n"
                  "parallelism.default: 4\nenv.log.max: 5\nweb.submit.enable: false\n"
                  "restart-strategy.type: fixed-delay\n"),
         "unknown-key")
          .empty());
}

TEST(UnknownKey, NamesAMisspeltNamespace) {
  const auto found = Of(LintText("taskmanger.memory.process.size: 4g\n"), "unknown-key");
  ASSERT_EQ(found.size(), 1u);
  EXPECT_THAT(found[0].fix, HasSubstr("taskmanager.memory.process.size"));
}

TEST(UnknownKey, KnowsWhatBecameOfOldKeys) {
  const auto found = Of(LintText("taskmanager.memory.fraction: 0.7\n"), "unknown-key");
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].fix, "Write taskmanager.memory.managed.fraction.");
}

TEST(UnknownKey, SeesTheByteOrderMark) {
  const auto found =
      Of(LintText("\xEF\xBB\xBFtaskmanager.memory.process.size: 4g\n"), "unknown-key");
  ASSERT_EQ(found.size(), 1u);
  EXPECT_THAT(found[0].message, HasSubstr("byte order mark"));
}

}  // namespace
}  // namespace wrackline::flink::lint
