// The sampler held to its statistics. Seeds are fixed, so every run sees the same draws; the bounds
// are those a fair sampler passes with room.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "preload/sampling/sampler.h"

namespace wrackline::preload {
namespace {

constexpr std::uint64_t kInterval = 512 * 1024;
constexpr int kSeeds = 2000;

// One thread's allocations through the countdown of sampling/allocation.h.
class Countdown {
 public:
  explicit Countdown(std::uint64_t seed) : random_(seed * 0x9E3779B97F4A7C15ull + 1) {
    left_ = DrawGap(&random_, kInterval);
  }
  bool Sampled(std::uint64_t size) {
    if (left_ >= size) {
      left_ -= size;
      return false;
    }
    left_ = DrawGap(&random_, kInterval);
    return true;
  }

 private:
  std::uint64_t random_;
  std::uint64_t left_;
};

struct Moments {
  double mean, variance;
};
Moments MomentsOf(const std::vector<double>& values) {
  double sum = 0;
  for (double v : values) sum += v;
  const double mean = sum / static_cast<double>(values.size());
  double squares = 0;
  for (double v : values) squares += (v - mean) * (v - mean);
  return {mean, squares / static_cast<double>(values.size() - 1)};
}

double TheoreticalVariance(double size) {
  const double p = -std::expm1(-size / kInterval);
  return size * size * (1 - p) / p;
}

// A set of objects: allocated in order; those for which `keep` says so are alive at the end.
struct Workload {
  std::vector<std::uint64_t> sizes;
  bool half_freed = false;
};

void ExpectUnbiased(const Workload& workload) {
  double truth = 0;
  double variance = 0;
  for (std::size_t i = 0; i < workload.sizes.size(); ++i) {
    if (workload.half_freed && i % 2 == 1) continue;
    truth += static_cast<double>(workload.sizes[i]);
    variance += TheoreticalVariance(static_cast<double>(workload.sizes[i]));
  }
  std::vector<double> estimates;
  std::vector<double> estimated_variances;
  for (int seed = 1; seed <= kSeeds; ++seed) {
    Countdown countdown(static_cast<std::uint64_t>(seed));
    double estimate = 0;
    double estimated_variance = 0;
    for (std::size_t i = 0; i < workload.sizes.size(); ++i) {
      const std::uint64_t size = workload.sizes[i];
      if (!countdown.Sampled(size)) continue;
      if (workload.half_freed && i % 2 == 1) continue;
      const double weight = static_cast<double>(SampleWeight(size, kInterval));
      estimate += weight;
      estimated_variance += weight * weight * std::exp(-static_cast<double>(size) / kInterval);
    }
    estimates.push_back(estimate);
    estimated_variances.push_back(estimated_variance);
  }
  const Moments moments = MomentsOf(estimates);
  const double standard_error = std::sqrt(moments.variance / kSeeds);
  EXPECT_NEAR(moments.mean, truth, 3 * standard_error);
  EXPECT_NEAR(moments.variance / variance, 1, 0.1);
  // What the report prints, from the samples alone, estimates the same variance.
  EXPECT_NEAR(MomentsOf(estimated_variances).mean / variance, 1, 0.05);
}

TEST(SamplerStatistics, SixtyFourByteObjects) {
  ExpectUnbiased({std::vector<std::uint64_t>(200'000, 64)});
}

TEST(SamplerStatistics, EightKilobyteObjects) {
  ExpectUnbiased({std::vector<std::uint64_t>(4'000, 8192)});
}

TEST(SamplerStatistics, ObjectsOfTheInterval) {
  ExpectUnbiased({std::vector<std::uint64_t>(200, kInterval)});
}

TEST(SamplerStatistics, MixedSizes) {
  Workload workload;
  for (int i = 0; i < 3000; ++i) {
    workload.sizes.push_back(64);
    workload.sizes.push_back(8192);
    if (i % 10 == 0) workload.sizes.push_back(100'000);
    if (i % 300 == 0) workload.sizes.push_back(3'000'000);
    workload.sizes.push_back(static_cast<std::uint64_t>(1 + i % 700));
  }
  ExpectUnbiased(workload);
}

TEST(SamplerStatistics, HalfFreed) {
  ExpectUnbiased({std::vector<std::uint64_t>(200'000, 64), true});
  ExpectUnbiased({std::vector<std::uint64_t>(4'000, 8192), true});
}

// Many short-lived threads, each with its own first gap: none may start biased.
TEST(SamplerStatistics, ShortThreads) {
  std::vector<double> estimates;
  for (int round = 0; round < kSeeds; ++round) {
    double estimate = 0;
    for (int thread = 0; thread < 100; ++thread) {
      Countdown countdown(static_cast<std::uint64_t>(round * 100 + thread + 1));
      for (int i = 0; i < 4; ++i) {
        if (countdown.Sampled(8192)) estimate += static_cast<double>(SampleWeight(8192, kInterval));
      }
    }
    estimates.push_back(estimate);
  }
  const Moments moments = MomentsOf(estimates);
  EXPECT_NEAR(moments.mean, 100 * 4 * 8192, 3 * std::sqrt(moments.variance / kSeeds));
}

// Kolmogorov-Smirnov against the exponential distribution, on gaps drawn one after the other.
TEST(SamplerStatistics, GapsAreExponential) {
  constexpr int kDraws = 200'000;
  std::uint64_t random = 42;
  std::vector<double> gaps;
  for (int i = 0; i < kDraws; ++i) gaps.push_back(static_cast<double>(DrawGap(&random, kInterval)));
  std::sort(gaps.begin(), gaps.end());
  double distance = 0;
  for (int i = 0; i < kDraws; ++i) {
    // Gaps are rounded down: the middle of the unit they stand for.
    const double cdf = -std::expm1(-(gaps[static_cast<std::size_t>(i)] + 0.5) / kInterval);
    distance = std::max({distance, std::fabs(cdf - static_cast<double>(i) / kDraws),
                         std::fabs(cdf - static_cast<double>(i + 1) / kDraws)});
  }
  EXPECT_LT(distance * std::sqrt(kDraws), 1.36);  // the 5 % point of the Kolmogorov distribution
}

// A countdown that sampled every n-th byte would pass the mean but resonate with a periodic
// program.
TEST(SamplerStatistics, ConsecutiveGapsAreIndependent) {
  constexpr int kDraws = 200'000;
  std::uint64_t random = 7;
  std::vector<double> gaps;
  for (int i = 0; i < kDraws; ++i) gaps.push_back(static_cast<double>(DrawGap(&random, kInterval)));
  const Moments moments = MomentsOf(gaps);
  for (std::size_t lag : {1u, 2u, 7u}) {
    double covariance = 0;
    for (std::size_t i = lag; i < gaps.size(); ++i) {
      covariance += (gaps[i] - moments.mean) * (gaps[i - lag] - moments.mean);
    }
    EXPECT_LT(std::fabs(covariance / kDraws / moments.variance), 3 / std::sqrt(kDraws))
        << "lag " << lag;
  }
}

}  // namespace
}  // namespace wrackline::preload
