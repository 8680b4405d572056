#include "analyzer/cli/share_option.h"

#include <gtest/gtest.h>

namespace wrackline::cli {
namespace {

TEST(ShareOption, Shares) {
  EXPECT_EQ(ShareOf("95%"), 0.95);
  EXPECT_EQ(ShareOf("0.5"), 0.5);
  EXPECT_EQ(ShareOf("1"), 1);
  EXPECT_EQ(ShareOf("100%"), 1);
  EXPECT_EQ(ShareOf("0"), 0);
  for (const char* wrong :
       {"", "%", "101%", "1.01", "-1", "nan", "inf", "1e-3", "0.5x", "5 %", "."})
    EXPECT_FALSE(ShareOf(wrong).has_value()) << wrong;
}

TEST(ShareOption, AnAmountIsAShareOrASize) {
  EXPECT_EQ(AmountOf("200m").value().size, 200 * kMiB);
  EXPECT_EQ(AmountOf("0").value().size, Bytes{});
  EXPECT_EQ(AmountOf("12.5%").value().size, std::nullopt);
  EXPECT_EQ(AmountOf("12.5%").value().share, 0.125);
  EXPECT_EQ(AmountOf("104857600").value().size, 100 * kMiB);
  EXPECT_EQ(AmountOf("512b").value().size, Bytes{512});
  // A share without its sign would be no bytes at all.
  for (const char* wrong :
       {"", "%", "100%", "x", "-1m", "10 percent", "0.15", "15", " 15 ", "1023", "0.001"})
    EXPECT_FALSE(AmountOf(wrong).ok()) << wrong;
}

TEST(ShareOption, ValidatorsSayWhatToWrite) {
  const auto said = [](const CLI::Validator& validator, std::string text) {
    return validator(text);
  };
  EXPECT_EQ(said(IsShare(), "95%"), "");
  EXPECT_NE(said(IsShare(), "0").find("write 95% or 0.95"), std::string::npos);
  EXPECT_EQ(said(IsAmount(), "10%"), "");
  EXPECT_NE(said(IsAmount(), "100%").find("write 10%"), std::string::npos);
}

}  // namespace
}  // namespace wrackline::cli
