#include "analyzer/flink/version.h"

#include <gtest/gtest.h>

namespace wrackline::flink {
namespace {

TEST(Version, ReadsWhatDistributionsWrite) {
  EXPECT_EQ(ParseVersion("1.20.5").value(), (Version{1, 20, 5}));
  EXPECT_EQ(ParseVersion("1.20").value(), (Version{1, 20, 0}));
  EXPECT_EQ(ParseVersion("2.1-SNAPSHOT").value(), (Version{2, 1, 0}));
  EXPECT_EQ(ParseVersion("1.18.1-amzn-2").value(), (Version{1, 18, 1}));
  EXPECT_LT((Version{1, 9, 9}), kOldestVersion);
  EXPECT_EQ(FormatVersion({1, 10, 0}), "1.10.0");
}

TEST(Version, RefusesTheRest) {
  for (const char* text : {"", "1", "1.", "v1.20", "1.20.", "1.20.x", "1.-2", "latest", "1.20 ",
                           "1.9.3", "1.99999999999"}) {
    EXPECT_FALSE(ParseVersion(text).ok()) << text;
  }
}

}  // namespace
}  // namespace wrackline::flink
