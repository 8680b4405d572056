// The report as a page in a terminal: every width, both character sets, over real recordings.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "analyzer/render/inert.h"

namespace wrackline::render {
namespace {

using testing::HasSubstr;
using testing::Not;

std::string Wrackline(const std::string& locale, const std::string& arguments) {
  const std::string command =
      "LC_ALL=" + locale + " " + WRACKLINE_BINARY + " " + arguments + " 2>/dev/null";
  const std::unique_ptr<FILE, int (*)(FILE*)> out(popen(command.c_str(), "r"), pclose);
  std::string text;
  char piece[4096];
  for (std::size_t got; (got = fread(piece, 1, sizeof(piece), out.get())) > 0;)
    text.append(piece, got);
  return text;
}

std::string Recording(const char* name) {
  return std::string(WRACKLINE_TEST_DATA) + "/recordings/" + name + ".wrackpack";
}

std::vector<std::string> Lines(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

std::string LineWith(const std::string& text, const std::string& what) {
  for (const std::string& line : Lines(text))
    if (line.find(what) != std::string::npos) return line;
  return "";
}

class TextPage : public testing::TestWithParam<const char*> {};

TEST_P(TextPage, NoLineIsWiderThanThePage) {
  for (const int width : {80, 100, 120, 160, 200}) {
    for (const char* locale : {"C.UTF-8", "C"}) {
      const std::string text = Wrackline(
          locale, "report --width " + std::to_string(width) + " " + Recording(GetParam()));
      ASSERT_GT(Lines(text).size(), 30u);
      for (const std::string& line : Lines(text)) {
        EXPECT_LE(Columns(line), static_cast<std::size_t>(width)) << line;
        EXPECT_EQ(line.find('\x1b'), std::string::npos) << line;
      }
    }
  }
}

TEST_P(TextPage, WithoutUtf8ItIsAscii) {
  for (const std::string& text :
       {Wrackline("C", "report " + Recording(GetParam())),
        Wrackline("C.UTF-8", "report --ascii " + Recording(GetParam()))}) {
    ASSERT_FALSE(text.empty());
    for (const char c : text) ASSERT_TRUE(c == '\n' || (c >= 0x20 && c < 0x7f)) << text;
  }
}

TEST_P(TextPage, BeginsWithWhatIsReadFirst) {
  const std::string text = Wrackline("C.UTF-8", "report " + Recording(GetParam()));
  EXPECT_TRUE(text.starts_with("wrackline: "));
  // The verdict is the first paragraph after the title.
  std::string verdict = text.substr(text.find("\n\n") + 2);
  verdict.resize(verdict.find('\n'));
  EXPECT_TRUE(verdict.starts_with("Killed by ") || verdict.starts_with("It ended ")) << verdict;
  std::size_t at = 0;
  for (const char* part : {"\nThe last ", "\nWhat was found", "\nWhere the memory was",
                           "\nTop sites", "\nHow far to trust this"}) {
    const std::size_t found = text.find(part, at);
    ASSERT_NE(found, std::string::npos) << part;
    at = found;
  }
}

INSTANTIATE_TEST_SUITE_P(Recordings, TextPage,
                         testing::Values("taskmanager_glibc_killed", "taskmanager_jemalloc_killed",
                                         "four_states_killed"),
                         [](const auto& info) { return info.param; });

TEST(TextPageBars, AreInProportionToTheLimit) {
  const std::string text =
      Wrackline("C", "report --width 200 --limit 1000m " + Recording("taskmanager_glibc_killed"));
  const std::string heap = LineWith(text, "  Java heap");
  const std::string all = LineWith(text, "  charge   ");
  const auto bars = [](const std::string& line) {
    return static_cast<double>(std::count(line.begin(), line.end(), '#'));
  };
  ASSERT_GT(bars(heap), 0);
  // 66.4 and 437.3 of 1000 MiB, in a bar of 35 columns.
  const std::string total = LineWith(text, "100.0 %");
  EXPECT_NEAR(bars(total) / bars(heap), 437.3 / 66.4, 1.5) << heap << "\n" << total;
  EXPECT_NEAR(bars(total) / 39, 0.4373, 0.03) << total;
}

TEST(TextPageSmall, IdleFamiliesAreOneRow) {
  const std::string text = Wrackline("C.UTF-8", "report " + Recording("taskmanager_glibc_killed"));
  EXPECT_THAT(text, HasSubstr(" idle ones"));
  EXPECT_THAT(text, Not(HasSubstr("_timer_state/pro")));
}

}  // namespace
}  // namespace wrackline::render
