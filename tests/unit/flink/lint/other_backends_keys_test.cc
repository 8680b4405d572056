#include <gmock/gmock.h>

#include "tests/unit/flink/lint/lint_text.h"

namespace wrackline::flink::lint {
namespace {

using ::testing::HasSubstr;

TEST(OtherBackendsKeys, HeapChosen) {
  const auto found =
      Of(LintText("state.backend.type: hashmap\nstate.backend.rocksdb.writebuffer.size: "
                  "32m\nstate.backend.rocksdb.writebuffer.count: 3\n"),
         "other-backends-keys");
  ASSERT_EQ(found.size(), 1u);  // once, at the first
  EXPECT_EQ(found[0].at.line, 2);
  EXPECT_EQ(found[0].severity, Severity::kWarning);
}

TEST(OtherBackendsKeys, Mixed) {
  const auto found = Of(LintText("state.backend.rocksdb.writebuffer.size: "
                                 "32m\nstate.backend.forst.writebuffer.size: 32m\n",
                                 "2.1.3", "config.yaml"),
                        "other-backends-keys");
  ASSERT_EQ(found.size(), 1u);
  EXPECT_THAT(found[0].message, HasSubstr("mixed"));
}

TEST(OtherBackendsKeys, NoneChosenIsAnInfo) {
  const auto found =
      Of(LintText("state.backend.rocksdb.writebuffer.size: 32m\n"), "other-backends-keys");
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].severity, Severity::kInfo);
}

TEST(OtherBackendsKeys, TheirOwnAreFine) {
  EXPECT_TRUE(Of(LintText("state.backend: rocksdb\nstate.backend.rocksdb.writebuffer.size: 32m\n",
                          "1.14.6"),
                 "other-backends-keys")
                  .empty());
}

}  // namespace
}  // namespace wrackline::flink::lint
