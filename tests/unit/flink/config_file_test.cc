#include "analyzer/flink/config_file.h"

#include <gmock/gmock.h>

#include "tests/unit/flink/recorded_rows.h"

namespace wrackline::flink {
namespace {

using ::testing::HasSubstr;

class ConfigParseRows : public ::testing::TestWithParam<RecordedFile> {};

TEST_P(ConfigParseRows, EveryRowIsEqual) {
  const Version version = ParseVersion(GetParam().version).value();
  for (const auto& row : LoadRows("flink-conf-parse", GetParam().file)) {
    const auto parsed = ParseConfigFile(row.at("text").get<std::string>(),
                                        row.at("file").get<std::string>(), version);
    ASSERT_EQ(parsed.ok(), row.at("ok").get<bool>()) << row;
    nlohmann::json map = nlohmann::json::object();
    for (const auto& [key, value] : parsed.value()) map[key] = value.text;
    EXPECT_EQ(map, row.at("map")) << row;
  }
}

INSTANTIATE_TEST_SUITE_P(
    Releases, ConfigParseRows,
    ::testing::Values(RecordedFile{"1.10.0", "1.10.0"}, RecordedFile{"1.16.3", "1.10.0"},
                      RecordedFile{"1.18.1", "1.10.0"}, RecordedFile{"1.19.3", "1.19.3"},
                      RecordedFile{"1.20.5", "1.19.3"}, RecordedFile{"2.0.2", "2.0.2"},
                      RecordedFile{"2.3.0", "2.0.2"}),
    NameOf);

std::string YamlError(std::string_view text) {
  const auto parsed = ParseYamlConfig(text, "config.yaml");
  return parsed.ok() ? "accepted" : parsed.error().message;
}

TEST(FlatConfig, LastDuplicateWinsAndKeepsItsLine) {
  const Configuration c =
      ParseFlatConfig("a: 1\n# a: 2\na: 3 # x\nb:4\n: 5\nc: \nd: '6'\n", "flink-conf.yaml");
  EXPECT_EQ(c.Get("a"), "3");
  EXPECT_EQ(c.OriginOf("a").line, 3);
  EXPECT_EQ(c.OriginOf("a").file, "flink-conf.yaml");
  EXPECT_FALSE(c.Contains("b")) << "no space after the colon";
  EXPECT_FALSE(c.Contains(""));
  EXPECT_FALSE(c.Contains("c"));
  EXPECT_EQ(c.Get("d"), "'6'") << "quotes belong to the value";
}

TEST(FlatConfig, EndsLinesAsJavaDoes) {
  const Configuration c = ParseFlatConfig("a: 1\rb: 2\r\nc: 3\n\nd: 4", "f");
  EXPECT_EQ(c.Get("b"), "2");
  EXPECT_EQ(c.OriginOf("c").line, 3);
  EXPECT_EQ(c.OriginOf("d").line, 5);
}

TEST(YamlConfig, NestedAndFlatKeysAndOrigins) {
  const auto c = ParseYamlConfig(
      "taskmanager:\n  memory:\n    flink.size: 3g\n    process:\n      size: \"4g\"\n",
      "conf/config.yaml");
  ASSERT_TRUE(c.ok());
  EXPECT_EQ(c.value().Get("taskmanager.memory.process.size"), "4g");
  EXPECT_EQ(c.value().OriginOf("taskmanager.memory.process.size").line, 5);
  EXPECT_EQ(c.value().Get("taskmanager.memory.flink.size"), "3g");
}

TEST(YamlConfig, ScalarsFollowTheCoreSchema) {
  const auto c = ParseYamlConfig(
      "a: 0x10\nb: 0o17\nc: +5\nd: 1e3\ne: .inf\nf: 'null'\ng: TRUE\nh: -0\ni: 2024-01-01\nj: ''\n",
      "f");
  ASSERT_TRUE(c.ok());
  const auto get = [&](const char* key) { return c.value().Get(key).value_or("(none)"); };
  EXPECT_EQ(get("a"), "16");
  EXPECT_EQ(get("b"), "15");
  EXPECT_EQ(get("c"), "5");
  EXPECT_EQ(get("d"), "1000.0");
  EXPECT_EQ(get("e"), ".inf");
  EXPECT_EQ(get("f"), "null");
  EXPECT_EQ(get("g"), "true");
  EXPECT_EQ(get("h"), "0");
  EXPECT_EQ(get("i"), "2024-01-01");
  EXPECT_EQ(get("j"), "");
}

TEST(YamlConfig, ListsAreWrittenInFlowForm) {
  const auto c = ParseYamlConfig("a:\n  - x\n  - '1'\n  - [b, true]\n  - {k: 'v, w'}\n", "f");
  ASSERT_TRUE(c.ok());
  EXPECT_EQ(c.value().Get("a"), "[x, '1', [b, true], {k: 'v, w'}]");
}

TEST(YamlConfig, WhatFlinkRefusesIsAnErrorWithItsLine) {
  EXPECT_THAT(YamlError("a: 1\na: 2\n"), HasSubstr("config.yaml:2: found duplicate key a"));
  EXPECT_THAT(YamlError("a: 1\nb:\n"), HasSubstr("config.yaml:2: 'b' has no value"));
  EXPECT_THAT(YamlError("a: ~\n"), HasSubstr("'a' has no value"));
  EXPECT_THAT(YamlError("- a\n- b\n"), HasSubstr("not a mapping"));
  EXPECT_THAT(YamlError("1: a\n"), HasSubstr("a key must be text"));
  EXPECT_THAT(YamlError("a: 1\n---\nb: 2\n"), HasSubstr("single document"));
  EXPECT_THAT(YamlError("a: [1\n"), HasSubstr("config.yaml:"));
  EXPECT_THAT(YamlError("\tb: c\n\t- d"), HasSubstr("config.yaml:"));
}

TEST(YamlConfig, HostileTextIsAnError) {
  EXPECT_THAT(YamlError("a: b]\nc: ]\n"), HasSubstr("config.yaml:"));
  EXPECT_THAT(YamlError(",: 0[;y4, 'h;y']"), HasSubstr("config.yaml:"));
  std::string bomb = "a: &a [x, x, x, x, x, x, x, x, x]\n";
  for (char c = 'b'; c <= 'l'; ++c) {
    const std::string previous(1, static_cast<char>(c - 1));
    bomb += std::string(1, c) + ": &" + c + " [";
    for (int i = 0; i < 8; ++i) bomb += "*" + previous + ", ";
    bomb += "*" + previous + "]\n";
  }
  EXPECT_NE(YamlError(bomb), "accepted");
  EXPECT_NE(YamlError("a: " + std::string(100'000, '[')), "accepted");
  std::string deep;
  for (int i = 0; i < 200; ++i) deep += std::string(static_cast<std::size_t>(i), ' ') + "a:\n";
  EXPECT_NE(YamlError(deep + std::string(200, ' ') + "a: 1\n"), "accepted");
  EXPECT_NE(YamlError(std::string(5 * 1024 * 1024, 'a')), "accepted");
}

TEST(ChooseConfigFormat, ByNameVersionAndText) {
  const Version old{1, 16, 3}, both{1, 20, 5}, now{2, 1, 0};
  EXPECT_EQ(ChooseConfigFormat("/opt/flink/conf/flink-conf.yaml", "", both).value(),
            ConfigFormat::kFlat);
  EXPECT_EQ(ChooseConfigFormat("config.yaml", "", both).value(), ConfigFormat::kYaml);
  EXPECT_FALSE(ChooseConfigFormat("config.yaml", "", old).ok());
  EXPECT_FALSE(ChooseConfigFormat("flink-conf.yaml", "", now).ok());
  EXPECT_EQ(ChooseConfigFormat("x", "", now).value(), ConfigFormat::kYaml);
  EXPECT_EQ(ChooseConfigFormat("x", "a:\n  b: c\n", old).value(), ConfigFormat::kFlat);
  EXPECT_EQ(ChooseConfigFormat("x", "a: # nested\n  b: c\n", both).value(), ConfigFormat::kYaml);
  EXPECT_EQ(ChooseConfigFormat("x", "a.b: c\n", std::nullopt).value(), ConfigFormat::kFlat);
}

TEST(ConfigFileOf, TheOldFileWinsUntil2) {
  EXPECT_EQ(ConfigFileOf({1, 20, 5}, true, true), "flink-conf.yaml");
  EXPECT_EQ(ConfigFileOf({1, 20, 5}, false, true), "config.yaml");
  EXPECT_EQ(ConfigFileOf({1, 18, 1}, false, true), "");
  EXPECT_EQ(ConfigFileOf({2, 0, 0}, true, true), "config.yaml");
  EXPECT_EQ(ConfigFileOf({2, 0, 0}, true, false), "");
}

}  // namespace
}  // namespace wrackline::flink
