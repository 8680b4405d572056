#include "analyzer/cli/moment_option.h"

#include <gtest/gtest.h>

namespace wrackline::cli {
namespace {

using namespace std::chrono_literals;
using evidence::Time;

const Time kFirst{1'795'860'000s};  // 2026-11-28T10:00:00Z
const Time kLast = kFirst + 2h;

TEST(MomentOptionTest, Durations) {
  EXPECT_EQ(ParseDuration("90s").value(), 90s);
  EXPECT_EQ(ParseDuration("1h30m").value(), 90min);
  EXPECT_EQ(ParseDuration("250ms").value(), 250ms);
  EXPECT_EQ(ParseDuration("2d1s").value(), 48h + 1s);
  for (const char* wrong :
       {"", "s", "10", "10x", "-5s", "10s5", "99999999999d", "9223372036854775807s", "1.5h"})
    EXPECT_FALSE(ParseDuration(wrong).ok()) << wrong;
}

TEST(MomentOptionTest, FormsOfAMoment) {
  const auto moment = [](const char* text) { return ParseMoment(text, kFirst, kLast).value(); };
  EXPECT_EQ(moment("start"), kFirst);
  EXPECT_EQ(moment("end"), kLast);
  EXPECT_EQ(moment("+90s"), kFirst + 90s);
  EXPECT_EQ(moment("-10m"), kLast - 10min);
  EXPECT_EQ(moment("2026-11-28T10:30:00Z"), kFirst + 30min);
  EXPECT_EQ(moment("2026-11-28T10:30:00.25Z"), kFirst + 30min + 250ms);
  EXPECT_EQ(moment("2026-11-28T10:30:00+00:00"), kFirst + 30min);
}

TEST(MomentOptionTest, OthersAreErrorsThatNameTheForms) {
  for (const char* wrong :
       {"", "noon", "+", "+5", "2026-11-28", "2026-13-01T00:00:00Z", "2026-02-30T00:00:00Z",
        "2026-11-28T24:00:00Z", "2026-11-28T10:30:00", "2026-11-28T10:30:00Zjunk"}) {
    const auto moment = ParseMoment(wrong, kFirst, kLast);
    ASSERT_FALSE(moment.ok()) << wrong;
    EXPECT_NE(moment.error().hint.find("+90s"), std::string::npos);
  }
}

}  // namespace
}  // namespace wrackline::cli
