// Others were charged to the limit that was reached: containers of the same pod, children, processes beside it. By the kernel's own
// table of tasks.
#include <fmt/core.h>

#include <algorithm>
#include <map>

#include "analyzer/diagnosis/held.h"
#include "analyzer/diagnosis/rules.h"

namespace wrackline::diagnosis {

std::optional<Finding> NeighbourInThePod(const Case& c) {
  const auto& kill = c.evidence.ending.kernel_kill;
  // A kill that did not end this process may still be of its group.
  if (!kill || !kill->report || (!IsOomKill(c.outcome) && c.outcome != Outcome::kUnknown))
    return std::nullopt;
  const evidence::OomReport& report = *kill->report;
  // The table lists the tasks of the group that ran out, and of all groups below it.
  if (report.constraint != evidence::OomConstraint::kCgroup || OfAllPods(report))
    return std::nullopt;
  Bytes others, victim;
  std::map<std::string, Bytes> by_name;
  for (const evidence::OomTask& task : report.tasks) {
    // Files may be mapped by several of them; where the kernel tells, only what is a task's own counts.
    const Bytes own = task.anon ? *task.anon + task.shmem.value_or(Bytes{}) : task.resident;
    if (task.pid == kill->pid) {
      victim += own;
    } else {
      others += own;
      by_name[task.name] += own;
    }
  }
  const std::optional<Bytes> limit = report.limit ? report.limit : LimitOf(c.evidence);
  const bool above =
      !report.oom_cgroup.empty() && !report.task_cgroup.empty() &&
      report.oom_cgroup.size() < report.task_cgroup.size() &&
      report.task_cgroup.compare(0, report.oom_cgroup.size(), report.oom_cgroup) == 0;
  if (!limit || limit->count <= 0 || 10 * others < *limit) return std::nullopt;
  Finding finding;
  finding.amount = others;
  finding.role = 2 * others >= *limit ? Role::kCause : Role::kContributor;
  finding.confidence = above || others >= victim ? Confidence::kHigh : Confidence::kMedium;
  std::vector<std::pair<std::string, Bytes>> ranked(by_name.begin(), by_name.end());
  std::stable_sort(ranked.begin(), ranked.end(),
                   [](const auto& a, const auto& b) { return a.second > b.second; });
  std::string names;
  for (std::size_t i = 0; i < std::min<std::size_t>(3, ranked.size()); ++i)
    names +=
        fmt::format("{}{} {}", i == 0 ? "" : ", ", ranked[i].first, FormatBytes(ranked[i].second));
  finding.summary = fmt::format("Other processes under the same limit held {} of {}: {}",
                                FormatBytes(others), FormatBytes(*limit), names);
  finding.evidence.push_back(
      fmt::format("the kernel's table: {} held {} of its own", kill->name, FormatBytes(victim)));
  if (above)
    finding.evidence.push_back(fmt::format(
        "the limit that was reached is of {}, above the process's own {}: the pod's as a whole",
        report.oom_cgroup, report.task_cgroup));
  if (report.tasks.size() >= 4096)
    finding.against.emplace_back("the table was cut: there may be more");
  if (victim > others)
    finding.against.push_back(fmt::format("the killed process held more, {}", FormatBytes(victim)));
  finding.advice.emplace_back(
      above
          ? "give each container a limit of its own, or count all of them into the pod's"
          : "move the other processes into containers of their own, or count them into the limit");
  return finding;
}

}  // namespace wrackline::diagnosis
