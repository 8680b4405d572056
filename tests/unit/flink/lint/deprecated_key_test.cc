#include <gmock/gmock.h>

#include "tests/unit/flink/lint/lint_text.h"

namespace wrackline::flink::lint {
namespace {

using ::testing::HasSubstr;

TEST(DeprecatedKey, AnOldNameIsAnInfo) {
  const auto found = Of(LintText("state.backend: rocksdb\n"), "deprecated-key");
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].severity, Severity::kInfo);
  EXPECT_EQ(found[0].fix, "Write state.backend.type.");
}

TEST(DeprecatedKey, WhatTheNextVersionDropsIsAWarning) {
  const auto found = Of(LintText("taskmanager.heap.size: 4g\n"), "deprecated-key");
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].severity, Severity::kWarning);
  EXPECT_THAT(found[0].reason, HasSubstr("Flink 1.20 is the last"));
}

TEST(DeprecatedKey, IsTheNameOfItsTime) {
  EXPECT_TRUE(Of(LintText("state.backend: rocksdb\n", "1.16.3"), "deprecated-key").empty());
}

}  // namespace
}  // namespace wrackline::flink::lint
