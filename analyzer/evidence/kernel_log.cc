#include "analyzer/evidence/kernel_log.h"

#include <charconv>
#include <vector>

#include "analyzer/evidence/convert.h"

namespace wrackline::evidence {
namespace {

std::vector<std::string_view> Lines(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    lines.push_back(text.substr(0, end));
    if (end == std::string_view::npos) break;
    text.remove_prefix(end + 1);
  }
  return lines;
}

std::optional<std::uint64_t> NumberAt(std::string_view text) {
  std::uint64_t value = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), value);
  if (parsed.ec != std::errc{}) return std::nullopt;
  return value;
}

// The number behind `key`.
std::optional<std::uint64_t> NumberAfter(std::string_view line, std::string_view key) {
  const std::size_t at = line.find(key);
  if (at == std::string_view::npos) return std::nullopt;
  return NumberAt(line.substr(at + key.size()));
}

// The number of kB behind `key`, in bytes.
std::optional<Bytes> KilobytesAfter(std::string_view line, std::string_view key) {
  const auto number = NumberAfter(line, key);
  if (!number) return std::nullopt;
  return ToBytes(std::min<std::uint64_t>(*number, std::uint64_t{1} << 50) * 1024);
}

// "task_memcg=/a/b,": the value ends at the comma before the next known key; commas in a path are
// the kernel's own.
std::string_view TaskCgroup(std::string_view line) {
  constexpr std::string_view kKey = "task_memcg=";
  const std::size_t at = line.find(kKey);
  if (at == std::string_view::npos) return {};
  const std::string_view rest = line.substr(at + kKey.size());
  return rest.substr(0, rest.find(",task="));
}

bool EndsWith(std::string_view text, std::string_view end) {
  return text.size() >= end.size() && text.substr(text.size() - end.size()) == end;
}

// Where one kill is in the log.
struct Place {
  std::size_t first = 0, killed = 0, last = 0;  // line numbers, `last` included
};

bool IsKillLine(std::string_view line) {
  return line.find("Killed process ") != std::string_view::npos ||
         line.find("Kill process ") != std::string_view::npos;
}

std::optional<std::uint64_t> KilledPid(std::string_view line) {
  if (auto pid = NumberAfter(line, "Killed process ")) return pid;
  return NumberAfter(line, "Kill process ");
}

std::optional<Place> FindKill(const std::vector<std::string_view>& lines, std::uint32_t pid,
                              std::string_view cgroup) {
  constexpr auto kNone = std::string_view::npos;
  const bool use_cgroup = !cgroup.empty() && cgroup != "/";
  std::optional<Place> by_pid, by_cgroup;
  std::size_t begin = kNone;
  bool cgroup_matches = false;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    if (lines[i].find(" invoked oom-killer:") != kNone) {
      begin = i;
      cgroup_matches = false;
    }
    const std::string_view task = TaskCgroup(lines[i]);
    if (use_cgroup && !task.empty()) cgroup_matches = EndsWith(task, cgroup);
    if (!IsKillLine(lines[i])) continue;
    Place place{begin == kNone ? i : begin, i, i};
    if (i + 1 < lines.size() && lines[i + 1].find("oom_reaper:") != kNone) place.last = i + 1;
    if (KilledPid(lines[i]) == pid) {
      // Before 5.0 the decision and the kill are two lines of one report.
      if (by_pid && by_pid->first == place.first) place.first = by_pid->first;
      by_pid = place;
    }
    if (cgroup_matches) by_cgroup = place;
  }
  return by_pid ? by_pid : by_cgroup;
}

}  // namespace

std::optional<KernelKill> ParseKernelKill(std::string_view log, std::uint32_t pid,
                                          std::string_view cgroup_path) {
  const std::vector<std::string_view> lines = Lines(log);
  const std::optional<Place> place = FindKill(lines, pid, cgroup_path);
  if (!place) return std::nullopt;
  const std::string_view line = lines[place->killed];
  KernelKill kill;
  kill.pid = static_cast<std::uint32_t>(KilledPid(line).value_or(0));
  const std::size_t open = line.find('(');
  // The name may hold parentheses itself: it ends at the last one before the figures.
  const std::size_t close = line.rfind(')', line.find(" total-vm:"));
  if (open != std::string_view::npos && close != std::string_view::npos && close > open)
    kill.name = std::string(line.substr(open + 1, std::min<std::size_t>(close - open - 1, 64)));
  kill.of_cgroup = line.find("Memory cgroup out of memory") != std::string_view::npos;
  kill.total_vm = KilobytesAfter(line, "total-vm:");
  kill.anon_rss = KilobytesAfter(line, "anon-rss:");
  kill.file_rss = KilobytesAfter(line, "file-rss:");
  kill.shmem_rss = KilobytesAfter(line, "shmem-rss:");
  kill.page_tables = KilobytesAfter(line, "pgtables:");
  for (std::size_t i = place->first; i <= place->killed; ++i) {
    const std::size_t at = lines[i].find("memory: usage ");
    if (at == std::string_view::npos) continue;
    kill.of_cgroup = true;
    kill.usage = KilobytesAfter(lines[i].substr(at), "usage ");
    kill.limit = KilobytesAfter(lines[i].substr(at), "limit ");
  }
  return kill;
}

std::string ExtractKernelReport(std::string_view log, std::uint32_t pid,
                                std::string_view cgroup_path, std::size_t limit_bytes) {
  const std::vector<std::string_view> lines = Lines(log);
  const std::optional<Place> place = FindKill(lines, pid, cgroup_path);
  if (!place) return {};
  // The kill's own lines are the last ones: they are kept first.
  std::size_t tail = place->last + 1;
  std::size_t size = 0;
  while (tail > place->first && size + lines[tail - 1].size() + 1 <= limit_bytes / 2)
    size += lines[--tail].size() + 1;
  std::string report;
  std::size_t head = place->first;
  while (head < tail && size + lines[head].size() + 1 <= limit_bytes - 64) {
    size += lines[head].size() + 1;
    report.append(lines[head++]).push_back('\n');
  }
  if (head < tail) report += "[... lines left out]\n";
  for (std::size_t i = tail; i <= place->last; ++i) report.append(lines[i]).push_back('\n');
  return report;
}

}  // namespace wrackline::evidence
