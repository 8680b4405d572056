// The test for leaks is judged as a statistic: sites whose objects live as given, sampled as they are, over many seeds.
#include "analyzer/diagnosis/age_test.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "analyzer/evidence/from_recording.h"
#include "tests/unit/analyzer/recording_builder.h"

namespace wrackline::diagnosis {
namespace {

constexpr double kRecorded = 800;  // seconds
constexpr evidence::Duration kDuration = std::chrono::seconds(800);

// One sample each `gap` seconds on average; each lives a time that `lifetime` draws.
template <typename Lifetime>
evidence::Site Simulate(std::uint32_t seed, double gap, Lifetime lifetime) {
  std::mt19937 engine(seed);
  const auto uniform = [&engine] { return (static_cast<double>(engine()) + 1) / 4294967297.0; };
  evidence::Site site;
  site.live_by_age.resize(evidence::kAgeParts);
  site.samples_by_age.resize(evidence::kAgeParts);
  for (double time = -gap * std::log(uniform()); time < kRecorded;
       time -= gap * std::log(uniform())) {
    site.allocated += kMiB;
    if (time + lifetime(time, uniform()) < kRecorded) {
      site.freed += kMiB;
      continue;
    }
    const auto part = static_cast<std::size_t>(time / kRecorded * evidence::kAgeParts);
    site.live_by_age[part] += kMiB;
    site.samples_by_age[part] += 1;
  }
  return site;
}

template <typename Lifetime>
double Leaks(double gap, Lifetime lifetime) {
  int leaks = 0;
  constexpr int kSeeds = 300;
  for (std::uint32_t seed = 0; seed < kSeeds; ++seed) {
    const evidence::Site site = Simulate(seed, gap, lifetime);
    leaks += TestForLeak({&site}, kDuration).leaks ? 1 : 0;
  }
  return static_cast<double>(leaks) / kSeeds;
}

double ForEver(double, double) { return 1e9; }

TEST(AgeTest, FindsLeaks) {
  EXPECT_GE(Leaks(4, ForEver), 0.95);  // 200 samples
  // One in four objects leaks, the others are short-lived.
  EXPECT_GE(Leaks(1, [](double, double u) { return u < 0.25 ? 1e9 : 20 * u; }), 0.95);
}

TEST(AgeTest, WhatIsFreedIsSeldomOne) {
  // Lives of 10 to 150 s of 800, exponentially spread as in a cache with random replacement; and of a fixed time.
  for (const double mean : {10.0, 40.0, 100.0, 150.0}) {
    EXPECT_LE(Leaks(0.5, [mean](double, double u) { return -mean * std::log(u); }), 0.05) << mean;
    EXPECT_LE(Leaks(0.5, [mean](double, double) { return 2 * mean; }), 0.05) << mean;
  }
}

TEST(AgeTest, StartUpAndPoolsAreSeldomOnes) {
  for (const double full : {50.0, 150.0, 400.0, 500.0})
    EXPECT_LE(Leaks(0.5, [full](double time, double) { return time < full ? 1e9 : 1.0; }), 0.05)
        << full;
}

TEST(AgeTest, RateLiesInItsInterval) {
  int inside = 0;
  constexpr int kSeeds = 300;
  for (std::uint32_t seed = 0; seed < kSeeds; ++seed) {
    const evidence::Site site = Simulate(seed, 4, ForEver);
    const trend::Interval rate = TestForLeak({&site}, kDuration).rate;
    const double truth = static_cast<double>(kMiB.count) / 4;
    inside += rate.low <= truth && truth <= rate.high ? 1 : 0;
  }
  EXPECT_GE(inside, 0.93 * kSeeds);
}

TEST(AgeTest, ShortRecordingsAndSitesWithoutTimesProveNothing) {
  const evidence::Site site = Simulate(1, 4, ForEver);
  EXPECT_TRUE(TestForLeak({&site}, kDuration).leaks);
  EXPECT_FALSE(TestForLeak({&site}, std::chrono::seconds(10)).leaks);
  evidence::Site unknown = site;
  unknown.live_by_age.clear();
  EXPECT_FALSE(TestForLeak({&unknown}, kDuration).leaks);
  EXPECT_FALSE(TestForLeak({}, kDuration).leaks);
}

// The parts come from the objects' times: of 10 s recorded, each is 1.25 s.
TEST(AgeTest, PartsOfARecording) {
  testing::RecordingBuilder builder;
  builder.Live({"malloc", "old"}, 1000, 1 << 20, 0);
  builder.Live({"malloc", "middle"}, 1000, 2 << 20, 5000);
  builder.Live({"malloc", "late"}, 1000, 3 << 20, 99'000);  // after the last record
  const auto evidence = evidence::EvidenceFromRecording(builder.recording(), std::nullopt);
  ASSERT_EQ(evidence.sites.size(), 3u);
  EXPECT_EQ(evidence.sites[0].live_by_age[7], 3 * kMiB);
  EXPECT_EQ(evidence.sites[1].live_by_age[4], 2 * kMiB);
  EXPECT_EQ(evidence.sites[1].samples_by_age[4], 1u);
  EXPECT_EQ(evidence.sites[2].live_by_age[0], kMiB);
}

}  // namespace
}  // namespace wrackline::diagnosis
