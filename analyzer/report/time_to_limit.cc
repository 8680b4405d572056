#include "analyzer/report/time_to_limit.h"

#include <algorithm>
#include <vector>

namespace wrackline::report {
namespace {

using diagnosis::Outcome;
using evidence::Evidence;
using evidence::TimelinePoint;
using trend::Sample;

// Growth below both says nothing of a limit.
constexpr Bytes kLeast = kMiB;
constexpr std::int64_t kLeastPart = 200;
// A rate holds for a while: who was watched for a minute is not told of the next day.
constexpr double kReach = 30;

using Value = std::optional<Bytes> (*)(const TimelinePoint&);

std::vector<Sample> SeriesOf(const Evidence& evidence, Value value) {
  std::vector<Sample> series;
  for (const TimelinePoint& point : evidence.timeline) {
    const std::optional<Bytes> amount = value(point);
    if (!amount) continue;
    const double seconds = std::chrono::duration<double>(point.time.time_since_epoch()).count();
    series.push_back({seconds, static_cast<double>(amount->count)});
  }
  return series;
}

// What the kernel can give up only by swapping.
std::optional<Bytes> Unreclaimable(const TimelinePoint& point) {
  if (!point.anon) return std::nullopt;
  return *point.anon + point.shmem.value_or(Bytes{}) + point.kernel.value_or(Bytes{});
}

bool IsOver(Outcome outcome) {
  return diagnosis::EndedByLimit(outcome) || outcome == Outcome::kCleanExit ||
         outcome == Outcome::kMetricsOnly;
}

LimitState StateOf(trend::Shape shape) {
  switch (shape) {
    case trend::Shape::kTooShort:
      return LimitState::kTooShort;
    case trend::Shape::kNotGrowing:
      return LimitState::kNotGrowing;
    case trend::Shape::kGrowing:
      return LimitState::kGrowing;
    case trend::Shape::kLevelling:
      return LimitState::kLevelling;
    case trend::Shape::kSteps:
      return LimitState::kSteps;
  }
  return LimitState::kTooShort;
}

}  // namespace

std::string_view Name(LimitState state) {
  switch (state) {
    case LimitState::kTooShort:
      return "too_short";
    case LimitState::kNotGrowing:
      return "not_growing";
    case LimitState::kPageCache:
      return "page_cache";
    case LimitState::kLevelling:
      return "levelling";
    case LimitState::kSteps:
      return "steps";
    case LimitState::kFar:
      return "far";
    case LimitState::kGrowing:
      return "growing";
  }
  return "unknown";
}

std::optional<TimeToLimit> TimeToLimitOf(const Evidence& evidence, Outcome outcome,
                                         bool own_group) {
  if (!evidence.limit || evidence.limit->amount.count <= 0 || IsOver(outcome)) return std::nullopt;
  TimeToLimit result;
  result.limit = evidence.limit->amount;
  std::vector<Sample> series;
  static constexpr struct {
    const char* name;
    bool of_group;
    Value value;
  } kSeries[] = {
      {"working_set", true, [](const TimelinePoint& point) { return point.WorkingSet(); }},
      {"anon", true, [](const TimelinePoint& point) { return point.anon; }},
      {"resident_anon", false,
       [](const TimelinePoint& point) { return point.ProcessAnonymous(); }}};
  for (const auto& [name, of_group, value] : kSeries) {
    if (of_group && !own_group) continue;
    series = SeriesOf(evidence, value);
    result.series = name;
    if (!series.empty()) break;
  }
  if (series.empty()) return std::nullopt;
  result.now = Bytes{static_cast<std::int64_t>(series.back().value)};
  const Bytes part{result.limit.count / kLeastPart};
  const auto least = static_cast<double>(std::max(kLeast, part).count);
  result.trend = trend::EstimateTrend(series, least);
  result.state = StateOf(result.trend.shape);
  if (result.state != LimitState::kGrowing) return result;
  const trend::Trend beneath = trend::EstimateTrend(SeriesOf(evidence, Unreclaimable), least);
  if (own_group && beneath.shape == trend::Shape::kNotGrowing) {
    result.state = LimitState::kPageCache;
    return result;
  }
  result.seconds = trend::SecondsUntil(result.trend, static_cast<double>(result.limit.count));
  if (!result.seconds || result.seconds->estimate > kReach * result.trend.seconds) {
    result.state = LimitState::kFar;
    result.seconds.reset();
  }
  return result;
}

}  // namespace wrackline::report
