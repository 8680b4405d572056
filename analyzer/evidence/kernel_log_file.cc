// A file of the kernel's log as a source of evidence.
#include <algorithm>
#include <csignal>

#include <fmt/core.h>

#include "analyzer/evidence/kernel_log.h"
#include "analyzer/evidence/kernel_log_dress.h"
#include "analyzer/evidence/kernel_reports.h"
#include "analyzer/evidence/scan.h"

namespace wrackline::evidence {
namespace {

// A manifest, an event list or a description may quote the kernel; their own readers take them.
bool IsOtherDocument(std::string_view head) {
  while (!head.empty() && (IsBlank(head.front()) || head.front() == '\n' || head.front() == '\r'))
    head.remove_prefix(1);
  if (StartsWith(head, "{") || StartsWith(head, "["))
    return !StartsWith(head, "[ ") && !Contains(head.substr(0, head.find('\n')), "\"MESSAGE\"") &&
           !PeelDress(head.substr(0, head.find('\n'))).kernel &&
           PeelDress(head.substr(0, head.find('\n'))).wall.empty();
  return StartsWith(head, "apiVersion:") || StartsWith(head, "---") || StartsWith(head, "kind:") ||
         StartsWith(head, "Name:") || StartsWith(head, "LAST SEEN") ||
         StartsWith(head, "NAMESPACE");
}

// Most of the first lines wear what only the kernel's lines do.
bool LooksLikeKernel(std::string_view head) {
  int lines = 0, kernel = 0;
  while (const auto line = TakeLine(&head)) {
    if (line->empty() || IsBlank(line->front())) continue;
    ++lines;
    kernel += PeelDress(*line).kernel;
    if (lines == 50) break;
  }
  return kernel >= 3 && kernel * 2 > lines;
}

// What tells the process's kill from the others'.
KillChoice ChoiceOf(const Evidence& evidence) {
  KillChoice choice;
  choice.pid = evidence.process.pid;
  choice.cgroup_path = evidence.process.cgroup_path;
  // "containerd://0123..", and a pod's uid as cgroup names have it.
  auto add = [&](std::string id) {
    const std::size_t scheme = id.find("://");
    if (scheme != std::string::npos) id.erase(0, scheme + 3);
    if (id.size() >= 12) choice.container_ids.push_back(std::move(id));
  };
  add(evidence.process.container_id);
  if (evidence.pod) {
    for (const ContainerStatus& container : evidence.pod->containers) add(container.id);
    std::string uid = choice.pod_uid = evidence.pod->uid;
    add(uid);
    for (char& c : uid)
      if (c == '-') c = '_';
    add(std::move(uid));
  }
  return choice;
}

std::string Describe(const KernelKill& kill) {
  const OomReport& report = *kill.report;
  std::string text = fmt::format("process {} ({}) killed", kill.pid, kill.name);
  switch (report.constraint) {
    case OomConstraint::kMachine:
      text += " because the machine had no memory left";
      break;
    case OomConstraint::kNodes:
      text += " because its memory nodes had no memory left";
      break;
    default:
      if (kill.limit)
        text += " at the limit of " + FormatBytes(*kill.limit);
      else if (kill.of_cgroup)
        text += " at its cgroup's limit";
  }
  if (!report.oom_cgroup.empty() && !report.task_cgroup.empty() &&
      report.oom_cgroup != report.task_cgroup)
    text += ", which is that of the group above its own";
  if (report.group_kill)
    text += fmt::format(", with its group ({} processes)", report.killed.size());
  if (kill.anon_rss) text += ", anonymous " + FormatBytes(*kill.anon_rss);
  if (!report.tasks.empty()) text += fmt::format(", {} tasks listed", report.tasks.size());
  return text;
}

// A process that a recording is of: another's kill is not taken for its own.
bool IsRecorded(const Evidence& evidence) { return evidence.records != 0; }

std::optional<Time> TimeOf(const KernelKill& kill) {
  return kill.report ? ParseWallTime(kill.report->wall_time) : std::nullopt;
}

// Nothing that is known of the two says that they are not of the same container.
bool MayBeOf(const KernelKill& kill, const Evidence& evidence) {
  if (!kill.of_cgroup || !kill.report || OfAllPods(*kill.report)) return false;
  return !(evidence.pod && OfAnotherPod(*kill.report, evidence.pod->uid)) &&
         !OfAnotherContainer(*kill.report, evidence.process.container_id);
}

// In a container a process sees neither its pid nor its cgroup as the kernel names them. The limit that both saw tells, and the time: a
// node has more pods of that limit. Two that are alike tell nothing.
std::optional<KernelKill> SameLimit(std::string_view log, const Evidence& evidence) {
  // `dmesg -T` counts from the start of the machine by a clock that nothing sets right.
  constexpr std::chrono::minutes kReach{10};
  const bool unnamed = evidence.process.cgroup_path.empty() || evidence.process.cgroup_path == "/";
  if (!unnamed || !evidence.limit) return std::nullopt;
  std::optional<KernelKill> found;
  for (KernelKill& kill : AllKernelKills(log)) {
    if (!MayBeOf(kill, evidence) || kill.limit != evidence.limit->amount) continue;
    const std::optional<Time> time = TimeOf(kill);
    if (time && evidence.last_record != Time{} &&
        (*time < evidence.last_record - kReach || *time > evidence.last_record + kReach))
      continue;
    if (found) return std::nullopt;
    found = std::move(kill);
  }
  return found;
}

// Files about a live process beside a log that does not name it: the machine's log has everybody's kills. One of the same name at the
// same limit, from before this one was started, is taken for the process that this one took the place of.
std::optional<KernelKill> OfPredecessor(std::string_view log, const Evidence& evidence) {
  if (!evidence.limit || evidence.process.executable.empty()) return std::nullopt;
  std::optional<KernelKill> found;
  for (KernelKill& kill : AllKernelKills(log)) {
    if (!kill.of_cgroup || kill.limit != evidence.limit->amount ||
        kill.name != evidence.process.executable)
      continue;
    // Its container had another id, but it was of the same pod.
    if (evidence.pod && kill.report && OfAnotherPod(*kill.report, evidence.pod->uid)) continue;
    const std::optional<Time> time = TimeOf(kill);
    if (time && evidence.process.start && *time > *evidence.process.start) continue;
    found = std::move(kill);
  }
  return found;
}

// From the first report's begin to the last one's end.
std::string_view ReportsOf(std::string_view log) {
  std::size_t begin = log.size(), end = 0;
  for (const KernelReport& report : ReadKernelReports(log)) {
    begin = std::min(begin, report.begin);
    end = std::max(end, report.end);
  }
  return begin < end ? log.substr(begin, end - begin) : std::string_view();
}

}  // namespace

bool IsKernelLog(const SourceFile& file) {
  if (IsOtherDocument(file.Head())) return false;
  return LooksLikeKernel(file.Head()) || HasKernelReport(file.text);
}

Result<std::string> AddKernelLog(const SourceFile& file, Evidence* evidence) {
  // The reports are a small part of most logs: the rest is read once only.
  const std::string_view text = ReportsOf(file.text);
  const std::vector<KernelKill> all = AllKernelKills(text);
  if (all.empty()) return std::string("no OOM kill in it");
  const KillChoice choice = ChoiceOf(*evidence);
  std::optional<KernelKill> kill = FindKernelKill(text, choice);
  bool by_limit = false;
  if (!kill && IsRecorded(*evidence)) {
    // What names the process is there already, from another file.
    if (!evidence->ending.kernel_kill) kill = SameLimit(text, *evidence);
    by_limit = kill.has_value();
  } else if (!kill && evidence->process.pid != 0) {
    kill = OfPredecessor(text, *evidence);
  } else if (!kill) {
    kill = ChooseKernelKill(text, choice);
  }
  if (!kill) {
    return fmt::format("{} OOM kill{}, none of this process (the last: {} ({}) in {})", all.size(),
                       all.size() == 1 ? "" : "s", all.back().pid, all.back().name,
                       all.back().report->task_cgroup);
  }
  Ending& ending = evidence->ending;
  const std::string& wall = kill->report->wall_time;
  const Time time = ParseWallTime(wall).value_or(file.modified);
  if (!IsRecorded(*evidence) && evidence->process.pid == 0) {
    evidence->process.pid = kill->pid;
    if (evidence->process.cgroup_path.empty())
      evidence->process.cgroup_path = kill->report->task_cgroup;
  }
  const bool end_known = ending.signal || ending.exit_status || ending.clean_mark ||
                         ending.still_running || ending.waited_for;
  ending.kernel_kill_by_limit = by_limit;
  if (!end_known && !by_limit) ending.signal = SIGKILL;
  if (kill->limit && !evidence->limit && !OfAllPods(*kill->report))
    evidence->limit = Figure{*kill->limit, time, "the kernel's OOM report"};
  if (kill->usage && !evidence->last_charge)
    evidence->last_charge = Figure{*kill->usage, time, "the kernel's OOM report"};
  if (evidence->timeline.empty()) {
    if (auto point = PointOfDeath(*kill, time)) {
      evidence->timeline.push_back(*point);
      if (evidence->last_record == Time{}) evidence->last_record = time;
    }
  }
  if (ending.kernel_log.empty())
    ending.kernel_log = ExtractKernelReport(text, kill->pid, kill->report->task_cgroup);
  std::string remark = Describe(*kill);
  if (by_limit) remark += "; taken for this process by its limit and its time";
  if (all.size() > 1) remark += fmt::format("; {} kills in the log", all.size());
  ending.kernel_kill = std::move(*kill);
  return remark;
}

}  // namespace wrackline::evidence
