#include <gmock/gmock.h>

#include "tests/unit/flink/lint/lint_text.h"

namespace wrackline::flink::lint {
namespace {

using ::testing::HasSubstr;

std::vector<Finding> With(const std::string& lines) {
  return Of(LintText("taskmanager.memory.process.size: 4g\nstate.backend.type: rocksdb\n" + lines),
            "state-memory-ratios");
}
const std::string kWrite = "state.backend.rocksdb.memory.write-buffer-ratio: ";
const std::string kHigh = "state.backend.rocksdb.memory.high-prio-pool-ratio: ";

TEST(StateMemoryRatios, WhatFlinkRefuses) {
  const auto found = With(kWrite + "0.95\n");
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].severity, Severity::kError);
  EXPECT_THAT(found[0].reason,
              HasSubstr("Invalid configuration: writeBufferRatio 0.95 with highPriPoolRatio 0.1"));
  // 2 x 0.75 / 2.25 = 2/3
  EXPECT_EQ(With(kWrite + "0.75\n" + kHigh + "0.35\n")[0].severity, Severity::kError);
  EXPECT_TRUE(With(kWrite + "0.75\n" + kHigh + "0.32\n").empty());
}

TEST(StateMemoryRatios, Extremes) {
  EXPECT_EQ(With(kWrite + "0.05\n")[0].severity, Severity::kWarning);
  EXPECT_EQ(With(kWrite + "0.85\n")[0].severity, Severity::kWarning);
  EXPECT_EQ(With(kHigh + "0\n")[0].severity, Severity::kWarning);
  EXPECT_EQ(With(kHigh + "0.55\n")[0].severity, Severity::kWarning);
  EXPECT_EQ(With(kWrite + "-0.1\n")[0].severity, Severity::kError);
  EXPECT_EQ(With(kWrite + "NaN\n")[0].severity, Severity::kError);
  EXPECT_TRUE(With(kWrite + "0.5\n" + kHigh + "0.1\n").empty());
  EXPECT_TRUE(With("").empty());
}

}  // namespace
}  // namespace wrackline::flink::lint
