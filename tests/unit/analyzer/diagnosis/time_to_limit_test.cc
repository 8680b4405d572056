#include "analyzer/report/time_to_limit.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "analyzer/render/json.h"
#include "analyzer/render/text.h"
#include "tests/unit/analyzer/diagnosis/look.h"

namespace wrackline::report {
namespace {

using diagnosis::Outcome;
using evidence::Evidence;
using evidence::TimelinePoint;
using ::testing::HasSubstr;

// A small wave stands for noise: the same in every run.
double Wave(int second) { return 2 * std::sin(second * 1.7) + std::sin(second * 0.61); }

struct Watched {
  Evidence evidence;
  Watched() {
    evidence.process.pid = 17;
    evidence.ending.still_running = true;
    evidence.limit = evidence::Figure{1000 * kMiB, {}, "cgroup"};
  }
  // MiB at a second of anonymous memory, of active and of inactive page cache.
  template <typename Anon, typename Active, typename Inactive>
  Evidence& Fill(int seconds, Anon anon, Active active, Inactive inactive) {
    for (int second = 0; second < seconds; ++second) {
      TimelinePoint& point = evidence.timeline.emplace_back();
      point.time = evidence::Time(std::chrono::seconds(1'700'000'000 + second));
      const auto bytes = [](double mib) {
        return Bytes{static_cast<std::int64_t>(mib * static_cast<double>(kMiB.count))};
      };
      point.anon = bytes(anon(second));
      point.inactive_file = bytes(inactive(second));
      point.file = *point.inactive_file + bytes(active(second));
      point.charge = *point.anon + *point.file;
      evidence.last_record = point.time;
    }
    return evidence;
  }
};

double None(int) { return 0; }

TEST(TimeToLimit, OfALeak) {
  Watched watched;
  const Evidence& evidence = watched.Fill(
      600, [](int s) { return 300 + 0.5 * s + Wave(s); }, None, None);
  const auto time = TimeToLimitOf(evidence, Outcome::kStillRunning);
  ASSERT_TRUE(time.has_value());
  EXPECT_EQ(time->state, LimitState::kGrowing);
  EXPECT_EQ(time->series, "working_set");
  ASSERT_TRUE(time->seconds.has_value());
  EXPECT_LE(time->seconds->low, 800);  // (1000 - 600) / 0.5
  EXPECT_GE(time->seconds->high, 800);
  EXPECT_NEAR(time->seconds->estimate, 800, 40);
}

TEST(TimeToLimit, OfNoiseIsNotGrowing) {
  Watched watched;
  const auto time = TimeToLimitOf(watched.Fill(
                                      600, [](int s) { return 300 + 5 * Wave(s); }, None, None),
                                  Outcome::kStillRunning);
  ASSERT_TRUE(time.has_value());
  EXPECT_EQ(time->state, LimitState::kNotGrowing);
  EXPECT_FALSE(time->seconds.has_value());
}

// The charge climbs to the limit by page cache that the kernel drops first.
TEST(TimeToLimit, InactivePageCacheIsNoGrowth) {
  Watched watched;
  const auto time = TimeToLimitOf(
      watched.Fill(
          600, [](int s) { return 300 + Wave(s); }, None, [](int s) { return 100 + s; }),
      Outcome::kStillRunning);
  ASSERT_TRUE(time.has_value());
  EXPECT_EQ(time->state, LimitState::kNotGrowing);
}

// Active pages are in the working set, and are dropped all the same.
TEST(TimeToLimit, ActivePageCacheIsNamedForWhatItIs) {
  Watched watched;
  const auto time = TimeToLimitOf(
      watched.Fill(
          600, [](int s) { return 300 + Wave(s); }, [](int s) { return 0.8 * s; }, None),
      Outcome::kStillRunning);
  ASSERT_TRUE(time.has_value());
  EXPECT_EQ(time->state, LimitState::kPageCache);
  EXPECT_FALSE(time->seconds.has_value());
}

TEST(TimeToLimit, OfWarmUpAndSteps) {
  Watched warm, steps;
  const auto levelling = TimeToLimitOf(
      warm.Fill(
          600, [](int s) { return 600 * (1 - std::exp(-s / 120.0)) + Wave(s); }, None, None),
      Outcome::kStillRunning);
  EXPECT_NE(levelling->state, LimitState::kGrowing);
  const auto stepped =
      TimeToLimitOf(steps.Fill(
                        600, [](int s) { return 200 + 60 * (s / 120) + Wave(s); }, None, None),
                    Outcome::kStillRunning);
  EXPECT_EQ(stepped->state, LimitState::kSteps);
}

TEST(TimeToLimit, FarAwayIsNotExtrapolated) {
  Watched watched;
  watched.evidence.limit->amount = 1000 * kGiB;
  const auto time =
      TimeToLimitOf(watched.Fill(
                        600, [](int s) { return 300 + 20.0 * s + Wave(s); }, None, None),
                    Outcome::kStillRunning);
  EXPECT_EQ(time->state, LimitState::kFar);
  EXPECT_FALSE(time->seconds.has_value());
}

TEST(TimeToLimit, WithoutAWorkingSetAnonymousMemoryDecides) {
  Watched watched;
  Evidence& evidence = watched.Fill(
      600, [](int s) { return 300 + 0.5 * s + Wave(s); }, None, None);
  for (TimelinePoint& point : evidence.timeline) point.inactive_file.reset();
  EXPECT_EQ(TimeToLimitOf(evidence, Outcome::kStillRunning)->series, "anon");
  for (TimelinePoint& point : evidence.timeline) {
    point.resident = point.anon;
    point.resident_shared = Bytes{};
    point.anon.reset();
  }
  const auto time = TimeToLimitOf(evidence, Outcome::kStillRunning);
  EXPECT_EQ(time->series, "resident_anon");
  EXPECT_EQ(time->state, LimitState::kGrowing);
}

// The cgroup is shared with others and the limit is not its own: what others do says nothing.
TEST(TimeToLimit, OfAGroupThatIsNotItsOwnTheProcessDecides) {
  Watched watched;
  Evidence& evidence = watched.Fill(
      600, [](int s) { return 300 + 0.5 * s + Wave(s); }, None, None);
  for (TimelinePoint& point : evidence.timeline) {
    point.resident = 100 * kMiB;
    point.resident_shared = Bytes{};
  }
  EXPECT_EQ(TimeToLimitOf(evidence, Outcome::kStillRunning)->state, LimitState::kGrowing);
  const auto own = TimeToLimitOf(evidence, Outcome::kStillRunning, false);
  EXPECT_EQ(own->series, "resident_anon");
  EXPECT_EQ(own->state, LimitState::kNotGrowing);
}

TEST(TimeToLimit, IsNotAskedWhenItIsOver) {
  Watched watched;
  Evidence& evidence = watched.Fill(
      600, [](int s) { return 300 + 0.5 * s; }, None, None);
  for (const Outcome outcome : {Outcome::kOomKilled, Outcome::kCleanExit, Outcome::kKilledByYarn})
    EXPECT_FALSE(TimeToLimitOf(evidence, outcome).has_value());
  evidence.limit.reset();
  EXPECT_FALSE(TimeToLimitOf(evidence, Outcome::kStillRunning).has_value());
  EXPECT_FALSE(TimeToLimitOf(Evidence{}, Outcome::kStillRunning).has_value());
}

TEST(TimeToLimit, IsInTheReport) {
  Watched watched;
  watched.Fill(
      600, [](int s) { return 300 + 0.5 * s + Wave(s); }, None, None);
  const Report report = BuildReport(watched.evidence, std::nullopt);
  const std::string text = render::RenderText(report, {});
  EXPECT_THAT(text, HasSubstr("Time to the limit: 13 min"));
  const auto json = nlohmann::json::parse(render::RenderJson(report));
  EXPECT_EQ(json["time_to_limit"]["state"], "growing");
  EXPECT_NEAR(json["time_to_limit"]["seconds"].get<double>(), 800, 40);
  EXPECT_LT(json["time_to_limit"]["seconds_low"], json["time_to_limit"]["seconds_high"]);
  EXPECT_FALSE(json.contains("at_the_kill"));
}

}  // namespace
}  // namespace wrackline::report
