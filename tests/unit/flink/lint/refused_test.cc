#include <gmock/gmock.h>

#include "tests/unit/flink/lint/lint_text.h"

namespace wrackline::flink::lint {
namespace {

using ::testing::HasSubstr;

Finding Only(const std::string& text, const std::string& version = "1.20.5") {
  const auto found = Of(LintText(text, version), "refused");
  EXPECT_EQ(found.size(), 1u) << text;
  return found.empty() ? Finding{} : found[0];
}

TEST(Refused, SaysFlinksTextAtTheLargestPart) {
  const Finding f = Only(
      "taskmanager.memory.process.size: 1g\ntaskmanager.memory.managed.size: "
      "1g\ntaskmanager.memory.task.off-heap.size: 1m\n");
  EXPECT_EQ(f.at.line, 2);
  EXPECT_EQ(f.severity, Severity::kError);
  EXPECT_THAT(f.reason, HasSubstr("TaskManager memory configuration failed: Sum of configured "
                                  "Framework Heap Memory (128.000mb (134217728 bytes))"));
}

TEST(Refused, NoSizeAtAll) {
  const Finding f = Only("taskmanager.numberOfTaskSlots: 4\n");
  EXPECT_EQ(f.at.line, 0);
  EXPECT_THAT(f.fix, HasSubstr("taskmanager.memory.process.size"));
}

TEST(Refused, OverheadOutsideItsRange) {
  const Finding f =
      Only("taskmanager.memory.flink.size: 4g\ntaskmanager.memory.process.size: 4300m\n");
  EXPECT_EQ(f.at.line, 2);
  EXPECT_THAT(f.reason, HasSubstr("less than the sum of the derived Total Flink Memory size"));
  EXPECT_THAT(f.fix, HasSubstr("delete taskmanager.memory.flink.size"));
}

TEST(Refused, FractionAndRange) {
  EXPECT_EQ(Only("taskmanager.memory.process.size: 4g\ntaskmanager.memory.managed.fraction: 1.0\n")
                .at.line,
            2);
  EXPECT_EQ(Only("taskmanager.memory.process.size: 4g\ntaskmanager.network.memory.min: "
                 "2g\ntaskmanager.network.memory.max: 1g\n")
                .at.line,
            2);
  EXPECT_EQ(Only("taskmanager.memory.process.size: 4g\ntaskmanager.memory.jvm-overhead.max: 1m\n")
                .at.line,
            2);
  EXPECT_EQ(Only("taskmanager.memory.process.size: 4g\ntaskmanager.network.numberOfBuffers: "
                 "9\ntaskmanager.memory.segment-size: 5000\n")
                .at.line,
            3);
}

TEST(Refused, NetworkIsTheRest) {
  const Finding f =
      Only("taskmanager.memory.process.size: 4g\ntaskmanager.memory.task.heap.size: 1800m\n");
  EXPECT_EQ(f.at.line, 2);
  EXPECT_THAT(f.reason, HasSubstr("Caused by: Derived Network Memory size"));
}

TEST(Refused, WhatDoesNotParseIsNamedOnce) {
  EXPECT_TRUE(Of(LintText("taskmanager.memory.process.size: 4Gi\n"), "refused").empty());
}

TEST(Refused, ByTheVersion) {
  const std::string legacy = "taskmanager.heap.size: 4g\n";
  EXPECT_TRUE(Of(LintText(legacy, "1.20.5"), "refused").empty());
  EXPECT_EQ(Of(LintText(legacy, "2.0.2", "config.yaml"), "refused").size(), 1u);
}

}  // namespace
}  // namespace wrackline::flink::lint
