#include <gmock/gmock.h>

#include "tests/unit/flink/lint/lint_text.h"

namespace wrackline::flink::lint {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

TEST(OverDetermined, EachPair) {
  const auto lines = [](const std::string& text) {
    std::vector<int> lines;
    for (const Finding& f : Of(LintText(text), "over-determined")) lines.push_back(f.at.line);
    return lines;
  };
  const std::string
      process = "taskmanager.memory.process.size: 4g\n",
      flink = "taskmanager.memory.flink.size: 3400m\n",
      parts = "taskmanager.memory.task.heap.size: 1g\ntaskmanager.memory.managed.size: 1g\n";
  EXPECT_THAT(lines(process + flink), ElementsAre(2));
  EXPECT_THAT(lines(process + parts), ElementsAre(2));
  EXPECT_THAT(lines(flink + parts), ElementsAre(1));
  EXPECT_THAT(lines(process + flink + parts), ElementsAre(2, 2));
  EXPECT_THAT(lines(process), IsEmpty());
  EXPECT_THAT(lines(flink), IsEmpty());
  EXPECT_THAT(lines(parts), IsEmpty());
}

TEST(OverDetermined, SaysWhatTheRestIs) {
  const auto found =
      Of(LintText("taskmanager.memory.process.size: 4g\ntaskmanager.memory.flink.size: 3400m\n"),
         "over-determined");
  EXPECT_THAT(found[0].reason, HasSubstr("Here it gets 440.0 MiB"));  // 4096 - 3400 - 256
}

}  // namespace
}  // namespace wrackline::flink::lint
