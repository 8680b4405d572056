#include "analyzer/evidence/prometheus_scrape.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

namespace wrackline::evidence {
namespace {

using ::testing::HasSubstr;

std::vector<ScrapeSample> Parsed(std::string_view text) {
  std::vector<ScrapeSample> samples;
  const Status failed =
      ParsePrometheusText(text, [&](const ScrapeSample& sample) { samples.push_back(sample); });
  EXPECT_FALSE(failed) << failed->Text();
  return samples;
}

std::string Failure(std::string_view text) {
  const Status failed = ParsePrometheusText(text, [](const ScrapeSample&) {});
  return failed ? failed->message : "";
}

TEST(PrometheusScrape, SamplesWithAndWithoutLabels) {
  const auto samples = Parsed(
      "# HELP up whether\n# TYPE up gauge\n"
      "up 1\n"
      "\n"
      "  flink_usage { tm_id = \"a:1\" , cf=\"x\", } 2.01140648E8 1700000000123\n");
  ASSERT_EQ(samples.size(), 2u);
  EXPECT_EQ(samples[0].name, "up");
  EXPECT_EQ(samples[0].value, 1);
  EXPECT_EQ(samples[0].line, 3u);
  EXPECT_FALSE(samples[0].time);
  EXPECT_EQ(samples[1].Label("tm_id"), "a:1");
  EXPECT_EQ(samples[1].Label("cf"), "x");
  EXPECT_EQ(samples[1].Label("none"), "");
  EXPECT_EQ(samples[1].value, 201140648);
  ASSERT_TRUE(samples[1].time);
  EXPECT_EQ(*samples[1].time, Time{std::chrono::milliseconds(1'700'000'000'123)});
  EXPECT_EQ(samples[1].line, 5u);
}

TEST(PrometheusScrape, EscapesQuotedNamesAndWindowsLines) {
  const auto samples =
      Parsed("a{l=\"q\\\" b\\\\ n\\n \\d }\"} 1\r\n{\"dotted.name\", \"l.m\"=\"v\"} 2\r\n");
  ASSERT_EQ(samples.size(), 2u);
  EXPECT_EQ(samples[0].Label("l"), "q\" b\\ n\n \\d }");
  EXPECT_EQ(samples[1].name, "dotted.name");
  EXPECT_EQ(samples[1].Label("l.m"), "v");
}

TEST(PrometheusScrape, NumbersAsGoWritesThem) {
  const auto samples = Parsed("a NaN\na +Inf\na -Inf\na -1\na +2.5e3\na .5\n");
  ASSERT_EQ(samples.size(), 6u);
  EXPECT_TRUE(std::isnan(samples[0].value));
  EXPECT_EQ(samples[1].value, std::numeric_limits<double>::infinity());
  EXPECT_EQ(samples[2].value, -std::numeric_limits<double>::infinity());
  EXPECT_EQ(samples[3].value, -1);
  EXPECT_EQ(samples[4].value, 2500);
  EXPECT_EQ(samples[5].value, 0.5);
}

TEST(PrometheusScrape, OpenMetricsTimesExemplarsAndEnd) {
  const auto samples = Parsed("a_total 5 1700000000.5 # {trace_id=\"x\"} 0.67\n# EOF\n\n");
  ASSERT_EQ(samples.size(), 1u);
  EXPECT_EQ(*samples[0].time, Time{std::chrono::milliseconds(1'700'000'000'500)});
  EXPECT_THAT(Failure("a 1\n# EOF\na 2\n"), HasSubstr("line 3: text after the end mark"));
}

TEST(PrometheusScrape, ErrorsNameTheLine) {
  EXPECT_THAT(Failure("a 1\nb{x=1} 2\n"), HasSubstr("line 2: a label's value is not in quotes"));
  EXPECT_THAT(Failure("a{x=\"1} 2\n"), HasSubstr("line 1: a label's value has no closing quote"));
  EXPECT_THAT(Failure("a{x=\"1\" 2\n"), HasSubstr("closing brace"));
  EXPECT_THAT(Failure("a{x} 2\n"), HasSubstr("a label has no value"));
  EXPECT_THAT(Failure("a{=\"1\"} 2\n"), HasSubstr("a label's name is missing"));
  EXPECT_THAT(Failure("{} 2\n"), HasSubstr("a metric's name is missing"));
  EXPECT_THAT(Failure("a\n"), HasSubstr("the value is missing"));
  for (const char* number : {"x", "1x", "--1", "nan(7)", "1,5", "0x10", "1e999"})
    EXPECT_THAT(Failure(std::string("a ") + number + "\n"), HasSubstr("the value is no number"))
        << number;
  EXPECT_THAT(Failure("a 1 yesterday\n"), HasSubstr("the time stamp is no number"));
  EXPECT_THAT(Failure("a 1 2 3\n"), HasSubstr("something follows the value"));
}

// 2.01140648E8 cut off after "2.0" is a number too.
TEST(PrometheusScrape, ACutOffScrapeIsAnErrorAndNotASmallerFigure) {
  EXPECT_THAT(Failure("a 1\na 2.0"), HasSubstr("line 2: the last line has no end"));
  EXPECT_EQ(Failure("a 1\n# HELP b"), "");
}

TEST(PrometheusScrape, TooManyLabels) {
  std::string line = "a{";
  for (int i = 0; i < 257; ++i) line += "l" + std::to_string(i) + "=\"\",";
  EXPECT_THAT(Failure(line + "} 1\n"), HasSubstr("more than 256 labels"));
}

TEST(PrometheusScrape, IsToldFromOtherFiles) {
  EXPECT_TRUE(LooksLikePrometheusText("up 1\n"));
  EXPECT_TRUE(LooksLikePrometheusText("# a comment\n\nup{a=\"b\",} 1 5\nrest"));
  EXPECT_TRUE(LooksLikePrometheusText("# TYPE up gauge\nup{a=\"cut by the reader"));
  EXPECT_FALSE(LooksLikePrometheusText(""));
  EXPECT_FALSE(LooksLikePrometheusText("hello\n"));
  EXPECT_FALSE(LooksLikePrometheusText("# Flink's configuration\ntaskmanager.slots: 1\n"));
  EXPECT_FALSE(LooksLikePrometheusText(std::string(1 << 16, '\0')));
  EXPECT_FALSE(LooksLikePrometheusText("# only a comment\n"));
}

}  // namespace
}  // namespace wrackline::evidence
