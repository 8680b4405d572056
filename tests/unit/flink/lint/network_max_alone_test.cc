#include <gmock/gmock.h>

#include "tests/unit/flink/lint/lint_text.h"

namespace wrackline::flink::lint {
namespace {

using ::testing::HasSubstr;

TEST(NetworkMaxAlone, WithoutEffect) {
  const auto found =
      Of(LintText("taskmanager.memory.process.size: 4g\ntaskmanager.memory.network.max: 1g\n"),
         "network-max-alone");
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].severity, Severity::kWarning);
  EXPECT_THAT(found[0].message, HasSubstr("the network gets 343.0 MiB"));
}

TEST(NetworkMaxAlone, ACapIsAnInfo) {
  const auto found =
      Of(LintText("taskmanager.memory.process.size: 4g\ntaskmanager.memory.network.max: 128m\n"),
         "network-max-alone");
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].severity, Severity::kInfo);
  EXPECT_THAT(found[0].reason, HasSubstr("343.0 MiB"));
}

TEST(NetworkMaxAlone, UnderItsOldName) {
  const auto found =
      Of(LintText("taskmanager.memory.process.size: 4g\ntaskmanager.network.memory.max: 1g\n"),
         "network-max-alone");
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].at.line, 2);
}

TEST(NetworkMaxAlone, WithMinOrFractionItIsNone) {
  for (const char* other :
       {"taskmanager.memory.network.min: 1g", "taskmanager.network.memory.fraction: 0.2"})
    EXPECT_TRUE(
        Of(LintText(
               std::string(
                   "taskmanager.memory.process.size: 4g\ntaskmanager.memory.network.max: 1g\n") +
               other + "\n"),
           "network-max-alone")
            .empty());
}

}  // namespace
}  // namespace wrackline::flink::lint
