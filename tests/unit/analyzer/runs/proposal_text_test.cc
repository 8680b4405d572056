// The forms of a proposal that people read, and JSON.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>

#include "analyzer/render/markdown.h"
#include "analyzer/render/proposal.h"
#include "tests/unit/analyzer/runs/proposal_example.h"

namespace wrackline::render {
namespace {

using testing::Example;
using ::testing::HasSubstr;
using testing::HostileExample;
using testing::NoFit;
using ::testing::Not;
using ::testing::StartsWith;

std::vector<std::string> Lines(const std::string& text) {
  std::istringstream stream(text);
  std::vector<std::string> lines;
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

// Bars that end a cell: not those behind a backslash.
std::size_t Bars(const std::string& line) {
  std::size_t bars = 0;
  for (std::size_t i = 0; i < line.size(); ++i) {
    if (line[i] == '\\') {
      ++i;
    } else if (line[i] == '|') {
      ++bars;
    }
  }
  return bars;
}

void ExpectWholeTables(const std::string& markdown) {
  std::size_t columns = 0, rows = 0;
  for (const std::string& line : Lines(markdown)) {
    if (!line.starts_with('|')) {
      columns = 0;
      continue;
    }
    if (columns == 0) columns = Bars(line);
    EXPECT_EQ(Bars(line), columns) << line;
    ++rows;
  }
  EXPECT_GT(rows, 8u);
}

TEST(ProposalMarkdown, HasTheVerdictTheComponentsTheChangesAndTheBackTest) {
  const std::string text = ProposalMarkdown(Example());
  EXPECT_THAT(text, StartsWith("**It fits.** Give each component what it needs."));
  EXPECT_THAT(text, HasSubstr("| JVM heap | 90.0 MiB | 135.0 MiB | 512.0 MiB | **256.0 MiB** |"));
  EXPECT_THAT(text, HasSubstr("| network | not known | 64.0 MiB | 64.0 MiB | 64.0 MiB |"));
  EXPECT_THAT(text, HasSubstr("| `taskmanager.memory.process.size` | `1024m` | `1536m` |"));
  EXPECT_THAT(text, HasSubstr("| *not set* | `64m` |"));
  EXPECT_THAT(text, HasSubstr("| `0.4` | *remove it* |"));
  EXPECT_THAT(text, HasSubstr("`taskmanager.memory.jvm-metaspace.size: 256m`: it is enough"));
  EXPECT_THAT(text, HasSubstr("at least 336.0 MiB of 1.50 GiB stay free"));
  EXPECT_THAT(text, HasSubstr("| monday.wrack | lives |"));
  ExpectWholeTables(text);
}

TEST(ProposalMarkdown, NothingFromOutsideIsMarkup) {
  const std::string text = ProposalMarkdown(HostileExample());
  ExpectWholeTables(text);
  // Nothing of it begins a line, an element, a mention or a link.
  for (const char* markup : {"\n# z", "<script>", "](http", "@team", "\x1b", "${HOME}"})
    EXPECT_THAT(text, Not(HasSubstr(markup)));
}

TEST(ProposalMarkdown, SaysWhenNothingFits) {
  const std::string text = ProposalMarkdown(NoFit());
  EXPECT_THAT(text, StartsWith("**Nothing fits this limit.** "));
  EXPECT_THAT(text, Not(HasSubstr("|")));
}

TEST(ProposalMarkdown, TheWorstRunsComeFirstAndNotAllOfAThousand) {
  sizing::Proposal p = Example();
  for (int i = 0; i < 1000; ++i) {
    sizing::Replay replay = p.backtest->replays[0];
    replay.run = "r" + std::to_string(i);
    replay.headroom = i * kKiB;
    p.backtest->replays.push_back(replay);
  }
  p.backtest->replays.back().death = sizing::Death::kHeap;
  p.backtest->replays.back().died_at = std::chrono::seconds(75);
  p.backtest->survives = false;
  const std::string text = ProposalMarkdown(p);
  EXPECT_THAT(text, HasSubstr("would have died."));
  EXPECT_THAT(text, HasSubstr("| r999 | heap | "));
  EXPECT_LT(text.find("| r999 "), text.find("| r0 "));
  EXPECT_THAT(text, HasSubstr("The worst 20 of 1001 runs."));
  EXPECT_THAT(text, Not(HasSubstr("| r500 ")));
}

TEST(MarkdownText, IsOneLineOfPlainText) {
  EXPECT_EQ(MarkdownText("a plain sentence, 3/2 of 64.0 MiB."),
            "a plain sentence, 3/2 of 64.0 MiB.");
  EXPECT_EQ(MarkdownText("- x"), "\\- x");
  EXPECT_EQ(MarkdownText("1. x"), "1\\. x");
  EXPECT_EQ(MarkdownText("@a"), "@<!-- -->a");
  EXPECT_EQ(MarkdownText("a<b>"), "a\\<b\\>");
  EXPECT_EQ(MarkdownText("x\ny"), "x\\\\x0ay");
  EXPECT_EQ(MarkdownCode("a`b|c"), "<code>a&#96;b&#124;c</code>");
  EXPECT_EQ(MarkdownCode(""), "");
}

TEST(ProposalJson, HasEveryField) {
  const std::string text = ProposalJson(HostileExample());
  EXPECT_TRUE(std::all_of(text.begin(), text.end(), [](char c) { return c > 0; }));
  const nlohmann::json json = nlohmann::json::parse(text);
  EXPECT_EQ(json.at("schema"), 1);
  EXPECT_EQ(json.at("fits"), true);
  EXPECT_EQ(json.at("changes").size(), 6u);
  EXPECT_EQ(json.at("settings").at("state.backend.rocksdb.memory.managed"), true);
  EXPECT_EQ(json.at("components").at(0).at("peak"), 90 << 20);
  EXPECT_FALSE(json.at("components").at(1).contains("peak"));
  EXPECT_EQ(json.at("components").at(1).at("after"), 64 << 20);
  EXPECT_EQ(json.at("kept").size(), 1u);
  EXPECT_EQ(json.at("/backtest/memory/total_process"_json_pointer), 1536 << 20);
  EXPECT_EQ(json.at("/backtest/replays/0/lives"_json_pointer), true);
  EXPECT_FALSE(json.at("/backtest/replays/0"_json_pointer).contains("died_at_ms"));
}

TEST(ProposalJson, OfOneThatDoesNotFitHasNothingToApply) {
  const nlohmann::json json = nlohmann::json::parse(ProposalJson(NoFit()));
  EXPECT_EQ(json.at("fits"), false);
  EXPECT_EQ(json.at("settings").size(), 0u);
  EXPECT_EQ(json.at("smallest_limit"), 712 << 20);
  for (const char* key : {"components", "kept", "backtest"})
    EXPECT_FALSE(json.contains(key)) << key;
}

TEST(ProposalText, HasATableOfComponents) {
  const std::string text = ProposalText(Example(), {});
  EXPECT_THAT(text,
              HasSubstr("  component                 seen       needs      before       after\n"
                        "  JVM heap              90.0 MiB   135.0 MiB   512.0 MiB   256.0 MiB\n"
                        "  network              not known    64.0 MiB    64.0 MiB    64.0 MiB\n"
                        "  process                                                   1.50 GiB\n"));
  EXPECT_THAT(text, HasSubstr("JVM heap: 3/2 of its use"));
  EXPECT_THAT(text, HasSubstr("taskmanager.memory.jvm-metaspace.size: 256m  it is enough"));
  EXPECT_THAT(text, HasSubstr("under these settings:\n  It would have lived: at least 336.0 MiB"));
  for (const std::string& line : Lines(ProposalText(HostileExample(), {})))
    EXPECT_EQ(line.find_first_of("\x1b\xff"), std::string::npos);
}

}  // namespace
}  // namespace wrackline::render
