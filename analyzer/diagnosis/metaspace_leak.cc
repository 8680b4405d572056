// Classes that are loaded again and again and never unloaded: a class loader that something still refers to, mostly one more for each
// restart of a job.
#include <fmt/core.h>

#include "analyzer/diagnosis/held.h"
#include "analyzer/diagnosis/rules.h"

namespace wrackline::diagnosis {
namespace {

constexpr Bytes kLeast = 4 * kMiB;  // growth over the time

// Loaded less unloaded, where both are known.
trend::Trend ClassesTrend(const evidence::Evidence& evidence) {
  std::vector<trend::Sample> samples;
  for (const evidence::JvmFigures& figures : evidence.jvm->figures) {
    if (!figures.classes_loaded) continue;
    const double seconds = std::chrono::duration<double>(figures.time.time_since_epoch()).count();
    // The VM's "loaded" is the number at that moment.
    samples.push_back({seconds, static_cast<double>(*figures.classes_loaded)});
  }
  return trend::EstimateTrend(samples, 100);
}

bool Rises(const trend::Trend& trend) {
  return trend.shape == trend::Shape::kGrowing || trend.shape == trend::Shape::kSteps;
}

}  // namespace

std::optional<Finding> MetaspaceLeak(const Case& c) {
  if (!c.evidence.jvm) return std::nullopt;
  const evidence::Jvm& jvm = *c.evidence.jvm;
  const trend::Trend trend = JvmTrend(c.evidence, &evidence::JvmFigures::metaspace_used, kLeast);
  const evidence::JvmFigures* last = jvm.Last();
  const int restarts = c.evidence.flink ? c.evidence.flink->restarts : 0;
  if (last == nullptr || !Rises(trend)) return std::nullopt;
  const trend::Trend classes = ClassesTrend(c.evidence);
  Finding finding;
  finding.amount = last->metaspace_committed.value_or(last->metaspace_used.value_or(Bytes{}));
  const std::optional<Bytes> total = TotalOf(c);
  finding.role = EndedByLimit(c.outcome) && total && 2 * finding.amount > *total ? Role::kCause
                 : total && 50 * finding.amount < *total ? Role::kInformation
                                                         : Role::kContributor;
  finding.summary = fmt::format(
      "Metaspace grew by {} to {} and still grows: classes are loaded and never unloaded",
      FormatBytes(Bytes{static_cast<std::int64_t>(trend.growth)}), FormatBytes(finding.amount));
  if (trend.shape == trend::Shape::kSteps) {
    finding.evidence.push_back(
        fmt::format("it grew by {} jumps, and not between them", trend.steps.size()));
  } else {
    finding.evidence.push_back("it grows by " + RateText(trend.slope));
  }
  if (last->classes_loaded)
    finding.evidence.push_back(fmt::format(
        "{} classes are loaded{}", *last->classes_loaded,
        last->classes_unloaded ? fmt::format(", {} were unloaded", *last->classes_unloaded)
                               : std::string()));
  if (restarts > 0)
    finding.evidence.push_back(fmt::format(
        "{} logged: {} for each",
        CountText(static_cast<std::uint64_t>(restarts), "restart of a job", "restarts of jobs"),
        FormatBytes(Bytes{static_cast<std::int64_t>(trend.growth / restarts)})));
  if (jvm.max_metaspace && jvm.max_metaspace->count > 0)
    finding.evidence.push_back(fmt::format("{} of MaxMetaspaceSize {}", FormatBytes(finding.amount),
                                           FormatBytes(*jvm.max_metaspace)));
  const bool classes_rise = Rises(classes);
  if (classes.shape == trend::Shape::kNotGrowing)
    finding.against.emplace_back("the number of classes does not grow");
  if (last->classes_unloaded && last->classes_loaded &&
      *last->classes_unloaded > *last->classes_loaded / 2)
    finding.against.emplace_back("classes are unloaded as well");
  finding.confidence = classes_rise && (restarts > 0 || trend.shape == trend::Shape::kGrowing)
                           ? Confidence::kHigh
                           : Confidence::kMedium;
  finding.advice.emplace_back(
      "find what keeps the job's class loader: threads and thread locals that outlive the job, "
      "drivers, loggers, metrics; libraries that register themselves belong into Flink's lib/ "
      "folder");
  return finding;
}

}  // namespace wrackline::diagnosis
