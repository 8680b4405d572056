#include <gmock/gmock.h>

#include "tests/unit/flink/lint/lint_text.h"

namespace wrackline::flink::lint {
namespace {

using ::testing::HasSubstr;

// 4 GiB: managed 1372 MiB, overhead 409.6 MiB.
std::vector<Finding> With(const std::string& fixed, int slots) {
  return Of(LintText("taskmanager.memory.process.size: 4g\nstate.backend.type: "
                     "rocksdb\nstate.backend.rocksdb.memory.fixed-per-slot: " +
                     fixed + "\ntaskmanager.numberOfTaskSlots: " + std::to_string(slots) + "\n"),
            "fixed-state-memory");
}

TEST(FixedStateMemory, TimesSlots) {
  EXPECT_TRUE(With("1372m", 1).empty());
  ASSERT_EQ(With("343m", 4).size(), 0u);
  ASSERT_EQ(With("344m", 4).size(), 1u);
  EXPECT_EQ(With("344m", 4)[0].severity, Severity::kWarning);
  EXPECT_THAT(With("344m", 4)[0].message, HasSubstr("1.34 GiB (344.0 MiB in each slot)"));
  ASSERT_EQ(With("1g", 4).size(), 1u);
  EXPECT_EQ(With("1g", 4)[0].severity, Severity::kError);
}

TEST(FixedStateMemory, HostileNumbers) {
  EXPECT_TRUE(With("9223372036854775807", 2000000000).empty());
  EXPECT_TRUE(With("1g", 0).empty());
}

TEST(FixedStateMemory, OfTheTaskManager) {
  EXPECT_EQ(Of(LintText("taskmanager.memory.process.size: 4g\nstate.backend.type: "
                        "rocksdb\nstate.backend.rocksdb.memory.managed: "
                        "false\nstate.backend.rocksdb.memory.fixed-per-tm: 3g\n"),
               "fixed-state-memory")
                .size(),
            1u);
}

}  // namespace
}  // namespace wrackline::flink::lint
