#include "analyzer/evidence/kernel_log.h"

#include <algorithm>

#include "analyzer/evidence/kernel_reports.h"
#include "analyzer/evidence/scan.h"

namespace wrackline::evidence {
namespace {

KernelKill MakeKill(const KernelReport& kernel, const OomVictim& victim) {
  KernelKill kill;
  kill.pid = victim.pid;
  kill.name = victim.name;
  kill.of_cgroup = victim.of_cgroup || kernel.report.constraint == OomConstraint::kCgroup ||
                   kernel.report.usage.has_value();
  kill.total_vm = victim.total_vm;
  kill.anon_rss = victim.anon_rss;
  kill.file_rss = victim.file_rss;
  kill.shmem_rss = victim.shmem_rss;
  kill.page_tables = victim.page_tables;
  kill.usage = kernel.report.usage;
  kill.limit = kernel.report.limit;
  kill.report = kernel.report;
  return kill;
}

const OomVictim& FirstJava(const std::vector<OomVictim>& victims) {
  for (const OomVictim& victim : victims)
    if (victim.name == "java") return victim;
  return victims.front();
}

bool NamesContainer(const OomReport& report, const std::vector<std::string>& ids) {
  return std::any_of(ids.begin(), ids.end(), [&](const std::string& id) {
    return !id.empty() && (Contains(report.task_cgroup, id) ||
                           (report.task_cgroup.empty() && Contains(report.oom_cgroup, id)));
  });
}

// Of the groups of the victim and of the limit, as far as they are there.
bool NamesAnother(const OomReport& report, std::string_view id) {
  const std::string& group = report.task_cgroup.empty() ? report.oom_cgroup : report.task_cgroup;
  return Contains(group, "pod") && !OfAllPods(report) && !Contains(group, std::string(id));
}

struct Found {
  const KernelReport* report = nullptr;
  const OomVictim* victim = nullptr;
};

Found Find(const std::vector<KernelReport>& reports, const KillChoice& choice) {
  Found by_pid, by_container, by_cgroup;
  const bool use_cgroup = !choice.cgroup_path.empty() && choice.cgroup_path != "/";
  for (const KernelReport& kernel : reports) {
    const OomVictim& first = FirstJava(kernel.victims);
    for (const OomVictim& victim : kernel.victims)
      if (choice.pid != 0 && victim.pid == choice.pid) by_pid = {&kernel, &victim};
    if (NamesContainer(kernel.report, choice.container_ids)) by_container = {&kernel, &first};
    if (use_cgroup && EndsWith(kernel.report.task_cgroup, choice.cgroup_path))
      by_cgroup = {&kernel, &first};
  }
  if (by_pid.report) return by_pid;
  return by_container.report ? by_container : by_cgroup;
}

}  // namespace

std::vector<KernelKill> AllKernelKills(std::string_view log) {
  std::vector<KernelKill> kills;
  for (const KernelReport& kernel : ReadKernelReports(log))
    kills.push_back(MakeKill(kernel, FirstJava(kernel.victims)));
  return kills;
}

std::optional<KernelKill> FindKernelKill(std::string_view log, const KillChoice& choice) {
  const std::vector<KernelReport> reports = ReadKernelReports(log);
  const Found found = Find(reports, choice);
  if (!found.report) return std::nullopt;
  return MakeKill(*found.report, *found.victim);
}

std::optional<KernelKill> ChooseKernelKill(std::string_view log, const KillChoice& choice) {
  const std::vector<KernelReport> reports = ReadKernelReports(log);
  if (reports.empty()) return std::nullopt;
  Found found = Find(reports, choice);
  if (!found.report) {
    for (const KernelReport& kernel : reports) {
      if (OfAnotherPod(kernel.report, choice.pod_uid)) continue;
      const OomVictim& victim = FirstJava(kernel.victims);
      if (victim.name == "java" || !found.report || found.victim->name != "java")
        found = {&kernel, &victim};
    }
  }
  if (!found.report) return std::nullopt;
  return MakeKill(*found.report, *found.victim);
}

bool OfAllPods(const OomReport& report) {
  std::string_view group = report.oom_cgroup;
  while (EndsWith(group, "/")) group.remove_suffix(1);
  if (const std::size_t slash = group.rfind('/'); slash != std::string_view::npos)
    group.remove_prefix(slash + 1);
  if (EndsWith(group, ".slice")) group.remove_suffix(std::string_view(".slice").size());
  const auto is = [&](std::string_view name) {
    return EndsWith(group, name) &&
           (group.size() == name.size() || group[group.size() - name.size() - 1] == '-');
  };
  return is("kubepods") || is("burstable") || is("besteffort");
}

bool OfAnotherPod(const OomReport& report, std::string_view pod_uid) {
  if (pod_uid.empty()) return false;
  std::string under_systemd(pod_uid);
  std::replace(under_systemd.begin(), under_systemd.end(), '-', '_');
  return NamesAnother(report, pod_uid) && NamesAnother(report, under_systemd);
}

bool OfAnotherContainer(const OomReport& report, std::string_view container_id) {
  return container_id.size() >= 12 && NamesAnother(report, container_id);
}

std::optional<KernelKill> ParseKernelKill(std::string_view log, std::uint32_t pid,
                                          std::string_view cgroup_path) {
  return FindKernelKill(log,
                        {.pid = pid, .cgroup_path = std::string(cgroup_path), .container_ids = {}});
}

std::string ExtractKernelReport(std::string_view log, std::uint32_t pid,
                                std::string_view cgroup_path, std::size_t limit_bytes) {
  const std::vector<KernelReport> reports = ReadKernelReports(log);
  const Found found =
      Find(reports, {.pid = pid, .cgroup_path = std::string(cgroup_path), .container_ids = {}});
  if (!found.report) return {};
  const std::string_view text =
      log.substr(found.report->begin, found.report->end - found.report->begin);
  constexpr std::string_view kCut = "[... lines left out]\n";
  if (limit_bytes <= kCut.size() + 1) return {};
  if (text.size() + 1 <= limit_bytes) return std::string(text) + "\n";
  // The kill's own lines are the last ones: they are kept first. Whole lines only.
  const std::size_t half = (limit_bytes - kCut.size() - 1) / 2;
  const std::size_t head = text.substr(0, half).rfind('\n');
  const std::size_t tail = text.find('\n', text.size() - half);
  std::string report;
  if (head != std::string_view::npos) report.append(text.substr(0, head + 1));
  report.append(kCut);
  if (tail != std::string_view::npos) report.append(text.substr(tail + 1)).push_back('\n');
  return report;
}

std::optional<TimelinePoint> PointOfDeath(const KernelKill& kill, Time time) {
  TimelinePoint point;
  point.time = time;
  point.charge = kill.usage;
  point.limit = kill.limit;
  bool known = kill.usage.has_value();
  if (kill.report && kill.report->stats) {
    const OomGroupStats& stats = *kill.report->stats;
    known = true;
    point.anon = stats.anon;
    point.file = stats.file;
    point.shmem = stats.shmem;
    point.file_mapped = stats.file_mapped;
    point.file_dirty = stats.file_dirty;
    point.inactive_file = stats.inactive_file;
    point.kernel = stats.kernel ? stats.kernel : kill.report->kernel_usage;
    point.slab = stats.slab;
    if (!point.slab && stats.slab_reclaimable && stats.slab_unreclaimable)
      point.slab = *stats.slab_reclaimable + *stats.slab_unreclaimable;
    point.kernel_stack = stats.kernel_stack;
    point.page_tables = stats.page_tables;
    point.sock = stats.sock;
    point.swap = stats.swap ? stats.swap : kill.report->swap_usage;
  }
  // The victim: its row of the table, with the split that newer kernels print there and all print where they kill.
  const OomTask* row = nullptr;
  if (kill.report)
    for (const OomTask& task : kill.report->tasks)
      if (task.pid == kill.pid) row = &task;
  if (row) {
    point.resident = row->resident;
  } else if (kill.anon_rss && kill.file_rss) {
    point.resident = *kill.anon_rss + *kill.file_rss + kill.shmem_rss.value_or(Bytes{});
  }
  if (row && row->file && row->shmem) {
    point.resident_shared = *row->file + *row->shmem;
  } else if (kill.file_rss) {
    point.resident_shared = *kill.file_rss + kill.shmem_rss.value_or(Bytes{});
  }
  if (!known && !point.resident) return std::nullopt;
  return point;
}

}  // namespace wrackline::evidence
