#include <gmock/gmock.h>

#include "tests/unit/flink/lint/lint_text.h"

namespace wrackline::flink::lint {
namespace {

using ::testing::HasSubstr;

TEST(NoNativeSlack, SuggestsAnEighth) {
  const auto found =
      Of(LintText("taskmanager.memory.process.size: 64g\nstate.backend.type: rocksdb\n"),
         "no-native-slack");
  ASSERT_EQ(found.size(), 1u);  // managed 25 GiB, overhead stops at 1 GiB
  EXPECT_THAT(found[0].message, HasSubstr("25.10 GiB"));
  EXPECT_THAT(found[0].fix, HasSubstr("taskmanager.memory.task.off-heap.size: 3232m"));
}

TEST(NoNativeSlack, TheBoundary) {
  // Overhead 192 MiB: 128 and an eighth of 512.
  const auto with = [](const std::string& managed) {
    return Of(LintText("taskmanager.memory.process.size: 1728m\ntaskmanager.memory.managed.size: " +
                       managed + "\nstate.backend.type: rocksdb\n"),
              "no-native-slack");
  };
  EXPECT_TRUE(with("512m").empty());
  EXPECT_EQ(with("513m").size(), 1u);
}

TEST(NoNativeSlack, NotWithTaskOffHeapNorWithoutRocksDb) {
  EXPECT_TRUE(Of(LintText("taskmanager.memory.process.size: 64g\nstate.backend.type: "
                          "rocksdb\ntaskmanager.memory.task.off-heap.size: 1g\n"),
                 "no-native-slack")
                  .empty());
  EXPECT_TRUE(Of(LintText("taskmanager.memory.process.size: 64g\nstate.backend.type: hashmap\n"),
                 "no-native-slack")
                  .empty());
  EXPECT_TRUE(Of(LintText("taskmanager.memory.process.size: 64g\n"), "no-native-slack").empty());
}

}  // namespace
}  // namespace wrackline::flink::lint
