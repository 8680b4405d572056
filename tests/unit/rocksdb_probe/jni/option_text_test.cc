#include "rocksdb_probe/jni/option_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string_view>

namespace wrackline::rocksdb_jni {
namespace {

using ::testing::Optional;

StringView View(std::string_view text) { return {text.data(), text.size()}; }
std::string_view Found(std::string_view text, const char* key, char sign = '=') {
  const StringView found = FindOption(View(text), key, sign);
  return {found.data, found.size};
}

constexpr std::string_view kText =
    "max_write_buffer_number=2;write_buffer_size=67108864;ttl=2592000;table_factory={id=BlockBased;"
    "no_block_cache=false;cache_index_and_filter_blocks=true;index_type=kTwoLevelIndexSearch;};"
    "max_open_files=-1;arena_block_size=1048576;";

TEST(OptionText, FindsOptionsOfAnyDepth) {
  EXPECT_EQ(Found(kText, "write_buffer_size"), "67108864");
  EXPECT_EQ(Found(kText, "max_write_buffer_number"), "2");
  EXPECT_EQ(Found(kText, "index_type"), "kTwoLevelIndexSearch");
  EXPECT_EQ(Found(kText, "arena_block_size"), "1048576");
  EXPECT_EQ(Found("a={b=5}", "b"), "5");
  EXPECT_EQ(Found("a=1", "a"), "1");
}

TEST(OptionText, APartOfANameIsNone) {
  EXPECT_EQ(Found(kText, "buffer_size"), "");
  EXPECT_EQ(Found(kText, "write_buffer"), "");
  EXPECT_EQ(Found("xa=1;", "a"), "");
  EXPECT_EQ(Found("a", "a"), "");
  EXPECT_EQ(Found("", "a"), "");
  EXPECT_EQ(Found("a=", "a"), "");
}

TEST(OptionText, Numbers) {
  EXPECT_THAT(NumberOption(View(kText), "max_open_files"), Optional(-1));
  EXPECT_THAT(NumberOption(View(kText), "ttl"), Optional(2592000));
  EXPECT_EQ(NumberOption(View(kText), "index_type"), std::nullopt);
  EXPECT_EQ(NumberOption(View("a=-"), "a"), std::nullopt);
  EXPECT_EQ(NumberOption(View("a=99999999999999999999"), "a"), std::nullopt);
  EXPECT_EQ(NumberOption(View("a=9223372036854775808"), "a"), std::nullopt);
  EXPECT_THAT(NumberOption(View("a=9223372036854775807"), "a"), Optional(INT64_MAX));
}

TEST(OptionText, ALineEachWithAColon) {
  constexpr std::string_view kLines =
      "  no_block_cache: 0\n  block_cache: 0x7f12ab00\n  block_cache_name: LRUCache\n";
  EXPECT_THAT(NumberOption(View(kLines), "no_block_cache", ':'), Optional(0));
  EXPECT_THAT(NumberOption(View(kLines), "block_cache", ':'), Optional(0x7f12ab00));
  EXPECT_EQ(NumberOption(View("  block_cache: (nil)\n"), "block_cache", ':'), std::nullopt);
  EXPECT_EQ(NumberOption(View("a: 0xffffffffffffffff"), "a", ':'), std::nullopt);
}

}  // namespace
}  // namespace wrackline::rocksdb_jni
