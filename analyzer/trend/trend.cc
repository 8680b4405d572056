#include "analyzer/trend/trend.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <utility>

namespace wrackline::trend {
namespace {

constexpr std::size_t kMostSpans = 80;
constexpr std::size_t kFewest = 12;
// Below as many independent values the normal approximation of the test is no good.
constexpr double kFewestIndependent = 5;
constexpr double kNormal95 = 1.96;
// One-sided: that noise alone is taken for growth.
constexpr double kLevel = 0.01;
// The low points of the second half must have risen by this part of what the line says between the middles of both halves.
constexpr double kFloorPart = 0.35;
// Growth at the end below this part of that at the start is levelling off.
constexpr double kLevellingPart = 0.55;
// A jump is a change between two neighbours that is this many times the usual change (its median deviation, scaled to a standard
// deviation), and this part of the whole range.
constexpr double kJump = 6;
constexpr double kJumpPart = 0.15;
// Spans on each side that a jump's height is taken from.
constexpr std::size_t kAround = 5;
// Beside jumps a slope must be this part of them: their heights are not exact.
constexpr double kBesideJumps = 0.2;
constexpr double kMadToDeviation = 1.4826;

using Samples = std::vector<Sample>;

double Median(std::vector<double> values) {
  if (values.empty()) return 0;
  const std::size_t middle = values.size() / 2;
  std::nth_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(middle),
                   values.end());
  const double upper = values[middle];
  if (values.size() % 2 == 1) return upper;
  const double lower =
      *std::max_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(middle));
  return (lower + upper) / 2;
}

Samples Spans(const Samples& samples) {
  const double begin = samples.front().seconds;
  const double length = samples.back().seconds - begin;
  const std::size_t count = std::min(kMostSpans, samples.size());
  Samples spans;
  std::vector<double> times, values;
  std::size_t current = 0;
  const auto finish = [&] {
    if (!values.empty()) spans.push_back({Median(times), Median(values)});
    times.clear();
    values.clear();
  };
  for (const Sample& sample : samples) {
    const double place = (sample.seconds - begin) / length * static_cast<double>(count);
    const std::size_t span = std::min(count - 1, static_cast<std::size_t>(std::max(0.0, place)));
    if (span != current) finish();
    current = span;
    times.push_back(sample.seconds);
    values.push_back(sample.value);
  }
  finish();
  return spans;
}

std::vector<double> PairSlopes(const Samples& spans) {
  std::vector<double> slopes;
  slopes.reserve(spans.size() * (spans.size() - 1) / 2);
  for (std::size_t i = 0; i < spans.size(); ++i) {
    for (std::size_t j = i + 1; j < spans.size(); ++j) {
      const double seconds = spans[j].seconds - spans[i].seconds;
      if (seconds > 0) slopes.push_back((spans[j].value - spans[i].value) / seconds);
    }
  }
  std::sort(slopes.begin(), slopes.end());
  return slopes;
}

// What the line leaves, around its median.
std::vector<double> Residuals(const Samples& spans, double slope) {
  std::vector<double> rest;
  rest.reserve(spans.size());
  for (const Sample& span : spans) rest.push_back(span.value - slope * span.seconds);
  const double middle = Median(rest);
  for (double& value : rest) value -= middle;
  return rest;
}

// From one to the next, corrected for the bias of a line that was fitted to n values.
double Correlation(const std::vector<double>& rest) {
  const double n = static_cast<double>(rest.size());
  double mean = 0;
  for (const double value : rest) mean += value / n;
  double product = 0, square = 0;
  for (std::size_t i = 0; i < rest.size(); ++i) {
    square += (rest[i] - mean) * (rest[i] - mean);
    if (i > 0) product += (rest[i] - mean) * (rest[i - 1] - mean);
  }
  if (square <= 0) return 0;
  const double r = product / square;
  return std::clamp((n * r + 2) / (n - 4), 0.0, 0.99);
}

struct Line {
  Interval slope;
  double significance = 1;
  double independent = 0;
  double intercept = 0;  // value at 0 s
};

Line Fit(const Samples& spans) {
  Line line;
  const std::vector<double> slopes = PairSlopes(spans);
  if (slopes.empty()) return line;
  const double n = static_cast<double>(spans.size());
  line.slope.estimate = Median(slopes);
  const std::vector<double> rest = Residuals(spans, line.slope.estimate);
  const double r = Correlation(rest);
  line.independent = n * (1 - r) / (1 + r);
  double s = 0, pairs = 0;
  for (const double slope : slopes) {
    s += slope > 0 ? 1 : slope < 0 ? -1 : 0;
    pairs += slope != 0 ? 1 : 0;
  }
  // Var(S) of n independent values without ties, times n over how many they are worth.
  const double deviation =
      std::sqrt(n * (n - 1) * (2 * n + 5) / 18 * n / std::max(1.0, line.independent));
  const double z = s > 0 ? (s - 1) / deviation : s < 0 ? (s + 1) / deviation : 0;
  line.significance = pairs == 0 ? 1 : 0.5 * std::erfc(z / std::sqrt(2.0));
  if (line.independent < kFewestIndependent) line.significance = 1;
  const double width = kNormal95 * deviation;
  const double count = static_cast<double>(slopes.size());
  const auto at = [&slopes, count](double place) {
    return slopes[static_cast<std::size_t>(std::clamp(std::round(place), 0.0, count - 1))];
  };
  line.slope.low = at((count - width) / 2 - 1);
  line.slope.high = at((count + width) / 2);
  std::vector<double> intercepts;
  for (const Sample& span : spans)
    intercepts.push_back(span.value - line.slope.estimate * span.seconds);
  line.intercept = Median(std::move(intercepts));
  return line;
}

// Upward jumps: rises over one or two spans far beyond the usual change, that are not taken back at once.
std::vector<Step> FindSteps(const Samples& spans) {
  if (spans.size() < kFewest) return {};
  std::vector<double> changes, deviations;
  for (std::size_t i = 1; i < spans.size(); ++i)
    changes.push_back(spans[i].value - spans[i - 1].value);
  const double usual = Median(changes);
  for (const double change : changes) deviations.push_back(std::abs(change - usual));
  const double deviation = kMadToDeviation * Median(deviations);
  const auto [least, most] =
      std::minmax_element(spans.begin(), spans.end(),
                          [](const Sample& a, const Sample& b) { return a.value < b.value; });
  const double range = most->value - least->value;
  std::vector<Step> steps;
  for (std::size_t i = 1; i < spans.size(); ++i) {
    // A jump in the middle of a span shows as two rises: its median lies between.
    double height = spans[i].value - spans[i - 1].value - usual;
    std::size_t last = i;
    if (i + 1 < spans.size() && spans[i + 1].value - spans[i].value - usual > kJump * deviation) {
      height = spans[i + 1].value - spans[i - 1].value - 2 * usual;
      last = i + 1;
    }
    if (height <= kJump * deviation || height < kJumpPart * range) continue;
    // Levels of a few spans before and after: a peak that passes is no step, and one span's noise is not part of its height.
    std::vector<double> before, after;
    for (std::size_t k = i; k-- > 0 && before.size() < kAround;)
      before.push_back(spans[k].value + usual * static_cast<double>(i - 1 - k));
    for (std::size_t k = last; k < spans.size() && after.size() < kAround; ++k)
      after.push_back(spans[k].value - usual * static_cast<double>(k - last));
    const double levels =
        Median(after) - Median(before) - usual * static_cast<double>(last - i + 1);
    if (levels < height / 2) continue;
    steps.push_back({spans[last].seconds, levels});
    i = last;
  }
  return steps;
}

Samples WithoutSteps(Samples spans, const std::vector<Step>& steps) {
  double taken = 0;
  std::size_t next = 0;
  for (Sample& span : spans) {
    while (next < steps.size() && steps[next].seconds <= span.seconds)
      taken += steps[next++].height;
    span.value -= taken;
  }
  return spans;
}

// The lowest value from each half on: saw teeth come back to theirs.
bool FloorRises(const Samples& spans, double slope) {
  const std::size_t middle = spans.size() / 2;
  const auto lower = [](const Sample& a, const Sample& b) { return a.value < b.value; };
  const auto half = spans.begin() + static_cast<std::ptrdiff_t>(middle);
  const double first = std::min_element(spans.begin(), half, lower)->value;
  const double second = std::min_element(half, spans.end(), lower)->value;
  const double apart = (spans.back().seconds - spans.front().seconds) / 2;
  return second - first > kFloorPart * slope * apart;
}

bool LevelsOff(const Samples& spans, const Interval& whole) {
  const auto middle = spans.begin() + static_cast<std::ptrdiff_t>(spans.size() / 2);
  const Line first = Fit(Samples(spans.begin(), middle));
  const Line second = Fit(Samples(middle, spans.end()));
  // Short halves have wide intervals: only a clear difference counts, or an end that is flat as far as can be told.
  if (first.slope.estimate <= 0) return false;
  if (second.slope.high < kLevellingPart * first.slope.estimate) return true;
  return second.slope.estimate < 0.2 * whole.estimate && second.significance > 0.2;
}

// How far samples lie above the line: 95 of 100 no further.
double ScatterAbove(const Samples& samples, const std::vector<Step>& steps, const Line& line) {
  std::vector<double> above;
  for (const Sample& sample : WithoutSteps(samples, steps))
    above.push_back(sample.value - line.intercept - line.slope.estimate * sample.seconds);
  const auto place = static_cast<std::ptrdiff_t>(0.95 * static_cast<double>(above.size() - 1));
  std::nth_element(above.begin(), above.begin() + place, above.end());
  return std::max(0.0, above[static_cast<std::size_t>(place)]);
}

}  // namespace

std::string_view Name(Shape shape) {
  switch (shape) {
    case Shape::kTooShort:
      return "too_short";
    case Shape::kNotGrowing:
      return "not_growing";
    case Shape::kGrowing:
      return "growing";
    case Shape::kLevelling:
      return "levelling";
    case Shape::kSteps:
      return "steps";
  }
  return "unknown";
}

Trend EstimateTrend(const std::vector<Sample>& samples, double least) {
  Trend trend;
  if (samples.size() < kFewest || samples.back().seconds <= samples.front().seconds) return trend;
  // Times from the first sample on: seconds since 1970 would cost the slopes their digits.
  Samples all = samples;
  const double origin = all.front().seconds;
  for (Sample& sample : all) sample.seconds -= origin;
  const Samples spans = Spans(all);
  if (spans.size() < kFewest) return trend;
  trend.seconds = all.back().seconds;
  const std::vector<Step> steps = FindSteps(spans);
  const Samples level = WithoutSteps(spans, steps);
  const Line line = Fit(level);
  double jumped = 0;
  for (const Step& step : steps) jumped += step.height;
  trend.slope = line.slope;
  trend.significance = line.significance;
  trend.independent = line.independent;
  trend.growth = line.slope.estimate * trend.seconds + jumped;
  trend.end = line.intercept + line.slope.estimate * trend.seconds + jumped;
  trend.scatter = ScatterAbove(all, steps, line);
  for (const Step& step : steps) trend.steps.push_back({step.seconds + origin, step.height});

  const double along = line.slope.estimate * trend.seconds;
  const bool rises = line.significance < kLevel && line.slope.low > 0 && along > least &&
                     along > kBesideJumps * jumped && FloorRises(level, line.slope.estimate);
  if (rises) {
    trend.shape = LevelsOff(level, line.slope) ? Shape::kLevelling : Shape::kGrowing;
  } else if (jumped > least && trend.steps.size() >= 3 && along > -jumped / 4 &&
             FloorRises(spans, jumped / trend.seconds)) {
    trend.shape = Shape::kSteps;
  } else {
    trend.shape = Shape::kNotGrowing;
  }
  return trend;
}

std::optional<Interval> SecondsUntil(const Trend& trend, double limit) {
  if (trend.shape != Shape::kGrowing) return std::nullopt;
  const auto until = [&](double slope, double above) {
    return std::max(0.0, (limit - trend.end - above) / slope);
  };
  // The line itself is uncertain at its end too: half of what its slope is uncertain by, over half of the time.
  const double early = trend.end + (trend.slope.high - trend.slope.estimate) * trend.seconds / 2;
  const double late = trend.end - (trend.slope.estimate - trend.slope.low) * trend.seconds / 2;
  Interval interval;
  interval.estimate = until(trend.slope.estimate, trend.scatter);
  interval.low = std::max(0.0, (limit - early - 1.5 * trend.scatter) / trend.slope.high);
  interval.high = std::max(0.0, (limit - late) / trend.slope.low);
  return interval;
}

}  // namespace wrackline::trend
