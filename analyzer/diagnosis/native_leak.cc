// Native memory that a site allocates and does not free: growth by the ages of its live objects, against the trend of the process.
#include <fmt/core.h>

#include <algorithm>

#include "analyzer/diagnosis/held.h"
#include "analyzer/diagnosis/jni_handles.h"
#include "analyzer/diagnosis/leaks.h"
#include "analyzer/diagnosis/rules.h"

namespace wrackline::diagnosis {
namespace {

using evidence::Site;

constexpr std::int64_t kPart = 50;  // from 1/50 of the charge on
constexpr Bytes kLeast = 4 * kMiB;  // and this
constexpr double kFreedMuch = 0.5;  // of what it allocates: more than a leak alone would
constexpr double kFreedLittle = 0.2;

std::string PlaceOf(const Site& site) {
  const evidence::SiteFrame& frame = site.frames[site.label];
  if (frame.line == 0) return frame.function;
  return fmt::format("{} ({}:{})", frame.function, frame.file, frame.line);
}

}  // namespace

std::vector<SiteLeak> LeakingSites(const evidence::Evidence& evidence) {
  std::vector<SiteLeak> leaks;
  for (const Site& site : evidence.sites) {
    if (site.live < kLeast) break;  // largest first
    if (site.in_rocksdb || site.frames.empty() || JniHandleOf(site) != nullptr) continue;
    LeakTest test = TestForLeak({&site}, evidence.Lifetime());
    if (test.leaks && test.kept >= kLeast) leaks.push_back({&site, test});
  }
  std::stable_sort(leaks.begin(), leaks.end(),
                   [](const SiteLeak& a, const SiteLeak& b) { return a.test.kept > b.test.kept; });
  return leaks;
}

std::optional<Finding> NativeLeak(const Case& c) {
  const std::vector<SiteLeak> leaks = LeakingSites(c.evidence);
  if (leaks.empty()) return std::nullopt;
  Finding finding;
  for (const SiteLeak& leak : leaks) finding.amount += ResidentOf(*leak.site);
  const std::optional<Bytes> total = TotalOf(c);
  if (total && kPart * finding.amount < *total) return std::nullopt;
  const SiteLeak& top = leaks.front();
  finding.role = RoleOf(c, finding.amount);
  finding.summary = fmt::format(
      "{} allocates and does not free: {} alive{}", PlaceOf(*top.site),
      FormatBytes(ResidentOf(*top.site)),
      leaks.size() > 1 ? fmt::format(", and {} with {}",
                                     CountText(leaks.size() - 1, "other site", "other sites"),
                                     FormatBytes(finding.amount - ResidentOf(*top.site)))
                       : std::string());
  if (top.site->untouched.count > 0)
    finding.evidence.push_back(
        fmt::format("{} more of it were never touched, and are no memory of the pod's",
                    FormatBytes(top.site->untouched)));
  finding.evidence.push_back(fmt::format("it keeps {}", RateText(top.test.rate)));
  finding.evidence.push_back(fmt::format(
      "of what it allocated long ago as much is alive as of what is newer: {:.2f} times, "
      "by {} samples",
      top.test.ratio, top.test.samples));
  const trend::Trend trend = AnonymousTrend(c.evidence);
  const bool process_grows =
      trend.shape == trend::Shape::kGrowing || trend.shape == trend::Shape::kSteps;
  if (trend.shape == trend::Shape::kGrowing)
    finding.evidence.push_back("the process's anonymous memory grows by " + RateText(trend.slope));
  if (trend.shape == trend::Shape::kSteps)
    finding.evidence.push_back(
        fmt::format("the process's anonymous memory grows by jumps: {} in {:.0f} minutes",
                    trend.steps.size(), trend.seconds / 60));
  if (trend.shape == trend::Shape::kNotGrowing)
    finding.against.emplace_back("the process's anonymous memory as a whole shows no trend");
  if (trend.shape == trend::Shape::kTooShort)
    finding.against.emplace_back("the timeline is too short to see whether the process grows");
  if (c.evidence.flink && c.evidence.flink->restarts > 0)
    finding.evidence.push_back(
        fmt::format("{} logged: {} for each, if it is they that leave it behind",
                    CountText(static_cast<std::uint64_t>(c.evidence.flink->restarts),
                              "restart of a job", "restarts of jobs"),
                    FormatBytes(Bytes{finding.amount.count / c.evidence.flink->restarts})));
  if (top.test.freed_part > kFreedMuch)
    finding.against.push_back(
        fmt::format("{:.0f} % of what it allocates is freed again", 100 * top.test.freed_part));
  finding.confidence = process_grows && top.test.freed_part < kFreedLittle   ? Confidence::kHigh
                       : process_grows || top.test.freed_part < kFreedLittle ? Confidence::kMedium
                                                                             : Confidence::kLow;
  finding.advice.emplace_back(
      "look at that place: what it allocates needs a free, a close() or a bound");
  return finding;
}

}  // namespace wrackline::diagnosis
