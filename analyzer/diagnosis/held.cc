#include "analyzer/diagnosis/held.h"

#include <fmt/core.h>

#include <algorithm>
#include <chrono>

#include "analyzer/diagnosis/pod_end.h"

namespace wrackline::diagnosis {
namespace {

using evidence::Evidence;
using evidence::TimelinePoint;

double SecondsOf(evidence::Time time) {
  return std::chrono::duration<double>(time.time_since_epoch()).count();
}

}  // namespace

Bytes LineAmount(const Case& c, std::string_view id) {
  Bytes amount;
  if (!c.ledger) return amount;
  for (const ledger::Line& line : c.ledger->lines) {
    if (line.id == id) amount += line.amount;
  }
  return amount;
}

std::optional<Bytes> LimitOf(const Evidence& evidence) {
  if (evidence.limit) return evidence.limit->amount;
  if (evidence.ending.kernel_kill && evidence.ending.kernel_kill->limit)
    return evidence.ending.kernel_kill->limit;
  if (evidence.yarn && evidence.yarn->physical_limit) return evidence.yarn->physical_limit;
  const PodEnd pod = PodEndOf(evidence);
  return pod.container == nullptr ? std::nullopt : pod.container->memory_limit;
}

std::optional<Bytes> TotalOf(const Case& c) {
  if (c.ledger) return c.ledger->total;
  const auto& kill = c.evidence.ending.kernel_kill;
  if (kill && kill->usage) return kill->usage;
  return c.evidence.last_charge ? std::optional(c.evidence.last_charge->amount) : std::nullopt;
}

Role RoleOf(const Case& c, Bytes amount) {
  const std::optional<Bytes> total = TotalOf(c);
  return EndedByLimit(c.outcome) && total && 2 * amount >= *total ? Role::kCause
                                                                  : Role::kContributor;
}

trend::Trend JvmTrend(const Evidence& evidence, std::optional<Bytes> evidence::JvmFigures::*member,
                      Bytes least) {
  std::vector<trend::Sample> samples;
  if (evidence.jvm) {
    for (const evidence::JvmFigures& figures : evidence.jvm->figures) {
      if (figures.*member)
        samples.push_back({SecondsOf(figures.time), static_cast<double>((figures.*member)->count)});
    }
  }
  return trend::EstimateTrend(samples, static_cast<double>(least.count));
}

trend::Trend AnonymousTrend(const Evidence& evidence) {
  std::vector<trend::Sample> own, group;
  for (const TimelinePoint& point : evidence.timeline) {
    if (const auto amount = point.ProcessAnonymous())
      own.push_back({SecondsOf(point.time), static_cast<double>(amount->count)});
    if (point.anon)
      group.push_back({SecondsOf(point.time), static_cast<double>(point.anon->count)});
  }
  return trend::EstimateTrend(own.empty() ? group : own, static_cast<double>(kMiB.count));
}

Bytes ResidentOf(const evidence::Site& site) {
  return std::max(Bytes{}, site.live - site.untouched);
}

std::string RateText(const trend::Interval& slope) {
  const auto hourly = [](double per_second) {
    return FormatBytes(
        Bytes{static_cast<std::int64_t>(std::clamp(per_second * 3600, -9e15, 9e15))});
  };
  return fmt::format("{} an hour (between {} and {})", hourly(slope.estimate), hourly(slope.low),
                     hourly(slope.high));
}

std::string CountText(std::uint64_t count, const char* singular, const char* plural) {
  return fmt::format("{} {}", count, count == 1 ? singular : plural);
}

}  // namespace wrackline::diagnosis
