#include <gmock/gmock.h>

#include "tests/unit/flink/lint/lint_text.h"

namespace wrackline::flink::lint {
namespace {

using ::testing::HasSubstr;

TEST(StateUnbounded, SaysWhatEachStateTakes) {
  const auto found = Of(LintText("taskmanager.memory.process.size: 4g\nstate.backend.type: "
                                 "rocksdb\nstate.backend.rocksdb.memory.managed: false\n"),
                        "state-unbounded");
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].at.line, 3);
  EXPECT_THAT(found[0].reason, HasSubstr("136.0 MiB with these settings"));  // 8 + 2 x 64
}

TEST(StateUnbounded, FixedAmountsBound) {
  const std::string unmanaged =
      "taskmanager.memory.process.size: 4g\nstate.backend.rocksdb.memory.managed: false\n";
  EXPECT_EQ(Of(LintText(unmanaged), "state-unbounded").size(), 1u);
  EXPECT_TRUE(Of(LintText(unmanaged + "state.backend.rocksdb.memory.fixed-per-slot: 1g\n"),
                 "state-unbounded")
                  .empty());
  EXPECT_TRUE(
      Of(LintText(unmanaged + "state.backend.rocksdb.memory.fixed-per-tm: 1g\n"), "state-unbounded")
          .empty());
  // Not read before 1.17.
  EXPECT_EQ(Of(LintText(unmanaged + "state.backend.rocksdb.memory.fixed-per-tm: 1g\n", "1.16.3"),
               "state-unbounded")
                .size(),
            1u);
}

TEST(StateUnbounded, ForStToo) {
  const auto found = Of(LintText("taskmanager.memory.process.size: 4g\nstate.backend.type: "
                                 "forst\nstate.backend.forst.memory.managed: false\n",
                                 "2.1.3", "config.yaml"),
                        "state-unbounded");
  ASSERT_EQ(found.size(), 1u);
  EXPECT_THAT(found[0].message, HasSubstr("ForSt"));
}

TEST(StateUnbounded, NotWithAHeapBackend) {
  EXPECT_TRUE(Of(LintText("taskmanager.memory.process.size: 4g\nstate.backend.type: "
                          "hashmap\nstate.backend.rocksdb.memory.managed: false\n"),
                 "state-unbounded")
                  .empty());
}

}  // namespace
}  // namespace wrackline::flink::lint
