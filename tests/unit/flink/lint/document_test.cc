#include "analyzer/flink/lint/document.h"

#include <gtest/gtest.h>

#include <map>
#include <string>

#include "tests/unit/flink/recorded_rows.h"

namespace wrackline::flink::lint {
namespace {

TEST(Document, FlatPlaces) {
  const Document d =
      ReadDocument("# comment\r\n\ta.b:  x y # tail\nc: 1", "f", ConfigFormat::kFlat);
  ASSERT_EQ(d.entries.size(), 2u);
  EXPECT_EQ(d.entries[0].key_at, (Location{"f", 2, 2, 3}));
  EXPECT_EQ(d.entries[0].value_at, (Location{"f", 2, 8, 3}));
  EXPECT_EQ(d.entries[0].value, "x y");
  EXPECT_EQ(d.entries[1].value_at, (Location{"f", 3, 4, 1}));
}

TEST(Document, ColumnsCountCharacters) {
  const Document flat = ReadDocument("schl\xC3\xBCssel: w\xC3\xA4rt", "f", ConfigFormat::kFlat);
  ASSERT_EQ(flat.entries.size(), 1u);
  EXPECT_EQ(flat.entries[0].key_at, (Location{"f", 1, 1, 9}));
  EXPECT_EQ(flat.entries[0].value_at, (Location{"f", 1, 12, 4}));
  const Document yaml = ReadDocument("schl\xC3\xBCssel: w\xC3\xA4rt", "f", ConfigFormat::kYaml);
  ASSERT_EQ(yaml.entries.size(), 1u);
  EXPECT_EQ(yaml.entries[0].value_at, (Location{"f", 1, 12, 4}));
}

TEST(Document, YamlPlacesOfNestedKeys) {
  const Document d = ReadDocument("a:\n  b:\n    c: 4g\n  'd.e': [1, 2]\nf: {g: true}\n", "f",
                                  ConfigFormat::kYaml);
  ASSERT_EQ(d.entries.size(), 3u);
  EXPECT_EQ(d.entries[0].key, "a.b.c");
  EXPECT_EQ(d.entries[0].key_at, (Location{"f", 3, 5, 1}));
  EXPECT_EQ(d.entries[0].value_at, (Location{"f", 3, 8, 2}));
  EXPECT_EQ(d.entries[1].key, "a.d.e");
  EXPECT_EQ(d.entries[1].value, "[1, 2]");
  EXPECT_EQ(d.entries[2].key, "f.g");
  EXPECT_EQ(d.entries[2].key_at, (Location{"f", 5, 5, 1}));
}

TEST(Document, YamlWithAByteOrderMark) {
  const Document d = ReadDocument(
      "\xEF\xBB\xBF"
      "ab: 1\ncd: 2\n",
      "f", ConfigFormat::kYaml);
  ASSERT_EQ(d.entries.size(), 2u);
  EXPECT_EQ(d.entries[0].key, "ab");
  EXPECT_EQ(d.entries[0].value_at, (Location{"f", 1, 5, 1}));
  EXPECT_EQ(d.entries[1].value_at, (Location{"f", 2, 5, 1}));
}

TEST(Document, RefusedYamlHasItsLine) {
  const Document d =
      ReadDocument("a: 1\nb:\n  c: 1\n  c: 2\n", "x/config.yaml", ConfigFormat::kYaml);
  ASSERT_TRUE(d.problem.has_value());
  EXPECT_EQ(d.problem_at.line, 4);
  EXPECT_EQ(d.problem->message, "found duplicate key c");
  EXPECT_TRUE(d.entries.empty());
}

// The places are found by other code than the values: both must mean the same file.
TEST(Document, ReadsWhatTheParsersRead) {
  int accepted = 0;
  for (const char* version : {"1.10.0", "1.19.3", "2.0.2"}) {
    for (const auto& row : LoadRows("flink-conf-parse", version)) {
      const bool yaml = row.at("file") == "config.yaml";
      const std::string text = row.at("text").get<std::string>();
      const Document d = ReadDocument(text, "f", yaml ? ConfigFormat::kYaml : ConfigFormat::kFlat);
      EXPECT_EQ(d.problem.has_value(), !row.at("ok").get<bool>()) << row.at("id");
      if (!row.at("ok").get<bool>()) continue;
      ++accepted;
      std::map<std::string, std::string> read;
      for (const auto& [key, value] : d.Read()) read[key] = value.text;
      EXPECT_EQ(read, (row.at("map").get<std::map<std::string, std::string>>())) << row.at("id");
    }
  }
  EXPECT_GT(accepted, 10);
}

}  // namespace
}  // namespace wrackline::flink::lint
