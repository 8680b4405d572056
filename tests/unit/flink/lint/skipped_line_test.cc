#include <gmock/gmock.h>

#include "tests/unit/flink/lint/lint_text.h"

namespace wrackline::flink::lint {
namespace {

using ::testing::HasSubstr;

TEST(SkippedLine, SaysHowToWriteIt) {
  const auto found = Of(LintText("a.b:1\nc.d=2\ntaskmanager:\n  numberOfTaskSlots: 2\nnonsense\n"),
                        "skipped-line");
  ASSERT_EQ(found.size(), 4u);
  EXPECT_THAT(found[0].fix, HasSubstr("\"a.b: 1\""));
  EXPECT_THAT(found[1].fix, HasSubstr("\"c.d: 2\""));
  EXPECT_THAT(found[2].fix, HasSubstr("config.yaml"));
  EXPECT_EQ(found[3].at, (Location{"flink-conf.yaml", 5, 1, 8}));
}

TEST(SkippedLine, CommentsAndDocumentMarksAreNone) {
  EXPECT_TRUE(Of(LintText("---\n# a.b:1\n\n   \na.b: http://x:1\n"), "skipped-line").empty());
}

}  // namespace
}  // namespace wrackline::flink::lint
