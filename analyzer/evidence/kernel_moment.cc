#include "analyzer/evidence/kernel_moment.h"

#include <algorithm>
#include <chrono>

namespace wrackline::evidence {
namespace {

std::optional<Bytes> Sum(const std::optional<Bytes>& a, const std::optional<Bytes>& b) {
  if (!a && !b) return std::nullopt;
  return a.value_or(Bytes{}) + b.value_or(Bytes{});
}

}  // namespace

void AddKernelMoment(Time taken, Evidence* evidence) {
  if (evidence->recorded || !evidence->ending.kernel_kill) return;
  const KernelKill& kill = *evidence->ending.kernel_kill;
  TimelinePoint point;
  point.time = taken;
  // Whatever was seen of it was seen before the kill.
  if (!evidence->timeline.empty())
    point.time = std::max(taken, evidence->timeline.back().time) + std::chrono::seconds(1);
  point.charge = kill.usage;
  point.limit = kill.limit;
  if (kill.anon_rss) {
    point.resident_shared = Sum(kill.file_rss, kill.shmem_rss);
    point.resident = *kill.anon_rss + point.resident_shared.value_or(Bytes{});
  }
  if (kill.report) {
    const OomReport& report = *kill.report;
    if (!point.charge) point.charge = report.usage;
    if (!point.limit) point.limit = report.limit;
    if (report.stats) {
      const OomGroupStats& stats = *report.stats;
      point.anon = stats.anon;
      point.file = stats.file;
      point.shmem = stats.shmem;
      point.file_mapped = stats.file_mapped;
      point.file_dirty = stats.file_dirty;
      point.inactive_file = stats.inactive_file;
      point.kernel = stats.kernel;
      point.slab = stats.slab;
      point.kernel_stack = stats.kernel_stack;
      point.page_tables = stats.page_tables;
      point.sock = stats.sock;
      point.swap = stats.swap;
    }
    if (!point.kernel) point.kernel = report.kernel_usage;
  }
  if (!point.charge && !point.resident) return;
  if (point.charge) {
    const Figure charge{*point.charge, point.time, "the kernel's report"};
    evidence->last_charge = charge;
    if (!evidence->peak_charge || evidence->peak_charge->amount < charge.amount)
      evidence->peak_charge = charge;
  }
  if (point.limit && (!evidence->limit || evidence->limit->origin == "manifest"))
    evidence->limit = Figure{*point.limit, point.time, "the kernel's report"};
  evidence->timeline.push_back(point);
}

}  // namespace wrackline::evidence
