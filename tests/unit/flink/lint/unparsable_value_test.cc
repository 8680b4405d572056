#include <gmock/gmock.h>

#include "tests/unit/flink/lint/lint_text.h"

namespace wrackline::flink::lint {
namespace {

using ::testing::HasSubstr;

std::vector<Finding> Found(const std::string& text, const std::string& version = "1.20.5") {
  return Of(LintText("taskmanager.memory.process.size: 4g\n" + text, version), "unparsable-value");
}

TEST(UnparsableValue, SaysFlinksText) {
  const auto found = Of(LintText("taskmanager.memory.process.size: 4Gi\n"), "unparsable-value");
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].severity, Severity::kError);
  EXPECT_EQ(found[0].at, (Location{"flink-conf.yaml", 1, 34, 3}));
  EXPECT_THAT(
      found[0].reason,
      HasSubstr("Could not parse value '4Gi' for key 'taskmanager.memory.process.size'. Caused by: "
                "Memory size unit 'gi' does not match any of the recognized units"));
  EXPECT_THAT(found[0].fix, HasSubstr("Mi and Gi"));
}

TEST(UnparsableValue, EveryType) {
  EXPECT_THAT(Found("taskmanager.slot.timeout: 10 sex\n")[0].reason,
              HasSubstr("Time interval unit label 'sex' does not match"));
  EXPECT_THAT(Found("taskmanager.slot.timeout: PT10S\n")[0].reason,
              HasSubstr("text does not start with a number"));
  EXPECT_THAT(Found("taskmanager.numberOfTaskSlots: 1.5\n")[0].reason,
              HasSubstr("For input string: \"1.5\""));
  EXPECT_THAT(
      Found("state.backend.rocksdb.memory.managed: yes\n")[0].reason,
      HasSubstr(
          "Unrecognized option for boolean: yes. Expected either true or false(case insensitive)"));
  EXPECT_THAT(Found("state.backend.rocksdb.memory.write-buffer-ratio: half\n")[0].reason,
              HasSubstr("For input string: \"half\""));
  EXPECT_THAT(Found("jobmanager.memory.process.size: 1.5g\n")[0].fix, HasSubstr("1.5g is 1536m"));
  EXPECT_THAT(Found("task.cancellation.interval: 30x\n", "1.18.1")[0].reason,
              HasSubstr("For input string: \"30x\""));
  EXPECT_THAT(Found("taskmanager.system-out.mode: loud\n")[0].reason,
              HasSubstr("Expected one of: [[DEFAULT, LOG, IGNORE]]"));
}

TEST(UnparsableValue, GoodOnes) {
  for (const char* line :
       {"taskmanager.slot.timeout: 10 s", "taskmanager.slot.timeout: 10",
        "taskmanager.slot.timeout: 3 MIN", "taskmanager.slot.timeout: 1 nanoseconds",
        "taskmanager.numberOfTaskSlots: +4", "state.backend.rocksdb.memory.managed: TRUE",
        "taskmanager.memory.managed.fraction: 0x1p-1",
        "taskmanager.memory.task.off-heap.size: 64 MebiBytes", "taskmanager.system-out.mode: log",
        "my.key: 4Gi"})
    EXPECT_TRUE(Found(std::string(line) + "\n").empty()) << line;
}

TEST(UnparsableValue, QuotesOfTheFlatFormat) {
  EXPECT_THAT(Found("taskmanager.numberOfTaskSlots: \"4\"\n")[0].fix, HasSubstr("quotes"));
  EXPECT_TRUE(Of(LintText("taskmanager.numberOfTaskSlots: \"4\"\n", "1.20.5", "config.yaml"),
                 "unparsable-value")
                  .empty());
}

TEST(UnparsableValue, UnderAnOldNameAndTheOptionsOwnKeyInTheText) {
  const auto found = Found("taskmanager.network.memory.max: lots\n");
  ASSERT_EQ(found.size(), 1u);
  EXPECT_THAT(found[0].message, HasSubstr("taskmanager.network.memory.max"));
  EXPECT_THAT(found[0].reason, HasSubstr("for key 'taskmanager.memory.network.max'"));
}

TEST(UnparsableValue, WhatIsNotReadIsAWarning) {
  const auto found =
      Found("taskmanager.memory.managed.size: 1g\ntaskmanager.memory.managed.fraction: half\n");
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].severity, Severity::kWarning);
}

}  // namespace
}  // namespace wrackline::flink::lint
