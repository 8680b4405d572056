#include "analyzer/diagnosis/age_test.h"

#include <chrono>
#include <cmath>

namespace wrackline::diagnosis {
namespace {

constexpr std::uint64_t kFewest = 12;  // samples in each half
constexpr double kSureWidth = 2;       // standard errors
constexpr double kLowest = 0.5, kHighest = 2;
// In a recording that short, start-up is all there is.
constexpr evidence::Duration kShortest = std::chrono::seconds(20);

}  // namespace

LeakTest TestForLeak(const std::vector<const evidence::Site*>& sites, evidence::Duration recorded) {
  LeakTest test;
  constexpr std::size_t kMiddle = evidence::kAgeParts / 2;
  double kept = 0, old_samples = 0, new_samples = 0, allocated = 0, freed = 0;
  for (const evidence::Site* site : sites) {
    allocated += static_cast<double>(site->allocated.count);
    freed += static_cast<double>(site->freed.count);
    if (site->live_by_age.size() != evidence::kAgeParts ||
        site->samples_by_age.size() != evidence::kAgeParts)
      continue;
    for (std::size_t part = 1; part + 1 < evidence::kAgeParts; ++part) {
      const double samples = static_cast<double>(site->samples_by_age[part]);
      (part < kMiddle ? old_samples : new_samples) += samples;
      kept += static_cast<double>(site->live_by_age[part].count);
    }
  }
  const double samples = old_samples + new_samples;
  test.samples = static_cast<std::uint64_t>(samples);
  test.kept = Bytes{static_cast<std::int64_t>(kept)};
  test.freed_part = allocated > 0 ? freed / allocated : 0;
  if (samples <= 0 || recorded < kShortest) return test;
  const double seconds = std::chrono::duration<double>(recorded).count() *
                         (evidence::kAgeParts - 2) / evidence::kAgeParts;
  const double error = kSureWidth / std::sqrt(samples);
  test.rate = {kept / seconds, kept / seconds * std::max(0.0, 1 - error),
               kept / seconds * (1 + error)};
  if (old_samples < kFewest || new_samples < kFewest) return test;
  // The logarithm of a ratio of counts has the variance 1/a + 1/b.
  test.ratio = old_samples / new_samples;
  const double width = kSureWidth * std::sqrt(1 / old_samples + 1 / new_samples);
  const double low = test.ratio * std::exp(-width);
  test.leaks = low > kLowest && low < kHighest;
  return test;
}

}  // namespace wrackline::diagnosis
