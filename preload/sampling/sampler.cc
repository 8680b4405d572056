#include "preload/sampling/sampler.h"

#include <cstring>

namespace wrackline::preload {
namespace {

constexpr double kLog2E = 1.4426950408889634074;
// ln 2 in two parts: the product of an exponent (11 bits) with the high part is exact (fdlibm's
// split).
constexpr double kLn2High = 6.93147180369123816490e-01;
constexpr double kLn2Low = 1.90821492927058770002e-10;

double PowerOfTwo(int exponent) {  // -1022 <= exponent <= 1023
  const std::uint64_t bits = static_cast<std::uint64_t>(exponent + 1023) << 52;
  double result;
  std::memcpy(&result, &bits, sizeof result);
  return result;
}

// x / (1 - exp(-x)) for 0 <= x <= 1: its series has the Bernoulli numbers for coefficients,
// x/(1-exp(-x)) = 1 + x/2 + x^2/12 - x^4/720 + ... (Abramowitz and Stegun 23.1.1), and the first
// one left out is below 1e-14 here. No cancellation at small x, and no division.
double OverOneMinusExp(double x) {
  constexpr double kCoefficients[] = {1.0 / 12,
                                      -1.0 / 720,
                                      1.0 / 30240,
                                      -1.0 / 1209600,
                                      1.0 / 47900160,
                                      -691.0 / 1307674368000.0,
                                      1.0 / 74724249600.0,
                                      -3617.0 / 10670622842880000.0};
  const double x2 = x * x;
  double sum = 0;
  // Up to 1/8, which is nearly every sample, four terms do as well (5e-10 / 8^10).
  for (int n = x <= 0.125 ? 3 : 7; n >= 0; --n) sum = sum * x2 + kCoefficients[n];
  return 1 + x / 2 + sum * x2;
}

// xorshift64* (Vigna, "An experimental exploration of Marsaglia's xorshift generators, scrambled"):
// period 2^64 - 1, one word of state, which never becomes zero.
std::uint64_t NextRandom(std::uint64_t* state) {
  std::uint64_t x = *state;
  x ^= x >> 12;
  x ^= x << 25;
  x ^= x >> 27;
  *state = x;
  return x * 0x2545F4914F6CDD1Dull;
}

}  // namespace

double ExpOfMinus(double x) {
  if (!(x > 0)) return 1.0;
  if (x > 700) return 0.0;  // exp(-700) is 1e-304
  // exp(-x) = 2^-k exp(r), |r| <= ln(2)/2, by its Taylor series: 0.35^16 / 16! is 2e-21.
  const int k = static_cast<int>(x * kLog2E + 0.5);
  const double r = (k * kLn2High - x) + k * kLn2Low;
  double sum = 1.0;
  for (int n = 15; n > 0; --n) sum = 1.0 + sum * r / n;
  return sum * PowerOfTwo(-k);
}

double MinusLog(double u) {
  if (!(u < 1)) return 0.0;
  std::uint64_t bits;
  std::memcpy(&bits, &u, sizeof bits);
  int exponent = static_cast<int>(bits >> 52) - 1023;
  bits = (bits & 0xFFFFFFFFFFFFFull) | 0x3FF0000000000000ull;
  double mantissa;
  std::memcpy(&mantissa, &bits, sizeof mantissa);  // u = mantissa * 2^exponent, 1 <= mantissa < 2
  if (mantissa > 1.4142135623730951) {
    mantissa *= 0.5;
    exponent += 1;
  }
  // log(m) = 2 atanh(t) = 2 (t + t^3/3 + t^5/5 + ...), t = (m-1)/(m+1), |t| <= 0.1716: the first
  // term left out is 2e-14 of the sum.
  const double t = (mantissa - 1.0) / (mantissa + 1.0);
  const double t2 = t * t;
  constexpr double kOdd[] = {1.0, 1.0 / 3, 1.0 / 5, 1.0 / 7, 1.0 / 9, 1.0 / 11, 1.0 / 13, 1.0 / 15};
  double sum = 0.0;
  for (int n = 7; n >= 0; --n) sum = sum * t2 + kOdd[n];
  return -(exponent * kLn2High + (2.0 * t * sum + exponent * kLn2Low));
}

std::uint64_t DrawGap(std::uint64_t* random, std::uint64_t interval) {
  if (interval <= 1) return 0;
  // 53 random bits, in (0, 1]: never zero, so the gap is at most 53 ln 2 = 36.7 intervals.
  const double uniform = static_cast<double>((NextRandom(random) >> 11) + 1) * 0x1p-53;
  const double gap = MinusLog(uniform) * static_cast<double>(interval);
  return gap < 0x1p62 ? static_cast<std::uint64_t>(gap) : std::uint64_t{1} << 62;
}

std::uint64_t SampleWeight(std::uint64_t size, std::uint64_t interval) {
  if (interval <= 1 || size == 0) return size;
  const double s = static_cast<double>(size);
  const double ratio = s / static_cast<double>(interval);
  if (ratio > 40) return size;  // 1 - exp(-40) is 1 in a double
  // Above one there is nothing to cancel.
  const double weight = ratio <= 1 ? static_cast<double>(interval) * OverOneMinusExp(ratio)
                                   : s / (1.0 - ExpOfMinus(ratio));
  return static_cast<std::uint64_t>(weight + 0.5);
}

}  // namespace wrackline::preload
