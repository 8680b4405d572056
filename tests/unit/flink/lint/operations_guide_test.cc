// A configuration as operations guides print it: every mistake is named, and nothing else.
#include <gmock/gmock.h>

#include "tests/unit/flink/lint/lint_text.h"

namespace wrackline::flink::lint {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr const char* kGuide =
    "taskmanager.memory.process.size: 12g\n"
    "taskmanager.memory.heap.size: 8g\n"
    "taskmanager.memory.network.max: 1g\n"
    "state.backend.rocksdb.memory.managed: true\n"
    "taskmanager.network.numberOfBuffers: 16384\n";

TEST(OperationsGuide, EveryMistakeIsNamed) {
  const LintReport report = LintText(kGuide);
  EXPECT_THAT(Summary(report),
              ElementsAre("2:1 unknown-key", "3:33 network-max-alone", "4:1 other-backends-keys",
                          "5:1 deprecated-key", "5:1 ignored-key"));
  const auto heap = Of(report, "unknown-key");
  EXPECT_THAT(heap[0].reason, HasSubstr("5.32 GiB"));  // what the heap is instead of 8g
  EXPECT_THAT(heap[0].fix, HasSubstr("taskmanager.memory.task.heap.size"));
  EXPECT_THAT(Of(report, "ignored-key")[0].message,
              HasSubstr("taskmanager.memory.network.max wins"));
}

TEST(OperationsGuide, InFlink2) {
  EXPECT_THAT(Summary(LintText(kGuide, "2.0.2", "config.yaml")),
              ElementsAre("2:1 unknown-key", "3:33 network-max-alone", "4:1 other-backends-keys",
                          "5:1 key-of-another-version"));
}

}  // namespace
}  // namespace wrackline::flink::lint
