#include <gmock/gmock.h>

#include "tests/unit/flink/lint/lint_text.h"

namespace wrackline::flink::lint {
namespace {

using ::testing::HasSubstr;

TEST(ManagedWithHeapBackend, ByHandIsAWarningTheDefaultAnInfo) {
  const auto by_hand = Of(LintText("taskmanager.memory.process.size: 4g\nstate.backend.type: "
                                   "hashmap\ntaskmanager.memory.managed.size: 1g\n"),
                          "managed-with-heap-backend");
  ASSERT_EQ(by_hand.size(), 1u);
  EXPECT_EQ(by_hand[0].severity, Severity::kWarning);
  EXPECT_EQ(by_hand[0].at.line, 3);
  EXPECT_THAT(by_hand[0].message, HasSubstr("1.00 GiB"));
  const auto standard =
      Of(LintText("taskmanager.memory.process.size: 4g\nstate.backend.type: hashmap\n"),
         "managed-with-heap-backend");
  ASSERT_EQ(standard.size(), 1u);
  EXPECT_EQ(standard[0].severity, Severity::kInfo);
  EXPECT_EQ(standard[0].at.line, 2);
}

TEST(ManagedWithHeapBackend, OlderNamesOfTheHeap) {
  for (const char* backend : {"filesystem", "jobmanager",
                              "org.apache.flink.runtime.state.hashmap.HashMapStateBackendFactory"})
    EXPECT_EQ(Of(LintText(std::string("taskmanager.memory.process.size: 4g\nstate.backend: ") +
                              backend + "\n",
                          "1.14.6"),
                 "managed-with-heap-backend")
                  .size(),
              1u)
        << backend;
}

TEST(ManagedWithHeapBackend, WithoutAChoiceNothingIsKnown) {
  EXPECT_TRUE(
      Of(LintText("taskmanager.memory.process.size: 4g\n"), "managed-with-heap-backend").empty());
}

}  // namespace
}  // namespace wrackline::flink::lint
