#include "lib/units/bytes.h"

#include <gtest/gtest.h>

#include <limits>

#include <limits>
#include <random>

namespace wrackline {
namespace {

constexpr std::int64_t kMax = std::numeric_limits<std::int64_t>::max();
constexpr std::int64_t kMin = std::numeric_limits<std::int64_t>::min();

std::int64_t Parse(std::string_view text) {
  const Result<Bytes> result = ParseBytes(text);
  EXPECT_TRUE(result.ok()) << text;
  return result.ok() ? result.value().count : -1;
}

TEST(BytesTest, Arithmetic) {
  EXPECT_EQ(2 * kGiB - 512 * kMiB, Bytes{1610612736});
  EXPECT_LT(kMiB - kGiB, Bytes{0});
  EXPECT_EQ(-kKiB, Bytes{-1024});
}

TEST(BytesTest, WhatDoesNotFitIsTheLargestOrTheLeast) {
  constexpr Bytes kMost{std::numeric_limits<std::int64_t>::max()};
  constexpr Bytes kLeast{std::numeric_limits<std::int64_t>::min()};
  EXPECT_EQ(kMost + Bytes{1}, kMost);
  EXPECT_EQ(kLeast + Bytes{-1}, kLeast);
  EXPECT_EQ(kMost - Bytes{-1}, kMost);
  EXPECT_EQ(kLeast - Bytes{1}, kLeast);
  EXPECT_EQ(-kLeast, kMost);
  EXPECT_EQ(4096 * kMost, kMost);
  EXPECT_EQ(-2 * kMost, kLeast);
  EXPECT_EQ(-2 * kLeast, kMost);
  Bytes sum = kMost;
  sum += kMost;
  EXPECT_EQ(sum, kMost);
  sum -= kMost;
  EXPECT_EQ(sum, Bytes{});
}

TEST(FormatBytesTest, ThreeToFourDigits) {
  EXPECT_EQ(FormatBytes({0}), "0 B");
  EXPECT_EQ(FormatBytes({512}), "512 B");
  EXPECT_EQ(FormatBytes({1023}), "1023 B");
  EXPECT_EQ(FormatBytes({1024}), "1.0 KiB");
  EXPECT_EQ(FormatBytes({1536}), "1.5 KiB");
  EXPECT_EQ(FormatBytes(136 * kMiB), "136.0 MiB");
  EXPECT_EQ(FormatBytes(2 * kGiB), "2.00 GiB");
  EXPECT_EQ(FormatBytes({-3250585}), "-3.1 MiB");
  EXPECT_EQ(FormatBytes(3 * 1024 * kGiB), "3.00 TiB");
  EXPECT_EQ(FormatBytes({kMax}), "8388608.00 TiB");
  EXPECT_EQ(FormatBytes({kMin}), "-8388608.00 TiB");
}

TEST(FormatBytesTest, RoundsHalvesUpAndIntoTheNextUnit) {
  EXPECT_EQ(FormatBytes({1024 + 51}), "1.0 KiB");
  EXPECT_EQ(FormatBytes({1024 + 52}), "1.1 KiB");
  EXPECT_EQ(FormatBytes(kMiB - Bytes{1}), "1.0 MiB");
  EXPECT_EQ(FormatBytes(kMiB - Bytes{52}), "1023.9 KiB");
  EXPECT_EQ(FormatBytes(kGiB - Bytes{1}), "1.00 GiB");
  EXPECT_EQ(FormatBytes(1024 * kGiB - Bytes{1}), "1.00 TiB");
}

TEST(ParseBytesTest, EveryUnitInAnyCase) {
  for (const char* text : {"7", "7b", "7 B"}) EXPECT_EQ(Parse(text), 7) << text;
  for (const char* text : {"7k", "7kb", "7KiB", " 7 K "}) EXPECT_EQ(Parse(text), 7 << 10) << text;
  for (const char* text : {"7m", "7MB", "7mib"}) EXPECT_EQ(Parse(text), 7 << 20) << text;
  for (const char* text : {"7g", "7Gb", "7GIB"}) EXPECT_EQ(Parse(text), 7LL << 30) << text;
  for (const char* text : {"7t", "7tb", "7\tTiB"}) EXPECT_EQ(Parse(text), 7LL << 40) << text;
}

TEST(ParseBytesTest, DecimalsRoundToTheNearestByte) {
  EXPECT_EQ(Parse("1.5k"), 1536);
  EXPECT_EQ(Parse("0.1k"), 102);  // 102.4
  EXPECT_EQ(Parse("0.2k"), 205);  // 204.8
  EXPECT_EQ(Parse("1.5"), 2);
  EXPECT_EQ(Parse("1.49"), 1);
  EXPECT_EQ(Parse("0.00048828125k"), 1);  // exactly half a byte
  EXPECT_EQ(Parse("1.1g"), 1181116006);   // 1181116006.4
  EXPECT_EQ(Parse("0.999999999999999999999t"), 1LL << 40);
  EXPECT_EQ(Parse("1." + std::string(1000, '3') + "t"), 1466015503701);  // 2^42 / 3
}

TEST(ParseBytesTest, IntegersAreExactToTheLastByte) {
  EXPECT_EQ(Parse("9223372036854775807"), kMax);
  EXPECT_EQ(Parse("9007199254740993"), 9007199254740993);  // no double is
  EXPECT_EQ(Parse("8388607t"), 8388607LL << 40);
  EXPECT_EQ(Parse("000000000000000000000000000001k"), 1024);
}

TEST(ParseBytesTest, RoundTrip) {
  std::mt19937_64 random(7);
  for (int i = 0; i < 10000; ++i) {
    const auto count = static_cast<std::int64_t>(random() >> (1 + random() % 63));
    EXPECT_EQ(Parse(std::to_string(count)), count);
    // What is printed reads back within half of its last digit.
    const std::int64_t back = Parse(FormatBytes({count >> 12}));
    EXPECT_LE(std::abs(back - (count >> 12)), (count >> 12) / 20 + 1) << count;
  }
}

TEST(ParseBytesTest, ErrorsSayWhatIsWrong) {
  const auto message = [](std::string_view text) {
    const Result<Bytes> result = ParseBytes(text);
    return result.ok() ? "" : result.error().Text();
  };
  for (const char* text : {"", "   "}) EXPECT_NE(message(text).find("empty"), std::string::npos);
  EXPECT_NE(message("-1m").find("negative"), std::string::npos);
  for (const char* text : {"m", "x1", "+1", ".5g", "max"}) {
    EXPECT_NE(message(text).find("start with a number"), std::string::npos) << text;
  }
  for (const char* text : {"1x", "1 m m", "1e3", "1mm", "1.5.5g", "0x10", "1,5g", "1 2"}) {
    EXPECT_NE(message(text).find("unit"), std::string::npos) << text;
  }
  EXPECT_NE(message("1.g").find("point"), std::string::npos);
  for (const char* text : {"9223372036854775808", "8388608t", "99999999999999999999999g",
                           "9223372036854775807.5", "8388607.9999999999999999999t"}) {
    EXPECT_NE(message(text).find("2^63"), std::string::npos) << text;
  }
  EXPECT_NE(message(std::string(5000, '\n')).find("?????..."), std::string::npos);
  EXPECT_FALSE(ParseBytes("1." + std::string(1001, '0')).ok());
}

}  // namespace
}  // namespace wrackline
