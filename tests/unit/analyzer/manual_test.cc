#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "analyzer/cli/commands.h"
#include "analyzer/cli/manual/page.h"

namespace wrackline::cli {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

// An example's words as a shell splits them, up to where its output goes elsewhere.
std::vector<std::string> Words(std::string_view command) {
  std::vector<std::string> words;
  std::string word;
  char quote = 0;
  bool any = false;
  for (const char c : command) {
    if (quote != 0 ? c == quote : (c == '\'' || c == '"')) {
      quote = quote != 0 ? char{0} : c;
      any = true;
    } else if (quote == 0 && c == ' ') {
      if (any) words.push_back(word);
      word.clear();
      any = false;
    } else {
      word += c;
      any = true;
    }
  }
  if (any) words.push_back(word);
  const auto end = std::find_if(words.begin(), words.end(), [](const std::string& one) {
    return one == ">" || one == "<" || one == "|";
  });
  words.erase(end, words.end());
  return words;
}

TEST(Manual, EverySubcommandHasTextsAndEveryTextIsOfOne) {
  const Commands commands = DeclareCommands({});
  const std::vector<Page> pages = MakePages(*commands.app);
  EXPECT_EQ(pages.size(), AllTexts().size());
  for (const Page& page : pages) {
    ASSERT_NE(page.texts, nullptr) << page.name;
    EXPECT_FALSE(page.texts->examples.empty()) << page.name;
    EXPECT_FALSE(page.texts->exits.empty()) << page.name;
    EXPECT_FALSE(page.texts->about.empty()) << page.name;
    for (const std::string_view other : page.texts->see_also) {
      const bool subcommand = other.find('(') == std::string_view::npos;
      EXPECT_TRUE(!subcommand || TextsOf(other) != nullptr) << other;
    }
  }
}

TEST(Manual, EveryExampleParses) {
  for (const Texts& texts : AllTexts()) {
    for (const Example& example : texts.examples) {
      // What follows a pipe is an example too.
      const std::size_t at = example.command.find("wrackline ");
      ASSERT_NE(at, std::string_view::npos) << example.command;
      std::vector<std::string> words = Words(example.command.substr(at));
      const auto dashes = std::find(words.begin(), words.end(), "--");
      const std::vector<std::string> run(dashes == words.end() ? dashes : dashes + 1, words.end());
      words.erase(dashes, words.end());
      words.erase(words.begin());
      if (!words.empty() && words.back().ends_with(")")) words.back().pop_back();
      std::reverse(words.begin(), words.end());  // as the parser takes them
      const Commands commands = DeclareCommands(run);
      try {
        commands.app->parse(words);
      } catch (const CLI::Error& error) {
        ADD_FAILURE() << example.command << ": " << error.what();
      }
    }
  }
}

TEST(Manual, HelpKeepsToItsWidth) {
  const Commands commands = DeclareCommands({});
  for (const Page& page : MakePages(*commands.app)) {
    for (const std::size_t width : {60u, 80u, 100u}) {
      std::istringstream lines(HelpText(page, width));
      bool example = false;
      for (std::string line; std::getline(lines, line);) {
        if (line.ends_with(":")) example = line == "Examples:" || line == "Usage:";
        if (example) continue;
        EXPECT_LE(line.size(), width) << page.name << ": " << line;
        EXPECT_FALSE(line.ends_with(" ")) << page.name << ": " << line;
      }
    }
  }
}

TEST(Manual, WrapsAtBlanks) {
  EXPECT_THAT(Wrap("a bb  ccc dddd", 6), testing::ElementsAre("a bb", "ccc", "dddd"));
  EXPECT_THAT(Wrap("longer-than-that x", 4), testing::ElementsAre("longer-than-that", "x"));
  EXPECT_THAT(Wrap("", 10), IsEmpty());
}

TEST(Manual, ManPagesTakeTextLiterally) {
  Texts texts{"x", "\\fBnot bold\\fR", {".SH not a section", "'quoted' \"too\" -o ~ ^ `"}, {}, {},
              {}};
  Page page;
  page.name = "wrackline x";
  page.summary = "Do x";
  page.texts = &texts;
  const std::string man = ManPage(page, "1.0");
  EXPECT_THAT(man, HasSubstr("\\efBnot bold\\efR"));
  EXPECT_THAT(man, HasSubstr("\n\\&.SH not a section\n"));
  EXPECT_THAT(man, HasSubstr("\n\\&\\(aqquoted\\(aq \"too\" \\-o \\(ti \\(ha \\(ga\n"));
}

TEST(Manual, ACompletionIsOfAShellThatIsKnown) {
  const Commands commands = DeclareCommands({});
  const std::vector<Page> pages = MakePages(*commands.app);
  for (const char* shell : {"bash", "zsh", "fish"})
    EXPECT_NE(Completion(pages, shell), "") << shell;
  EXPECT_EQ(Completion(pages, "csh"), "");
}

TEST(Manual, UsageErrorsSayWhatWasMeant) {
  const Commands commands = DeclareCommands({});
  const CLI::App& app = *commands.app;
  EXPECT_THAT(UsageError(app, "report", "The following argument was not expected: --formt"),
              HasSubstr("(did you mean '--format'? see wrackline report --help)"));
  EXPECT_THAT(UsageError(app, "report", "--format: jsn not in {text,json,html,event}"),
              HasSubstr("did you mean 'json'?"));
  EXPECT_THAT(UsageError(app, "", "The following argument was not expected: --versoin"),
              HasSubstr("did you mean '--version'? see wrackline --help)"));
  EXPECT_EQ(UsageError(app, "pack", "file is required"),
            "file is required (see wrackline pack --help)");
}

// docs/preload.md has the table for those who read it there, with links; preload/settings.cc reads the variables.
TEST(Manual, ThePreloadsVariablesAreThoseOfItsDocumentAndOfItsCode) {
  std::vector<std::string> documented, read;
  std::ifstream document(std::string(WRACKLINE_DOCS) + "/preload.md");
  ASSERT_TRUE(document);
  for (std::string line; std::getline(document, line);) {
    if (!line.starts_with("| `WRACKLINE_")) continue;
    documented.push_back(line.substr(3, line.find('`', 3) - 3));
  }
  std::ifstream code(std::string(WRACKLINE_DOCS) + "/../preload/settings.cc");
  ASSERT_TRUE(code);
  for (std::string line; std::getline(code, line);) {
    for (std::size_t at = 0; (at = line.find("\"WRACKLINE_", at)) != std::string::npos; ++at) {
      const std::string word = line.substr(at + 1, line.find('"', at + 1) - at - 1);
      if (word.find(' ') == std::string::npos) read.push_back(word);
    }
  }
  std::vector<std::string> told;
  for (const EnvironmentVariable& variable : PreloadEnvironment()) {
    told.emplace_back(variable.name);
    EXPECT_TRUE(variable.example.starts_with(variable.name)) << variable.name;
  }
  EXPECT_THAT(documented, testing::ElementsAreArray(told));
  std::sort(read.begin(), read.end());
  read.erase(std::unique(read.begin(), read.end()), read.end());
  EXPECT_THAT(read, testing::UnorderedElementsAreArray(told));
}

}  // namespace
}  // namespace wrackline::cli
