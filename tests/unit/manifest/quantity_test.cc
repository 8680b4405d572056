#include "analyzer/evidence/manifest/quantity.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <string>
#include <utility>

namespace wrackline::evidence {
namespace {

// What k8s.io/apimachinery v0.33's Quantity.Value() says.
TEST(Quantity, AreThoseOfKubernetes) {
  const std::pair<const char*, std::int64_t> kRows[] = {
      {"2Gi", 2147483648},
      {"2G", 2000000000},
      {"2000M", 2000000000},
      {"1.5Gi", 1610612736},
      {"128974848", 128974848},
      {"129e6", 129000000},
      {"123m", 1},
      {"0", 0},
      {".5Gi", 536870912},
      {"1.", 1},
      {"1.5", 2},
      {"+1Gi", 1073741824},
      {"2k", 2000},
      {"1e3", 1000},
      {"1E3", 1000},
      {"1E", 1000000000000000000},
      {"1e-3", 1},
      {"8Ei", std::numeric_limits<std::int64_t>::max()},
      {"0.1m", 1},
      {"1n", 1},
      {"1.0000000001Gi", 1073741825},
      {"00012", 12},
      {"1e+3", 1000},
      {"1500m", 2},
      {"1.5E", 1500000000000000000},
      {"-0", 0}};
  for (const auto& [text, bytes] : kRows) {
    const auto amount = ParseQuantity(text);
    ASSERT_TRUE(amount.ok()) << text;
    EXPECT_EQ(amount.value(), bytes) << text;
  }
}

TEST(Quantity, BeyondTheRangeIsTheLargest) {
  for (const char* text :
       {"9223372036854775808", "999999999999999999999", "10E", "1e1000", "16Ei"}) {
    const auto amount = ParseQuantity(text);
    ASSERT_TRUE(amount.ok()) << text;
    EXPECT_EQ(amount.value(), std::numeric_limits<std::int64_t>::max()) << text;
  }
  ASSERT_TRUE(ParseQuantity("1e-1000").ok());
  EXPECT_EQ(ParseQuantity("1e-1000").value(), 1);
}

TEST(Quantity, RefusesWhatKubernetesRefuses) {
  for (const char* text : {"", "Gi", "2gi", "2GB", "2K", "2 Gi", "1e", "1Ki5", "1.1.1", "0x10",
                           "1_000", " 2Gi", "2Gi ", "2GiB", "e3", "."})
    EXPECT_FALSE(ParseQuantity(text).ok()) << text;
  EXPECT_FALSE(ParseQuantity(std::string(10000, '1')).ok());
}

TEST(Quantity, SaysWhatWasMeant) {
  EXPECT_EQ(ParseQuantity("2gi").error().hint, "write 2Gi");
  EXPECT_EQ(ParseQuantity("2GiB").error().hint, "write 2Gi");
  EXPECT_EQ(ParseQuantity("2 Gi").error().hint, "write 2Gi");
  EXPECT_EQ(ParseQuantity("2K").error().hint, "write 2k");
  EXPECT_EQ(ParseQuantity("-1Gi").error().message, "'-1Gi' is negative");
}

}  // namespace
}  // namespace wrackline::evidence
