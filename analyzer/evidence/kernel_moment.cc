#include "analyzer/evidence/kernel_moment.h"

#include <algorithm>
#include <chrono>

#include "analyzer/evidence/kernel_log.h"

namespace wrackline::evidence {
void AddKernelMoment(Time taken, Evidence* evidence) {
  if (evidence->recorded || !evidence->ending.kernel_kill) return;
  // Whatever was seen of it was seen before the kill.
  Time time = taken;
  if (!evidence->timeline.empty())
    time = std::max(taken, evidence->timeline.back().time) + std::chrono::seconds(1);
  const std::optional<TimelinePoint> death = PointOfDeath(*evidence->ending.kernel_kill, time);
  if (!death) return;
  TimelinePoint point = *death;
  // The reader of the log has made the point where nothing else was known.
  const bool there = !evidence->timeline.empty() &&
                     evidence->timeline.back().charge == point.charge &&
                     evidence->timeline.back().anon == point.anon &&
                     evidence->timeline.back().resident == point.resident;
  if (there) point = evidence->timeline.back();
  if (point.charge) {
    const Figure charge{*point.charge, point.time, "the kernel's report"};
    evidence->last_charge = charge;
    if (!evidence->peak_charge || evidence->peak_charge->amount < charge.amount)
      evidence->peak_charge = charge;
  }
  if (point.limit && (!evidence->limit || evidence->limit->origin == "manifest"))
    evidence->limit = Figure{*point.limit, point.time, "the kernel's report"};
  if (!there) evidence->timeline.push_back(point);
}

}  // namespace wrackline::evidence
