// Direct buffers: near their own bound, or above what Flink budgets for them, or a large part of what was held.
#include <fmt/core.h>

#include <algorithm>

#include "analyzer/diagnosis/held.h"
#include "analyzer/diagnosis/rules.h"

namespace wrackline::diagnosis {
namespace {

constexpr Bytes kLeast = 32 * kMiB;

struct Direct {
  Bytes used;
  std::optional<Bytes> most;  // MaxDirectMemorySize
  std::string origin;
};

std::optional<Direct> DirectOf(const evidence::Evidence& evidence) {
  if (evidence.jvm) {
    const evidence::Jvm& jvm = *evidence.jvm;
    for (auto figures = jvm.figures.rbegin(); figures != jvm.figures.rend(); ++figures) {
      if (!figures->direct_used) continue;
      return Direct{*figures->direct_used,
                    jvm.max_direct_memory ? jvm.max_direct_memory : figures->direct_max,
                    "the VM's buffer pool \"direct\""};
    }
  }
  if (evidence.metrics && evidence.metrics->memory.direct)
    return Direct{*evidence.metrics->memory.direct,
                  evidence.flink ? evidence.flink->max_direct : std::nullopt, "Flink's metrics"};
  return std::nullopt;
}

// Who holds them, where they were sampled: Java's frame behind the buffer's constructor.
const evidence::Site* TopSite(const evidence::Evidence& evidence) {
  for (const evidence::Site& site : evidence.sites) {
    for (const evidence::SiteFrame& frame : site.frames) {
      if (frame.java && frame.function.rfind("java.nio.DirectByteBuffer.", 0) == 0) return &site;
    }
  }
  return nullptr;
}

}  // namespace

std::optional<Finding> DirectMemory(const Case& c) {
  const std::optional<Direct> direct = DirectOf(c.evidence);
  if (!direct || direct->used < kLeast) return std::nullopt;
  const evidence::FlinkBudgets* budgets =
      c.evidence.flink && c.evidence.flink->budgets ? &*c.evidence.flink->budgets : nullptr;
  std::optional<Bytes> budget;
  if (budgets != nullptr && budgets->network && budgets->framework_off_heap &&
      budgets->task_off_heap)
    budget = *budgets->network + *budgets->framework_off_heap + *budgets->task_off_heap;
  const trend::Trend trend = JvmTrend(c.evidence, &evidence::JvmFigures::direct_used, 4 * kMiB);
  const bool grows = trend.shape == trend::Shape::kGrowing;
  const std::optional<Bytes> total = TotalOf(c);
  const bool near_most =
      direct->most && direct->most->count > 0 && 10 * direct->used > 9 * *direct->most;
  const bool above = budget && direct->used > *budget + kMiB;
  const bool large = total && 4 * direct->used > *total;
  if (!above && !(grows && (near_most || large)) && !(near_most && !budget)) return std::nullopt;

  Finding finding;
  finding.amount = above ? direct->used - *budget : direct->used;
  finding.role = above && EndedByLimit(c.outcome) && total && 10 * finding.amount > *total
                     ? Role::kCause
                 : above || grows ? Role::kContributor
                                  : Role::kInformation;
  finding.confidence = above || grows ? Confidence::kHigh : Confidence::kMedium;
  finding.summary =
      above   ? fmt::format("Direct buffers hold {}, {} more than Flink's budgets for them",
                            FormatBytes(direct->used), FormatBytes(finding.amount))
      : grows ? fmt::format("Direct buffers hold {} and grow", FormatBytes(direct->used))
              : fmt::format("Direct buffers hold {} of the {} that the VM allows them",
                            FormatBytes(direct->used), FormatBytes(*direct->most));
  finding.evidence.push_back(direct->origin);
  if (budget)
    finding.evidence.push_back(
        fmt::format("network {} + framework off-heap {} + task off-heap {} = {}",
                    FormatBytes(*budgets->network), FormatBytes(*budgets->framework_off_heap),
                    FormatBytes(*budgets->task_off_heap), FormatBytes(*budget)));
  if (direct->most && direct->most->count > 0)
    finding.evidence.push_back("MaxDirectMemorySize " + FormatBytes(*direct->most));
  if (grows) finding.evidence.push_back("they grow by " + RateText(trend.slope));
  if (trend.shape == trend::Shape::kNotGrowing) finding.against.emplace_back("they do not grow");
  if (const evidence::Site* site = TopSite(c.evidence))
    finding.evidence.push_back(fmt::format(
        "most were made by {}: {}", site->frames[site->label].function, FormatBytes(site->live)));
  finding.advice.emplace_back(
      above || !budget
          ? "taskmanager.memory.task.off-heap.size for what the job and its connectors use, "
            "taskmanager.memory.framework.off-heap.size for Flink itself: MaxDirectMemorySize "
            "follows"
          : "find who keeps them: a direct buffer is freed only when a collection finds its "
            "object");
  return finding;
}

}  // namespace wrackline::diagnosis
