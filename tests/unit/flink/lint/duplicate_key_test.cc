#include "tests/unit/flink/lint/lint_text.h"

namespace wrackline::flink::lint {
namespace {

TEST(DuplicateKey, NamesEveryLineButTheLast) {
  const auto found = Of(LintText("a.b: 1\n# a.b: 2\n  a.b: 3 # three\na.b: 4\n"), "duplicate-key");
  ASSERT_EQ(found.size(), 2u);
  EXPECT_EQ(found[0].at, (Location{"flink-conf.yaml", 1, 1, 3}));
  EXPECT_EQ(found[1].at, (Location{"flink-conf.yaml", 3, 3, 3}));
  EXPECT_NE(found[1].message.find("line 4"), std::string::npos) << found[1].message;
  EXPECT_NE(found[1].reason.find("'4'"), std::string::npos) << found[1].reason;
}

TEST(DuplicateKey, SeesTwoSpellingsOfOneKeyInYaml) {
  const auto found = Of(LintText("a:\n  b: 1\na.b: 2\n", "1.20.5", "config.yaml"), "duplicate-key");
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].at.line, 2);
}

}  // namespace
}  // namespace wrackline::flink::lint
