// Threads that are started and never end: each has a stack, arenas of the allocator, and Java's buffers.
#include <fmt/core.h>

#include <algorithm>

#include "analyzer/diagnosis/held.h"
#include "analyzer/diagnosis/rules.h"

namespace wrackline::diagnosis {
namespace {

constexpr double kLeast = 20;  // threads more, over the time
// A program's start, and a job's, make threads by the hundred: of a short life its first third does not count, of a longer one so
// much.
constexpr double kStartSeconds = 120;

trend::Trend ThreadsTrend(const evidence::Evidence& evidence, std::uint32_t* last) {
  std::vector<trend::Sample> samples;
  const auto add = [&samples, last](evidence::Time time, std::uint32_t threads) {
    samples.push_back({std::chrono::duration<double>(time.time_since_epoch()).count(),
                       static_cast<double>(threads)});
    *last = threads;
  };
  for (const evidence::TimelinePoint& point : evidence.timeline) {
    if (point.threads) add(point.time, *point.threads);
  }
  if (samples.empty() && evidence.jvm) {
    for (const evidence::JvmFigures& figures : evidence.jvm->figures) {
      if (figures.threads) add(figures.time, *figures.threads);
    }
  }
  if (!samples.empty()) {
    const double begin = samples.front().seconds;
    const double start = std::min(kStartSeconds, (samples.back().seconds - begin) / 3);
    std::erase_if(samples,
                  [&](const trend::Sample& sample) { return sample.seconds < begin + start; });
  }
  return trend::EstimateTrend(samples, kLeast);
}

}  // namespace

std::optional<Finding> ThreadLeak(const Case& c) {
  std::uint32_t threads = 0;
  const trend::Trend trend = ThreadsTrend(c.evidence, &threads);
  const bool steps = trend.shape == trend::Shape::kSteps;
  if (trend.shape != trend::Shape::kGrowing && !steps) return std::nullopt;
  // More than there are: they came and went.
  if (trend.growth > threads) return std::nullopt;
  Finding finding;
  // Of the live ones those with the most: who starts them.
  const evidence::MappingSite* maker = nullptr;
  Bytes stacks;
  for (const evidence::MappingSite& site : c.evidence.mappings) {
    if (site.kind != evidence::MappingKind::kThread) continue;
    stacks += site.resident.value_or(Bytes{});
    if (!site.frames.empty() && (maker == nullptr || maker->ranges < site.ranges)) maker = &site;
  }
  finding.amount = std::max(stacks, LineAmount(c, "jvm.thread_stacks"));
  finding.role = RoleOf(c, finding.amount);
  finding.confidence = maker != nullptr || !steps ? Confidence::kHigh : Confidence::kMedium;
  finding.summary = fmt::format("Threads grew by {:.0f} to {} and still grow{}", trend.growth,
                                threads, steps ? ", by jumps" : "");
  if (!steps)
    finding.evidence.push_back(fmt::format("{:.0f} more an hour (between {:.0f} and {:.0f})",
                                           trend.slope.estimate * 3600, trend.slope.low * 3600,
                                           trend.slope.high * 3600));
  if (finding.amount.count > 0)
    finding.evidence.push_back("their stacks hold " + FormatBytes(finding.amount));
  if (maker != nullptr) {
    finding.evidence.push_back(fmt::format("{} of the live ones were started by {}", maker->ranges,
                                           maker->frames[maker->label].function));
  } else {
    finding.against.emplace_back("who starts them was not recorded");
  }
  if (steps && c.evidence.flink && c.evidence.flink->restarts > 0)
    finding.evidence.push_back(
        fmt::format("{} logged", CountText(static_cast<std::uint64_t>(c.evidence.flink->restarts),
                                           "restart of a job", "restarts of jobs")));
  finding.advice.emplace_back(
      "shut down what starts them when its operator closes (ExecutorService.shutdownNow(), "
      "close() of clients)");
  return finding;
}

}  // namespace wrackline::diagnosis
