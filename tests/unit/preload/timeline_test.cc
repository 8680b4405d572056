#include "preload/timeline.h"

#include <gtest/gtest.h>
#include <wrackline_nanopb/wrackline.pb.h>

#include <cmath>
#include <functional>

namespace wrackline::preload {
namespace {

constexpr std::uint64_t kMs = 1'000'000;
constexpr std::uint64_t kS = 1'000'000'000;
constexpr std::uint64_t kLimit = std::uint64_t{1} << 30;

TEST(DutyLimiter, KeepsItsPartOfTheTime) {
  DutyLimiter limiter(200);
  std::uint64_t busy = 0;
  std::uint64_t now = kS;
  const std::uint64_t begin = now;
  while (now < begin + 1000 * kS) {
    if (limiter.Allowed(now)) {
      const std::uint64_t cost = 65 * kMs;  // smaps_rollup of 4 GiB
      now += cost;
      busy += cost;
      limiter.Spent(now, cost);
    }
    now += 50 * kMs;
  }
  const double duty = static_cast<double>(busy) / static_cast<double>(now - begin);
  EXPECT_LE(duty, 0.0051);
  EXPECT_GE(duty, 0.0045);
}

// Runs the series `value(seconds)` in steps of the mode's own period and returns the seconds spent
// in fast mode.
double FastSeconds(double seconds, const std::function<double(double)>& working_set,
                   const std::function<double(double)>& stall_share = nullptr,
                   bool of_cgroup = true) {
  FastMode mode;
  std::uint64_t now = 100 * kS;
  const std::uint64_t begin = now;
  std::uint64_t fast = 0;
  double stalled_us = 0;
  while (now < begin + static_cast<std::uint64_t>(seconds * 1e9)) {
    const double at = static_cast<double>(now - begin) / 1e9;
    container::Pressure pressure;
    if (stall_share) {
      pressure.of_cgroup = of_cgroup;
      pressure.some_total_us = static_cast<std::uint64_t>(stalled_us);
    }
    const bool is_fast =
        mode.Update(now, static_cast<std::uint64_t>(working_set(at) * kLimit), kLimit, pressure);
    const std::uint64_t step = is_fast ? 50 * kMs : kS;
    if (is_fast) fast += step;
    if (stall_share) stalled_us += stall_share(at) * static_cast<double>(step) / 1000;
    now += step;
  }
  return static_cast<double>(fast) / 1e9;
}

TEST(FastMode, AFullButSteadyPodNeverTriggers) {
  EXPECT_EQ(FastSeconds(3600, [](double) { return 0.97; }), 0);
}

TEST(FastMode, SmallSwingsNearTheLimitDoNotTrigger) {
  // A heap that breathes by half a percent of the limit.
  EXPECT_EQ(FastSeconds(3600, [](double t) { return 0.95 + 0.0025 * std::sin(t); }), 0);
}

TEST(FastMode, GrowthFarFromTheLimitDoesNotTrigger) {
  EXPECT_EQ(FastSeconds(70, [](double t) { return 0.10 + 0.01 * t; }), 0);
}

TEST(FastMode, GrowthNearTheLimitIsSeenToTheEnd) {
  // 1 % of the limit a second: from 86 % to the kill at 100 % in 14 s, all of it fast but the first
  // steps.
  const double fast = FastSeconds(14, [](double t) { return 0.86 + 0.01 * t; });
  EXPECT_GT(fast, 11);
  EXPECT_LE(fast, 14);
}

TEST(FastMode, EndsTwoSecondsAfterGrowthEnded) {
  // Up by 5 % in five seconds, then level: growth is seen for another 5 s (the window), then 2 s of
  // hold.
  const double fast = FastSeconds(600, [](double t) { return 0.88 + std::min(t, 5.0) * 0.01; });
  EXPECT_GT(fast, 4);
  EXPECT_LT(fast, 13);
}

TEST(FastMode, NeverMoreThanASixthOfTheTime) {
  // A sawtooth near the limit that never stops.
  const double fast =
      FastSeconds(7200, [](double t) { return 0.86 + 0.10 * std::fmod(t, 20.0) / 20.0; });
  EXPECT_GT(fast, 60);
  EXPECT_LE(fast, 60 + 7200.0 / 6 + 10);
}

TEST(FastMode, RestsFiveMinutesAfterAFullMinute) {
  FastMode mode;
  std::uint64_t now = 100 * kS;
  double level = 0.86;
  std::uint64_t began = 0;
  std::uint64_t ended = 0;
  std::uint64_t again = 0;
  while (now < 1000 * kS && again == 0) {
    level += mode.fast()
                 ? 0.001
                 : 0.02;  // grows for ever: also above the limit, which the mode does not mind
    const bool fast = mode.Update(now, static_cast<std::uint64_t>(level * kLimit), kLimit, {});
    if (fast && began == 0) began = now;
    if (!fast && began != 0 && ended == 0) ended = now;
    if (fast && ended != 0) again = now;
    now += fast ? 50 * kMs : kS;
  }
  EXPECT_NEAR(static_cast<double>(ended - began) / 1e9, 60, 1);
  EXPECT_NEAR(static_cast<double>(again - ended) / 1e9, 300, 2);
}

TEST(FastMode, StallOfTheCgroupTriggersAtAnyLevel) {
  const auto level = [](double) { return 0.5; };
  EXPECT_GT(FastSeconds(30, level, [](double) { return 0.3; }), 20);
  EXPECT_EQ(FastSeconds(30, level, [](double) { return 0.05; }), 0);
}

TEST(FastMode, StallOfTheMachineDoesNotTrigger) {
  EXPECT_EQ(FastSeconds(
                30, [](double) { return 0.5; }, [](double) { return 0.9; }, false),
            0);
}

TEST(FastMode, WithoutFiguresNeverFast) {
  FastMode mode;
  for (std::uint64_t i = 1; i < 100; ++i) {
    EXPECT_FALSE(mode.Update(i * kS, std::nullopt, kLimit, {}));
    EXPECT_FALSE(mode.Update(i * kS, i * kLimit / 50, std::nullopt, {}));
  }
}

TEST(Observation, OfThisProcessHasItsFigures) {
  container::Cgroup cgroup;
  const bool controlled = container::FindMemoryCgroup("", "self", &cgroup);
  const Observation observation = Observe("", "self", cgroup);
  wrackline_proto_TimelineSample sample = wrackline_proto_TimelineSample_init_zero;
  FillObservation(observation, &sample);
  EXPECT_EQ(sample.has_cgroup, controlled);
  EXPECT_EQ(sample.cgroup.has_charge, controlled);
  EXPECT_EQ(sample.cgroup.has_anon, controlled);
  EXPECT_TRUE(sample.has_process);
  EXPECT_TRUE(sample.process.has_resident);
  EXPECT_GT(sample.process.resident, 100u * 1024);
  EXPECT_TRUE(sample.process.has_threads);
  EXPECT_GE(sample.process.threads, 1u);
  EXPECT_FALSE(sample.process.has_rollup_rss);
  EXPECT_FALSE(sample.has_allocator);
}

TEST(Observation, WhatIsAbsentStaysAbsent) {
  wrackline_proto_TimelineSample sample = wrackline_proto_TimelineSample_init_zero;
  FillObservation(Observe("/nowhere", "self", container::Cgroup{}), &sample);
  EXPECT_FALSE(sample.has_cgroup);
  EXPECT_FALSE(sample.has_pressure);
  EXPECT_FALSE(sample.process.has_resident);
}

TEST(Observation, RollupCarriesItsOwnTime) {
  wrackline_proto_TimelineSample sample = wrackline_proto_TimelineSample_init_zero;
  FillRollup(container::ReadSmapsRollup("", "self"), 42, &sample);
  EXPECT_TRUE(sample.process.has_rollup_monotonic_ns);
  EXPECT_EQ(sample.process.rollup_monotonic_ns, 42u);
  EXPECT_TRUE(sample.process.has_rollup_rss);
  EXPECT_GT(sample.process.rollup_rss, 100u * 1024);
}

TEST(MemoryMovesTest, CountsByATwentiethOfTheLimit) {
  MemoryMoves moves;
  EXPECT_EQ(moves.Update(500, 1000), 0u);
  EXPECT_EQ(moves.Update(549, 1000), 0u);
  EXPECT_EQ(moves.Update(550, 1000), 1u);
  EXPECT_EQ(moves.Update(550, 1000), 1u);
  EXPECT_EQ(moves.Update(501, 1000), 1u);
  EXPECT_EQ(moves.Update(500, 1000), 2u);
  // Not known: as it was.
  EXPECT_EQ(moves.Update(std::nullopt, 1000), 2u);
  EXPECT_EQ(moves.Update(600, 1000), 3u);
}

TEST(MemoryMovesTest, WithoutALimitByATwentiethOfWhatItWas) {
  for (const std::optional<std::uint64_t> none : {std::optional<std::uint64_t>(), {0}}) {
    MemoryMoves moves;
    EXPECT_EQ(moves.Update(500, none), 0u);
    EXPECT_EQ(moves.Update(524, none), 0u);
    EXPECT_EQ(moves.Update(525, none), 1u);
    EXPECT_EQ(moves.Update(499, none), 2u);
  }
  // A part of nothing is no move.
  MemoryMoves moves;
  EXPECT_EQ(moves.Update(10, std::nullopt), 0u);
  EXPECT_EQ(moves.Update(10, std::nullopt), 0u);
}

constexpr LookPace::Rule kRule = {10 * kS, kS, 400, 40};

TEST(LookPaceTest, LooksAtOnceAndThenAfterItsPeriod) {
  LookPace pace(kRule);
  EXPECT_TRUE(pace.Due(5 * kS, 0, false));
  pace.Began(0);
  pace.Ended(5 * kS, kMs);
  EXPECT_FALSE(pace.Due(14 * kS, 0, false));
  EXPECT_TRUE(pace.Due(15 * kS, 0, false));
  EXPECT_FALSE(pace.Due(5 * kS + 900 * kMs, 0, true));
  EXPECT_TRUE(pace.Due(6 * kS, 0, true));
}

TEST(LookPaceTest, LooksSoonerWhenMemoryMoved) {
  LookPace pace(kRule);
  pace.Began(3);
  pace.Ended(5 * kS, kMs);
  EXPECT_FALSE(pace.Due(6 * kS, 3, false));
  EXPECT_TRUE(pace.Due(6 * kS, 4, false));
  pace.Began(4);
  pace.Ended(7 * kS, kMs);
  EXPECT_FALSE(pace.Due(8 * kS, 4, false));
}

TEST(LookPaceTest, PaysNoMoreThanItsShare) {
  LookPace pace(kRule);
  pace.Began(0);
  pace.Ended(5 * kS, 10 * kMs);
  EXPECT_FALSE(pace.Due(5 * kS + 3999 * kMs, 1, false));
  EXPECT_TRUE(pace.Due(5 * kS + 4000 * kMs, 1, false));
  EXPECT_FALSE(pace.Due(5 * kS + 399 * kMs, 1, true));
  EXPECT_TRUE(pace.Due(5 * kS + 400 * kMs, 1, true));
  // A look of 100 ms waits for longer than the period.
  pace.Ended(10 * kS, 100 * kMs);
  EXPECT_FALSE(pace.Due(49 * kS, 0, false));
  EXPECT_TRUE(pace.Due(50 * kS, 0, false));
}

}  // namespace
}  // namespace wrackline::preload
