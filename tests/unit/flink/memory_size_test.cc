#include "analyzer/flink/memory_size.h"

#include <gtest/gtest.h>

#include "analyzer/flink/java_exception.h"

namespace wrackline::flink {
namespace {

std::int64_t BytesOf(std::string_view text) {
  const auto size = ParseMemorySize(text);
  EXPECT_TRUE(size.ok()) << text;
  return size.ok() ? size.value().bytes : -1;
}

TEST(MemorySize, EveryUnitInAnyCase) {
  EXPECT_EQ(BytesOf("7"), 7);
  for (const char* text : {"3b", "3bytes", "3 BYTES"}) EXPECT_EQ(BytesOf(text), 3);
  for (const char* text : {"3k", "3KB", "3 kibibytes", "3\xE2\x84\xAA"})
    EXPECT_EQ(BytesOf(text), 3 << 10);
  for (const char* text : {"3m", "3Mb", "3mebibytes"}) EXPECT_EQ(BytesOf(text), 3 << 20);
  for (const char* text : {"1g", "1gb", " 1 GiBiBytes "}) EXPECT_EQ(BytesOf(text), 1 << 30);
  for (const char* text : {"2t", "2tb", "2tebibytes"}) EXPECT_EQ(BytesOf(text), 2LL << 40);
  EXPECT_EQ(BytesOf("0009223372036854775807"), 9223372036854775807LL);
}

TEST(MemorySize, RefusesWhatFlinkRefuses) {
  for (const char* text :
       {"", "  ", "gib", "1gib", "1mib", "1megabytes", "1.5g", "-1", "+1g", "'1g'", "\"1g\"",
        "9223372036854775808", "8388608t", "1k k", "0x400m", "1_000"}) {
    EXPECT_FALSE(ParseMemorySize(text).ok()) << text;
  }
  EXPECT_EQ(BytesOf("8388607t"), 8388607LL << 40);
}

TEST(MemorySize, PrintsAUnitOnlyWhenStrictlyExceeded) {
  EXPECT_EQ(FormatMemorySize({1879048192}), "1.750gb (1879048192 bytes)");
  EXPECT_EQ(FormatMemorySize({1 << 30}), "1024.000mb (1073741824 bytes)");
  EXPECT_EQ(FormatMemorySize({1024}), "1024 bytes");
  EXPECT_EQ(FormatMemorySize({1025}), "1.001kb (1025 bytes)");
  EXPECT_EQ(FormatMemorySize({0}), "0 bytes");
  EXPECT_EQ(FormatMemorySize(kMaxMemorySize), "8388608.000tb (9223372036854775807 bytes)");
}

TEST(MemorySize, RoundsHalfUpWhereCRoundsHalfToEven) {
  // 2.0625 KiB has its tie in the fourth decimal: Java prints 2.063, printf("%.3f") 2.062.
  EXPECT_EQ(FormatMemorySize({2112}), "2.063kb (2112 bytes)");
}

TEST(MemorySize, WritesTheShortestExactText) {
  EXPECT_EQ(WriteMemorySize({64 << 20}), "64m");
  EXPECT_EQ(WriteMemorySize({1 << 30}), "1g");
  EXPECT_EQ(WriteMemorySize({(1 << 30) + 1}), "1073741825b");
  EXPECT_EQ(WriteMemorySize({0}), "0b");
  for (std::int64_t bytes : {1LL, 4096LL, 3LL << 40, 123456789LL})
    EXPECT_EQ(BytesOf(WriteMemorySize({bytes})), bytes);
}

TEST(MemorySize, ArithmeticFailsAsJavaDoes) {
  EXPECT_THROW(Add(kMaxMemorySize, {1}), JavaException);
  EXPECT_THROW(Subtract({1}, {2}), JavaException);
  EXPECT_THROW(Multiply(kMaxMemorySize, 1.5), JavaException);
  EXPECT_EQ(Multiply(kMaxMemorySize, 1.0), kMaxMemorySize);
}

}  // namespace
}  // namespace wrackline::flink
