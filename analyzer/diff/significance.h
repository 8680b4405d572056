// Whether two sampled figures differ by more than their sampling explains.
//
//   std::vector<Pair> tests = {{a, a_variance, b, b_variance}, ...};
//   std::vector<Verdict> verdicts = Judge(tests);
//
// The null hypothesis of each test: both sides held the same, and the samples made the difference. docs/diff.md derives it.
// Pure; any thread.
#pragma once

#include <vector>

namespace wrackline::diff {

struct Pair {
  double before = 0, before_variance = 0;  // an estimate, and its variance: standard error squared
  double after = 0, after_variance = 0;
};

enum class Confidence {
  kCertain,  // holds among all tests made: Benjamini-Hochberg at 5 %
  kLikely,   // holds alone (p <= 5 %), not among so many
  kNoise,
};

struct Verdict {
  double z =
      0;  // standard errors of the difference, less half a step of the samples; never negative
  double p = 1;  // of so large a difference or a larger one, either way
  Confidence confidence = Confidence::kNoise;
};

// One alone, without regard to others: never kCertain.
Verdict JudgeAlone(const Pair& test);

// All tests of one question are one family: the more there are, the more each has to show. In the order of `tests`.
std::vector<Verdict> Judge(const std::vector<Pair>& tests);

}  // namespace wrackline::diff
