#include "preload/sampling/sampler.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace wrackline::preload {
namespace {

double RelativeError(double got, double want) {
  return want == 0 ? std::fabs(got) : std::fabs(got / want - 1);
}

TEST(SamplerMath, ExpOfMinusAgreesWithLibm) {
  for (double x = 1e-12; x < 690; x *= 1.003) {
    ASSERT_LT(RelativeError(ExpOfMinus(x), std::exp(-x)), 1e-12) << x;
  }
  EXPECT_EQ(ExpOfMinus(0), 1.0);
  EXPECT_EQ(ExpOfMinus(1e6), 0.0);
}

TEST(SamplerMath, MinusLogAgreesWithLibm) {
  for (double u = 0x1p-53; u < 1; u *= 1.003)
    ASSERT_LT(RelativeError(MinusLog(u), -std::log(u)), 1e-12) << u;
  for (double d = 1e-15; d < 0.5; d *= 1.01) {
    ASSERT_LT(RelativeError(MinusLog(1 - d), -std::log(1 - d)), 1e-12) << d;
  }
  EXPECT_EQ(MinusLog(1.0), 0.0);
}

TEST(SamplerMath, WeightAgreesWithLibm) {
  for (std::uint64_t interval : {2ull, 4096ull, 524288ull, 1ull << 30}) {
    for (double size = 1; size < 1e12; size = size * 1.07 + 1) {
      const auto s = static_cast<std::uint64_t>(size);
      const double want = static_cast<double>(s) /
                          -std::expm1(-static_cast<double>(s) / static_cast<double>(interval));
      ASSERT_NEAR(static_cast<double>(SampleWeight(s, interval)), want, 0.5 + want * 1e-12)
          << s << " of " << interval;
    }
  }
}

TEST(SamplerMath, WeightAtTheEdges) {
  EXPECT_EQ(SampleWeight(64, 0), 64u);
  EXPECT_EQ(SampleWeight(64, 1), 64u);
  EXPECT_EQ(SampleWeight(0, 524288), 0u);
  EXPECT_EQ(SampleWeight(1, 524288), 524289u);       // interval + size / 2, rounded
  EXPECT_EQ(SampleWeight(524288, 524288), 829411u);  // s / (1 - 1/e)
  EXPECT_EQ(SampleWeight(1ull << 40, 524288), 1ull << 40);
}

TEST(SamplerMath, GapIsBounded) {
  std::uint64_t random = 1;
  for (int i = 0; i < 100000; ++i) {
    const std::uint64_t gap = DrawGap(&random, 524288);
    ASSERT_LT(gap, 37u * 524288);
  }
  EXPECT_LE(DrawGap(&random, std::numeric_limits<std::uint64_t>::max()), std::uint64_t{1} << 62);
  EXPECT_EQ(DrawGap(&random, 0), 0u);
  EXPECT_EQ(DrawGap(&random, 1), 0u);  // every allocation
}

}  // namespace
}  // namespace wrackline::preload
