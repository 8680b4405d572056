#include "analyzer/diff/significance.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numeric>

namespace wrackline::diff {
namespace {

// Of what is called certain, this part may be chance.
constexpr double kLevel = 0.05;

}  // namespace

Verdict JudgeAlone(const Pair& test) {
  Verdict verdict;
  const double difference = std::abs(test.after - test.before);
  const double variance = test.before_variance + test.after_variance;
  const double sum = test.before + test.after;
  if (difference <= 0) return verdict;
  if (variance <= 0) {  // nothing was left to chance
    verdict.z = HUGE_VAL;
    verdict.p = 0;
  } else {
    // The estimates move in steps of one sample. n samples that stand for w bytes each have the variance n w (w - s):
    // variance / sum is the part of a step that is chance, w - s. Without this correction four samples against none would pass
    // for certain, which come by chance in one of eight cases.
    const double step = sum > 0 ? variance / sum : 0;
    verdict.z = std::max(0.0, difference - step) / std::sqrt(variance);
    verdict.p = std::erfc(verdict.z / std::sqrt(2.0));
  }
  verdict.confidence = verdict.p <= kLevel ? Confidence::kLikely : Confidence::kNoise;
  return verdict;
}

std::vector<Verdict> Judge(const std::vector<Pair>& tests) {
  std::vector<Verdict> verdicts;
  verdicts.reserve(tests.size());
  for (const Pair& test : tests) verdicts.push_back(JudgeAlone(test));
  std::vector<std::size_t> order(verdicts.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(),
            [&verdicts](std::size_t a, std::size_t b) { return verdicts[a].p < verdicts[b].p; });
  // Benjamini and Hochberg (1995): the largest k whose k-th smallest p is at most k / m of the level; those k hold.
  std::size_t holding = 0;
  for (std::size_t k = 1; k <= order.size(); ++k) {
    const double bound = kLevel * static_cast<double>(k) / static_cast<double>(order.size());
    if (verdicts[order[k - 1]].p <= bound) holding = k;
  }
  for (std::size_t k = 0; k < holding; ++k) verdicts[order[k]].confidence = Confidence::kCertain;
  return verdicts;
}

}  // namespace wrackline::diff
