#include <gmock/gmock.h>

#include "tests/unit/flink/lint/lint_text.h"

namespace wrackline::flink::lint {
namespace {

using ::testing::HasSubstr;

TEST(KeyOfAnotherVersion, Later) {
  const auto found =
      Of(LintText("state.backend.type: rocksdb\n", "1.16.3"), "key-of-another-version");
  ASSERT_EQ(found.size(), 1u);
  EXPECT_THAT(found[0].reason, HasSubstr("Flink 1.17 and later"));
  EXPECT_EQ(found[0].fix, "Write state.backend.");
}

TEST(KeyOfAnotherVersion, Earlier) {
  const LintReport report =
      LintText("taskmanager.heap.size: 4g\ntaskmanager.network.numberOfBuffers: 2048\n", "2.0.2",
               "config.yaml");
  const auto found = Of(report, "key-of-another-version");
  ASSERT_EQ(found.size(), 2u);
  EXPECT_THAT(found[0].reason, HasSubstr("Flink up to 1.20"));
  EXPECT_THAT(found[1].fix, HasSubstr("taskmanager.memory.network.min"));
}

TEST(KeyOfAnotherVersion, AnAliasThatStillWorksIsNone) {
  EXPECT_TRUE(Of(LintText("taskmanager.network.memory.fraction: 0.2\nstate.backend: rocksdb\n",
                          "2.0.2", "config.yaml"),
                 "key-of-another-version")
                  .empty());
}

// From 1.18 on Flink asks for both names.
TEST(KeyOfAnotherVersion, AkkaAndPekko) {
  EXPECT_TRUE(Of(LintText("akka.ask.timeout: 10 s\n", "1.20.5"), "key-of-another-version").empty());
  EXPECT_EQ(Of(LintText("pekko.ask.timeout: 10 s\n", "1.17.2"), "key-of-another-version").size(),
            1u);
}

// Start scripts read some keys before an option class named them.
TEST(KeyOfAnotherVersion, KeysOfTheStartScripts) {
  EXPECT_TRUE(Of(LintText("env.java.home: /j\nenv.pid.dir: /p\nenv.hbase.conf.dir: /h\n", "1.10.1"),
                 "key-of-another-version")
                  .empty());
}

}  // namespace
}  // namespace wrackline::flink::lint
