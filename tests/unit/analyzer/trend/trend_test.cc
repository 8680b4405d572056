// The estimates are judged as what they are, statistics: over many seeds, with the bars of docs/diagnosis.md.
#include "analyzer/trend/trend.h"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <random>

namespace wrackline::trend {
namespace {

// Noise that remembers: each value is `memory` times the one before plus fresh noise. Its deviation is `size`.
class Noise {
 public:
  Noise(std::uint32_t seed, double size, double memory = 0)
      : engine_(seed), memory_(memory), fresh_(size * std::sqrt(1 - memory * memory)) {
    value_ = size * Normal();
  }
  double Next() {
    value_ = memory_ * value_ + fresh_ * Normal();
    return value_;
  }

 private:
  // Sum of uniform numbers: the same everywhere, which std::normal_distribution is not.
  double Normal() {
    double sum = 0;
    for (int i = 0; i < 12; ++i) sum += static_cast<double>(engine_()) / 4294967295.0;
    return sum - 6;
  }
  std::mt19937 engine_;
  double memory_, fresh_, value_ = 0;
};

using Curve = std::function<double(double seconds)>;

std::vector<Sample> Draw(const Curve& curve, Noise noise, int count, double step = 1) {
  std::vector<Sample> samples;
  for (int i = 0; i < count; ++i)
    samples.push_back({1.7e9 + i * step, curve(i * step) + noise.Next()});
  return samples;
}

// How many of `seeds` runs are called growing, in 1.
double Growing(const Curve& curve, double size, double memory, int count, int seeds) {
  int growing = 0;
  for (int seed = 0; seed < seeds; ++seed) {
    const Trend trend =
        EstimateTrend(Draw(curve, Noise(static_cast<std::uint32_t>(seed), size, memory), count));
    growing += trend.shape == Shape::kGrowing ? 1 : 0;
  }
  return static_cast<double>(growing) / seeds;
}

double Flat(double) { return 500; }

TEST(TrendOfNoise, IsSeldomGrowth) {
  for (const double memory : {0.0, 0.5, 0.9, 0.98}) {
    for (const int count : {30, 80, 600})
      EXPECT_LE(Growing(Flat, 10, memory, count, 300), 0.05)
          << "memory " << memory << ", " << count << " samples";
  }
}

// Walks that wander off and back for ever: the hardest noise there is.
TEST(TrendOfNoise, OfAWanderingWalkToo) { EXPECT_LE(Growing(Flat, 100, 0.999, 600, 300), 0.05); }

TEST(TrendOfSawTeeth, IsNoGrowth) {
  for (const double period : {7.0, 61.0, 150.0, 260.0}) {
    for (double phase = 0; phase < 1; phase += 0.05) {
      const Curve teeth = [=](double t) { return 300 + 200 * std::fmod(t / period + phase, 1.0); };
      EXPECT_NE(EstimateTrend(Draw(teeth, Noise(7, 2), 600)).shape, Shape::kGrowing)
          << "period " << period << ", phase " << phase;
    }
  }
}

// Sharp rises and slow falls: a flush that fills, compactions that give back.
TEST(TrendOfSawTeeth, OfTheOtherKindIsNone) {
  for (const double period : {61.0, 150.0, 260.0}) {
    for (double phase = 0; phase < 1; phase += 0.05) {
      const Curve teeth = [=](double t) { return 500 - 200 * std::fmod(t / period + phase, 1.0); };
      const Shape shape = EstimateTrend(Draw(teeth, Noise(7, 2), 600)).shape;
      EXPECT_NE(shape, Shape::kGrowing) << "period " << period << ", phase " << phase;
      EXPECT_NE(shape, Shape::kSteps) << "period " << period << ", phase " << phase;
    }
  }
}

TEST(TrendOfSawTeeth, OnALeakIsGrowth) {
  const Curve leak = [](double t) { return 300 + t + 60 * std::fmod(t / 40, 1.0); };
  EXPECT_GE(Growing(leak, 5, 0, 600, 100), 0.95);
}

TEST(TrendOfWarmUp, LevelsOff) {
  for (const double constant : {20.0, 60.0, 150.0, 240.0}) {
    const Curve warm_up = [=](double t) { return 800 * (1 - std::exp(-t / constant)); };
    EXPECT_LE(Growing(warm_up, 5, 0.3, 600, 100), 0.05) << constant;
  }
  const Curve ramp = [](double t) { return std::min(t, 200.0) * 4; };
  EXPECT_LE(Growing(ramp, 5, 0.3, 600, 100), 0.05);
}

TEST(TrendOfSteps, IsNoSlope) {
  const Curve one = [](double t) { return t < 280 ? 300 : 500; };
  const Curve restarts = [](double t) { return 300 + 80 * std::floor(t / 120); };
  EXPECT_LE(Growing(one, 5, 0.3, 600, 100), 0.05);
  EXPECT_LE(Growing(restarts, 5, 0.3, 600, 100), 0.05);
  const Trend once = EstimateTrend(Draw(one, Noise(3, 5), 600));
  EXPECT_EQ(once.shape, Shape::kNotGrowing);
  const Trend trend = EstimateTrend(Draw(restarts, Noise(3, 5), 600));
  EXPECT_EQ(trend.shape, Shape::kSteps);
  ASSERT_EQ(trend.steps.size(), 4u);
  for (const Step& step : trend.steps) EXPECT_NEAR(step.height, 80, 15);
  EXPECT_NEAR(trend.steps[0].seconds, 1.7e9 + 120, 10);
}

// A jump at the start of a leak does not count into its rate.
TEST(TrendOfSteps, AreLeftOutOfALeaksRate) {
  const Curve both = [](double t) { return 300 + 0.5 * t + (t < 300 ? 0 : 200); };
  const Trend trend = EstimateTrend(Draw(both, Noise(3, 5), 600));
  EXPECT_EQ(trend.shape, Shape::kGrowing);
  EXPECT_NEAR(trend.slope.estimate, 0.5, 0.05);
  ASSERT_EQ(trend.steps.size(), 1u);
  EXPECT_NEAR(trend.end, 800, 10);
}

TEST(TrendOfALeak, IsFound) {
  const Curve leak = [](double t) { return 300 + 0.2 * t; };
  EXPECT_GE(Growing(leak, 20, 0, 600, 100), 0.95);
  EXPECT_GE(Growing(leak, 20, 0.8, 600, 100), 0.9);
  // Fewer samples, still far above the noise.
  EXPECT_GE(Growing([](double t) { return 300 + 5 * t; }, 10, 0, 30, 100), 0.95);
}

TEST(TrendOfALeak, SlopeLiesInItsInterval) {
  for (const double memory : {0.0, 0.5, 0.8}) {
    int inside = 0;
    constexpr int kSeeds = 300;
    for (int seed = 0; seed < kSeeds; ++seed) {
      const Trend trend =
          EstimateTrend(Draw([](double t) { return 300 + 0.3 * t; },
                             Noise(static_cast<std::uint32_t>(seed), 20, memory), 300));
      inside += trend.slope.low <= 0.3 && 0.3 <= trend.slope.high ? 1 : 0;
    }
    EXPECT_GE(inside, 0.9 * kSeeds) << memory;
  }
}

// The series goes on as it did, to its real end.
TEST(TimeToLimit, CoversTheTrueTime) {
  struct Case {
    double slope, size, memory;
    int count;
  };
  for (const Case& c : {Case{0.3, 5, 0, 300}, Case{0.3, 20, 0, 300}, Case{0.3, 20, 0.8, 300},
                        Case{2, 30, 0.5, 60}, Case{0.05, 5, 0.9, 900}}) {
    int covered = 0, asked = 0;
    for (int seed = 0; seed < 300; ++seed) {
      Noise noise(static_cast<std::uint32_t>(seed) + 1000, c.size, c.memory);
      std::vector<Sample> samples;
      const auto next = [&](int i) { return 300 + c.slope * i + noise.Next(); };
      for (int i = 0; i < c.count; ++i) samples.push_back({static_cast<double>(i), next(i)});
      const double limit = 300 + c.slope * c.count * 3;
      const Trend trend = EstimateTrend(samples);
      const auto interval = SecondsUntil(trend, limit);
      if (!interval) continue;
      ++asked;
      int end = c.count;
      while (next(end) < limit) ++end;
      const double truth = end - c.count + 1;
      covered += interval->low <= truth && truth <= interval->high ? 1 : 0;
      EXPECT_LE(interval->low, interval->estimate);
      EXPECT_LE(interval->estimate, interval->high);
    }
    EXPECT_GE(asked, 200) << c.slope << " " << c.size << " " << c.memory;
    EXPECT_GE(covered, 0.9 * asked) << c.slope << " " << c.size << " " << c.memory;
  }
}

TEST(TimeToLimit, IsNotSaidOfWhatDoesNotGrow) {
  EXPECT_FALSE(SecondsUntil(EstimateTrend(Draw(Flat, Noise(1, 5), 600)), 1000).has_value());
  EXPECT_FALSE(
      SecondsUntil(EstimateTrend(Draw([](double t) { return 900 - t; }, Noise(1, 5), 600)), 1000)
          .has_value());
}

TEST(Trend, OfTooLittle) {
  EXPECT_EQ(EstimateTrend({}).shape, Shape::kTooShort);
  EXPECT_EQ(EstimateTrend(Draw(Flat, Noise(1, 1), 11)).shape, Shape::kTooShort);
  EXPECT_EQ(EstimateTrend(std::vector<Sample>(100, Sample{5, 1})).shape, Shape::kTooShort);
  // All in two places: nothing in between is known.
  std::vector<Sample> two(50, Sample{0, 1});
  two.insert(two.end(), 50, Sample{100, 2});
  EXPECT_EQ(EstimateTrend(two).shape, Shape::kTooShort);
}

TEST(Trend, OfAConstantIsFlat) {
  const Trend trend = EstimateTrend(std::vector<Sample>(Draw(Flat, Noise(1, 0), 100)));
  EXPECT_EQ(trend.shape, Shape::kNotGrowing);
  EXPECT_EQ(trend.slope.estimate, 0);
  EXPECT_EQ(trend.significance, 1);
}

TEST(Trend, OfAPerfectLine) {
  const Trend trend = EstimateTrend(Draw([](double t) { return 10 + 2 * t; }, Noise(1, 0), 100));
  EXPECT_EQ(trend.shape, Shape::kGrowing);
  EXPECT_NEAR(trend.slope.estimate, 2, 1e-6);
  EXPECT_NEAR(trend.growth, 198, 1e-3);
  EXPECT_NEAR(SecondsUntil(trend, 10 + 2 * 199)->estimate, 100, 1e-3);
}

TEST(Trend, GrowthBelowTheLeastIsNone) {
  const auto line = Draw([](double t) { return 10 + 2 * t; }, Noise(1, 0.1), 100);
  EXPECT_EQ(EstimateTrend(line, 300).shape, Shape::kNotGrowing);
  EXPECT_EQ(EstimateTrend(line, 100).shape, Shape::kGrowing);
}

TEST(Trend, AFewWildValuesMoveNothing) {
  auto samples = Draw([](double t) { return 300 + 0.3 * t; }, Noise(5, 3), 300);
  for (int i = 10; i < 300; i += 40) samples[static_cast<std::size_t>(i)].value = 5000;
  const Trend trend = EstimateTrend(samples);
  EXPECT_EQ(trend.shape, Shape::kGrowing);
  EXPECT_NEAR(trend.slope.estimate, 0.3, 0.03);
}

}  // namespace
}  // namespace wrackline::trend
