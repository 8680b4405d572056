#include "analyzer/render/lint.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <string>

namespace wrackline::render {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;
using ::testing::Not;

const std::string kText =
    "taskmanager.memory.process.size: 4Gi\n"
    "taskmanager.memory.heap.size: 8g\n"
    "env.java.opts.all: -XX:NativeMemoryTracking=summary\n";

flink::lint::LintReport Lint(const std::string& text,
                             const std::string& file = "conf/my file.yaml") {
  flink::lint::LintInput input;
  input.text = text;
  input.file = file;
  return flink::lint::Lint(input, {});
}

TEST(LintText, PlaceSeverityAndMark) {
  const std::string text = RenderLintText(Lint(kText), kText, {});
  EXPECT_THAT(text, HasSubstr("conf/my file.yaml:1:34: error: '4Gi' is no value for "
                              "taskmanager.memory.process.size [unparsable-value]\n"
                              "    taskmanager.memory.process.size: 4Gi\n"
                              "                                     ^^^\n"));
  EXPECT_THAT(text, HasSubstr("    Fix: "));
  EXPECT_THAT(
      text,
      HasSubstr("conf/my file.yaml, read as Flink 1.20.0 does: 1 error, 1 warning, 1 info\n"));
  EXPECT_THAT(text, Not(HasSubstr("\x1b")));
}

TEST(LintText, ColoursWhereWanted) {
  EXPECT_THAT(RenderLintText(Lint(kText), kText, {.colour = true}), HasSubstr("\x1b["));
}

TEST(LintText, HostileTextIsInert) {
  const std::string text = "taskmanager.memory.x\x1b[31m\u202e: 1\n";
  const std::string shown = RenderLintText(Lint(text), text, {});
  EXPECT_THAT(shown, HasSubstr("unknown-key"));
  EXPECT_THAT(shown, Not(HasSubstr("\x1b")));
  EXPECT_THAT(shown, Not(HasSubstr("\u202e")));
}

TEST(LintText, NoFinding) {
  const std::string text = "taskmanager.memory.process.size: 4g\n";
  EXPECT_EQ(RenderLintText(Lint(text, "f"), text, {}),
            "f, read as Flink 1.20.0 does: no finding\n");
}

TEST(LintJson, Fields) {
  const json document = json::parse(RenderLintJson(Lint(kText)));
  EXPECT_EQ(document.at("schema"), kLintJsonSchema);
  EXPECT_EQ(document.at("file"), "conf/my file.yaml");
  EXPECT_EQ(document.at("flink_version"), "1.20.0");
  EXPECT_EQ(document.at("counts"), (json{{"error", 1}, {"warning", 1}, {"info", 1}}));
  const json& first = document.at("findings").at(0);
  EXPECT_EQ(first.at("rule"), "unparsable-value");
  EXPECT_EQ(first.at("severity"), "error");
  EXPECT_EQ(first.at("line"), 1);
  EXPECT_EQ(first.at("column"), 34);
  EXPECT_EQ(first.at("length"), 3);
  for (const char* field : {"message", "reason", "fix"})
    EXPECT_FALSE(first.at(field).get<std::string>().empty());
}

TEST(LintJson, WithoutAPlaceWithoutALine) {
  const json document = json::parse(RenderLintJson(Lint("")));
  EXPECT_FALSE(document.at("findings").at(0).contains("line"));
}

TEST(LintJson, BytesThatAreNoTextAreReplaced) {
  EXPECT_TRUE(json::accept(RenderLintJson(Lint("taskmanager.memory.\xff\xfe: 1\n", "f\xff"))));
}

// What the standard asks of a file (SARIF 2.1.0): members, types, references.
void ExpectValidSarif(const json& log) {
  EXPECT_EQ(log.at("version"), "2.1.0");
  EXPECT_THAT(log.at("$schema").get<std::string>(), HasSubstr("sarif-2.1.0"));
  ASSERT_EQ(log.at("runs").size(), 1u);
  const json& run = log.at("runs").at(0);
  EXPECT_EQ(run.at("columnKind"), "unicodeCodePoints");
  const json& driver = run.at("tool").at("driver");
  EXPECT_EQ(driver.at("name"), "wrackline");
  const json& rules = driver.at("rules");
  for (const json& rule : rules) {
    EXPECT_FALSE(rule.at("id").get<std::string>().empty());
    for (const char* text : {"shortDescription", "fullDescription", "help"})
      EXPECT_FALSE(rule.at(text).at("text").get<std::string>().empty());
    EXPECT_THAT(rule.at("defaultConfiguration").at("level").get<std::string>(),
                ::testing::AnyOf("note", "warning", "error"));
  }
  for (const json& result : run.at("results")) {
    const auto index = result.at("ruleIndex").get<std::size_t>();
    ASSERT_LT(index, rules.size());
    EXPECT_EQ(rules.at(index).at("id"), result.at("ruleId"));
    EXPECT_THAT(result.at("level").get<std::string>(),
                ::testing::AnyOf("note", "warning", "error"));
    EXPECT_FALSE(result.at("message").at("text").get<std::string>().empty());
    ASSERT_EQ(result.at("locations").size(), 1u);
    const json& physical = result.at("locations").at(0).at("physicalLocation");
    const std::string uri = physical.at("artifactLocation").at("uri");
    EXPECT_FALSE(uri.empty());
    EXPECT_EQ(uri.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
                                    "-._~:/?#[]@!$&'()*+,;=%"),
              std::string::npos)
        << uri;
    if (!physical.contains("region")) continue;
    const json& region = physical.at("region");
    EXPECT_GE(region.at("startLine").get<int>(), 1);
    EXPECT_GE(region.value("startColumn", 1), 1);
    EXPECT_GT(region.value("endColumn", 1 << 30), region.value("startColumn", 1));
  }
}

TEST(LintSarif, IsWhatTheStandardAsks) {
  const json log = json::parse(RenderLintSarif(Lint(kText), "1.2.3"));
  ExpectValidSarif(log);
  const json& result = log.at("runs").at(0).at("results").at(0);
  EXPECT_EQ(result.at("ruleId"), "unparsable-value");
  const json& physical = result.at("locations").at(0).at("physicalLocation");
  EXPECT_EQ(physical.at("artifactLocation").at("uri"), "conf/my%20file.yaml");
  EXPECT_EQ(physical.at("region"),
            (json{{"startLine", 1}, {"startColumn", 34}, {"endColumn", 37}}));
  EXPECT_EQ(log.at("runs").at(0).at("results").at(2).at("level"), "note");
}

TEST(LintSarif, NamesOfAnyFile) {
  for (const char* file : {"/abs/olute", "-", "\xff\xfe", "a:b", "schl\xC3\xBCssel"})
    ExpectValidSarif(json::parse(RenderLintSarif(Lint(kText, file), "1.2.3")));
  ExpectValidSarif(json::parse(RenderLintSarif(Lint("", "f"), "1.2.3")));
}

TEST(LintRules, EveryRuleIsInTheListAndExplained) {
  const std::string list = RenderRuleList({});
  for (const flink::lint::Rule* rule : flink::lint::Rules()) {
    EXPECT_THAT(list, HasSubstr(std::string(rule->id) + " "));
    EXPECT_THAT(RenderRule(*rule, {}), HasSubstr(rule->title));
  }
}

TEST(LintRules, TheDocumentIsWhatTheRulesSay) {
  std::ifstream file(WRACKLINE_DOCS "/lint-rules.md");
  ASSERT_TRUE(file.good());
  const std::string document{std::istreambuf_iterator<char>(file),
                             std::istreambuf_iterator<char>()};
  EXPECT_TRUE(document == RenderRulesMarkdown())
      << "make it anew: wrackline lint --rules-document -o docs/lint-rules.md";
}

}  // namespace
}  // namespace wrackline::render
