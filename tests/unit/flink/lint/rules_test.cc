// What holds for every rule, from its own examples.
#include <gtest/gtest.h>

#include <set>
#include <string>

#include "analyzer/evidence/pod_manifest.h"
#include "tests/unit/flink/lint/lint_text.h"

namespace wrackline::flink::lint {
namespace {

class EveryRule : public ::testing::TestWithParam<const Rule*> {};

LintReport LintExample(const Example& example) {
  LintInput input;
  input.text = example.config;
  input.file = example.file;
  const auto version = ParseVersion(example.version);
  EXPECT_TRUE(version.ok());
  if (version.ok()) input.version = version.value();
  input.other_file = example.other_file;
  if (example.manifest == nullptr) return Lint(input, {});
  const auto pod = evidence::FlinkFromManifest(example.manifest, "pod.yaml", {});
  EXPECT_TRUE(pod.ok()) << pod.error().Text();
  if (!pod.ok()) return {};
  input.pod = &pod.value();
  input.additions = pod.value().Additions();
  return Lint(input, {});
}

TEST_P(EveryRule, NamesItsWrongExampleAndNotItsRightOne) {
  const Rule& rule = *GetParam();
  const auto named = Of(LintExample(rule.wrong), rule.id);
  EXPECT_FALSE(named.empty());
  Severity highest = Severity::kInfo;
  for (const Finding& finding : named) {
    highest = std::max(highest, finding.severity);
    EXPECT_FALSE(finding.message.empty());
    EXPECT_FALSE(finding.reason.empty());
    EXPECT_FALSE(finding.fix.empty());
  }
  EXPECT_LE(highest, rule.severity);
  for (const Finding& finding : Of(LintExample(rule.right), rule.id)) {
    ADD_FAILURE() << finding.at.line << ": " << finding.message;
  }
}

TEST_P(EveryRule, IsSilentWhenIgnored) {
  const Rule& rule = *GetParam();
  LintInput input;
  input.text = rule.wrong.config;
  input.file = rule.wrong.file;
  const std::set<std::string, std::less<>> ignore{rule.id};
  EXPECT_TRUE(Of(Lint(input, ignore), rule.id).empty());
}

TEST_P(EveryRule, IsFoundById) { EXPECT_EQ(FindRule(GetParam()->id), GetParam()); }

INSTANTIATE_TEST_SUITE_P(Lint, EveryRule, ::testing::ValuesIn(Rules().begin(), Rules().end()),
                         [](const auto& tested) {
                           std::string name = tested.param->id;
                           for (char& c : name) c = c == '-' ? '_' : c;
                           return name;
                         });

// Work grows with the file, not with its square: this would not end otherwise.
TEST(Rules, LookAtHugeFilesToo) {
  std::string same, unknown, nested;
  for (int i = 0; i < 40000; ++i) {
    same += "taskmanager.numberOfTaskSlots: 1\n";
    unknown += "taskmanager.memory.size" + std::to_string(i) + ": 1\n";
    nested += "k" + std::to_string(i) + ": {b: 1}\nk" + std::to_string(i) + ".b: 2\n";
  }
  EXPECT_EQ(Of(LintText(same), "duplicate-key").size(), 39999u);
  EXPECT_EQ(Of(LintText(unknown), "unknown-key").size(), 40000u);
  EXPECT_EQ(Of(LintText(nested, "2.0.2", "config.yaml"), "duplicate-key").size(), 40000u);
}

TEST(Rules, DoNotKnowWhatIsNone) { EXPECT_EQ(FindRule("no-such-rule"), nullptr); }

}  // namespace
}  // namespace wrackline::flink::lint
