#include "analyzer/flink/java_number.h"

#include <gtest/gtest.h>

#include <cmath>

#include "analyzer/flink/java_exception.h"

namespace wrackline::flink {
namespace {

TEST(ParseJavaFloat, AcceptsWhatJavaAccepts) {
  EXPECT_EQ(ParseJavaFloat(".5"), 0.5F);
  EXPECT_EQ(ParseJavaFloat("1e-1"), 0.1F);
  EXPECT_EQ(ParseJavaFloat("0.4f"), 0.4F);
  EXPECT_EQ(ParseJavaFloat("0.4D"), 0.4F);
  EXPECT_EQ(ParseJavaFloat("0x1p-1"), 0.5F);
  EXPECT_EQ(ParseJavaFloat(" \t0.25 "), 0.25F);
  EXPECT_EQ(ParseJavaFloat("5."), 5.0F);
  EXPECT_TRUE(std::isnan(ParseJavaFloat("NaN")));
  EXPECT_TRUE(std::isinf(ParseJavaFloat("-Infinity")));
  EXPECT_TRUE(std::isinf(ParseJavaFloat("1e99")));
  EXPECT_EQ(ParseJavaFloat("1e-99"), 0.0F);
}

TEST(ParseJavaFloat, RefusesWhatOnlyCAccepts) {
  for (const char* text : {"", " ", "inf", "nan", "nan(1)", "0x1", "0x", ".", "e5", "1e", "50%",
                           "1,5", "0.4ff", "--1"}) {
    EXPECT_THROW(ParseJavaFloat(text), JavaException) << text;
  }
}

TEST(ParseJavaInt, SignsAndRange) {
  EXPECT_EQ(ParseJavaInt("+12"), 12);
  EXPECT_EQ(ParseJavaInt("-2147483648"), -2147483647 - 1);
  for (const char* text : {"", "+", "-", "+-1", " 1", "1 ", "2147483648", "1.0", "0x1"}) {
    EXPECT_THROW(ParseJavaInt(text), JavaException) << text;
  }
}

TEST(JavaDoubleToString, FollowsJavasForms) {
  EXPECT_EQ(JavaDoubleToString(static_cast<double>(0.1F)), "0.10000000149011612");
  EXPECT_EQ(JavaDoubleToString(1.5), "1.5");
  EXPECT_EQ(JavaDoubleToString(1.0), "1.0");
  EXPECT_EQ(JavaDoubleToString(100.0), "100.0");
  EXPECT_EQ(JavaDoubleToString(0.001), "0.001");
  EXPECT_EQ(JavaDoubleToString(0.0005), "5.0E-4");
  EXPECT_EQ(JavaDoubleToString(12345678.0), "1.2345678E7");
  EXPECT_EQ(JavaDoubleToString(-0.0), "-0.0");
  EXPECT_EQ(JavaDoubleToString(std::nan("")), "NaN");
  EXPECT_EQ(JavaDoubleToString(-INFINITY), "-Infinity");
}

TEST(MultiplyTruncated, UsesTheDecimalStringNotTheBinaryValue) {
  // 0.4f widened prints as 0.4000000059604645; its binary value is 0.4000000059604644775...
  EXPECT_EQ(MultiplyTruncated(10'000'000'000'000'000, static_cast<double>(0.4F)),
            4'000'000'059'604'645);
  EXPECT_EQ(MultiplyTruncated(771751936, static_cast<double>(0.4F)), 308700779);
  EXPECT_EQ(MultiplyTruncated(3, 0.9999999999999999), 2);
  EXPECT_EQ(MultiplyTruncated(1'000'000, 1e-300), 0);
  EXPECT_EQ(MultiplyTruncated(0, 1e300), 0);
  EXPECT_THROW(MultiplyTruncated(1, 1e300), JavaException);
  EXPECT_THROW(MultiplyTruncated(INT64_MAX, 1.0000000000000002), JavaException);
}

TEST(JavaTrim, TakesControlCharactersButNoUnicodeSpace) {
  EXPECT_EQ(JavaTrim("\x01 a b\n"), "a b");
  EXPECT_EQ(JavaTrim("\xC2\xA0"
                     "a"),
            "\xC2\xA0"
            "a");
  EXPECT_EQ(JavaTrim(" \t "), "");
}

}  // namespace
}  // namespace wrackline::flink
