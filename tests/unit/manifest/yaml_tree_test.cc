#include "analyzer/evidence/manifest/yaml_tree.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "analyzer/evidence/manifest/pod_spec.h"

namespace wrackline::evidence {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(YamlTree, Places) {
  const auto read = ParseYaml("a: 1\nb:\n  - {c: 'd e'}\n---\nx: |\n  line\n   two\n", "f");
  ASSERT_TRUE(read.ok());
  ASSERT_EQ(read.value().roots.size(), 2u);
  const YamlNode* c = FindKey(ItemsOf(FindKey(read.value().roots[0], "b"))[0], "c");
  EXPECT_EQ(c->scalar, "d e");
  EXPECT_FALSE(c->plain);
  EXPECT_EQ(c->at, (Spot{3, 9, 0}));
  const YamlNode* x = FindKey(read.value().roots[1], "x");
  EXPECT_EQ(x->scalar, "line\n two\n");
  EXPECT_EQ(x->block_line, 6);
  EXPECT_EQ(x->block_indent, 2);
}

TEST(YamlTree, ReadsJson) {
  const auto read = ParseYaml(
      "{\n    \"apiVersion\": \"v1\",\n\t\"items\":[{\"a\":\"b\\n\\u003c\"}, null]\n}", "f");
  ASSERT_TRUE(read.ok()) << read.error().Text();
  const auto& items = ItemsOf(FindKey(read.value().roots[0], "items"));
  ASSERT_EQ(items.size(), 2u);
  EXPECT_EQ(ScalarText(FindKey(items[0], "a")), "b\n<");
  EXPECT_EQ(items[1]->kind, YamlNode::Kind::kNull);
}

TEST(YamlTree, ByteOrderMark) {
  const auto read = ParseYaml(
      "\xEF\xBB\xBF"
      "ab: cd\n",
      "f");
  ASSERT_TRUE(read.ok());
  EXPECT_EQ(FindKey(read.value().roots[0], "ab")->at, (Spot{1, 5, 2}));
}

TEST(YamlTree, TheLastOfTwoKeysCountsAndIsNoted) {
  const auto read = ParseYaml("a: 1\na: 2\n", "f");
  ASSERT_TRUE(read.ok());
  EXPECT_EQ(ScalarText(FindKey(read.value().roots[0], "a")), "2");
  EXPECT_THAT(read.value().notes,
              ElementsAre("line 2: the key a stands twice; the last one counts"));
}

TEST(YamlTree, AliasesAndMergeKeys) {
  const auto read = ParseYaml("base: &b {x: 1, y: 2}\nuse:\n  <<: *b\n  y: 3\nsame: *b\n", "f");
  ASSERT_TRUE(read.ok());
  const YamlNode* use = FindKey(read.value().roots[0], "use");
  EXPECT_EQ(ScalarText(FindKey(use, "x")), "1");
  EXPECT_EQ(ScalarText(FindKey(use, "y")), "3");
  EXPECT_EQ(ScalarText(FindPath(read.value().roots[0], {"same", "x"})), "1");
}

TEST(YamlTree, EntriesAreOnesOwnAndThoseThatAreMerged) {
  const auto read = ParseYaml(
      "base: &b {x: 1, y: 2}\nmore: &m {y: 4, z: 5}\nuse:\n  <<: [*b, *m]\n  x: 3\n", "f");
  ASSERT_TRUE(read.ok());
  std::vector<std::string> found;
  for (const auto& [name, value] : EntriesOf(FindKey(read.value().roots[0], "use")))
    found.push_back(name->scalar + "=" + value->scalar);
  EXPECT_THAT(found, ElementsAre("x=3", "y=2", "z=5"));
}

TEST(YamlTree, BombsAreRefused) {
  std::string bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 12; ++i) {
    bomb += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [";
    for (int j = 0; j < 10; ++j)
      bomb += std::string(j > 0 ? ", " : "") + "*a" + std::to_string(i - 1);
    bomb += "]\n";
  }
  const auto read = ParseYaml(bomb, "bomb.yaml");
  ASSERT_FALSE(read.ok());
  EXPECT_THAT(read.error().message, HasSubstr("more than a million values"));
}

TEST(YamlTree, CyclesAndDepthAreRefused) {
  EXPECT_THAT(ParseYaml("a: &a [1, *a]\n", "f").error().message,
              HasSubstr("an alias of what contains it"));
  EXPECT_THAT(ParseYaml(std::string(10000, '['), "f").error().message, HasSubstr("64 levels"));
  // Depth by aliases: each level contains the one before.
  std::string chain = "a0: &a0 {x: 1}\n";
  for (int i = 1; i < 100; ++i)
    chain += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " {x: *a" +
             std::to_string(i - 1) + "}\n";
  EXPECT_THAT(ParseYaml(chain, "f").error().message, HasSubstr("64 levels"));
}

TEST(YamlTree, DocumentsWithoutEnd) {
  const auto read = ParseYaml("a: 1\n]\n", "f");
  ASSERT_FALSE(read.ok());
  EXPECT_THAT(read.error().message, HasSubstr("f:2"));
}

TEST(YamlTree, MergesAsTheOperatorDoes) {
  auto read = ParseYaml(
      "a: {list: [{name: x, v: 1}, {name: y}], keep: 1, deep: {p: 1}}\n"
      "b: {list: [{name: y, w: 2}], deep: {q: 2}}\n",
      "f");
  ASSERT_TRUE(read.ok());
  const YamlNode* a = FindKey(read.value().roots[0], "a");
  const YamlNode* b = FindKey(read.value().roots[0], "b");
  // By position: the first element becomes y, with x's v.
  const YamlNode* by_position = MergeTrees(a, b, false, read.value());
  EXPECT_EQ(ScalarText(FindKey(ItemsOf(FindKey(by_position, "list"))[0], "name")), "y");
  EXPECT_EQ(ScalarText(FindKey(ItemsOf(FindKey(by_position, "list"))[0], "v")), "1");
  EXPECT_EQ(ScalarText(FindPath(by_position, {"deep", "p"})), "1");
  EXPECT_EQ(ScalarText(FindPath(by_position, {"deep", "q"})), "2");
  EXPECT_EQ(ScalarText(FindKey(by_position, "keep")), "1");
  const YamlNode* by_name = MergeTrees(a, b, true, read.value());
  EXPECT_EQ(ScalarText(FindKey(ItemsOf(FindKey(by_name, "list"))[0], "name")), "x");
  EXPECT_EQ(ScalarText(FindKey(ItemsOf(FindKey(by_name, "list"))[1], "w")), "2");
}

}  // namespace
}  // namespace wrackline::evidence
