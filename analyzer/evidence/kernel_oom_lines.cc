#include "analyzer/evidence/kernel_oom_lines.h"

#include <algorithm>
#include <array>
#include <limits>

#include "analyzer/evidence/convert.h"
#include "analyzer/evidence/scan.h"

namespace wrackline::evidence {
namespace {

constexpr auto kNone = std::string_view::npos;
constexpr std::uint64_t kPage = 4096;
// The kernel's numbers for "no limit" are about 2^53 and 2^54 kB.
constexpr std::uint64_t kNoLimitKilobytes = std::uint64_t{1} << 52;
// A name is 16 bytes in the kernel, 64 of its own workers.
constexpr std::size_t kMostName = 64;

std::optional<std::uint32_t> PidAt(std::string_view text) {
  const auto number = NumberAt(text);
  if (!number || *number == 0 || *number > std::numeric_limits<std::uint32_t>::max())
    return std::nullopt;
  return static_cast<std::uint32_t>(*number);
}

Bytes Scaled(std::uint64_t count, std::uint64_t unit) {
  return ToBytes(std::min<std::uint64_t>(count, std::uint64_t{1} << 50) * unit);
}

// "victim process: java, pid: 470521" (the kubelet's events), `ProcessName:java ... Pid:470521` (its log).
std::optional<OomVictim> KubeletVictim(std::string_view line) {
  OomVictim victim;
  victim.decided_only = true;
  std::size_t at = line.find("OOM encountered, victim process: ");
  if (at != kNone) {
    victim.of_cgroup = EndsWith(line.substr(0, at), "Cgroup ");
    std::string_view rest = line.substr(at + 33);
    const std::size_t comma = rest.find(", pid: ");
    if (comma == kNone || comma > kMostName) return std::nullopt;
    const auto pid = PidAt(rest.substr(comma + 7));
    if (!pid) return std::nullopt;
    victim.pid = *pid;
    victim.name = std::string(rest.substr(0, comma));
    return victim;
  }
  at = line.find("Got sys oom event");
  if (at == kNone) return std::nullopt;
  const std::string_view rest = line.substr(at);
  auto value = [&](std::string_view key) -> std::string_view {
    const std::size_t found = rest.find(key);
    if (found == kNone) return {};
    std::string_view text = rest.substr(found + key.size());
    while (!text.empty() && (text[0] == ':' || text[0] == '"' || text[0] == '\\'))
      text.remove_prefix(1);
    return text.substr(0, text.find_first_of(" \",\\}"));
  };
  const auto pid = PidAt(value("Pid"));
  if (!pid) return std::nullopt;
  victim.pid = *pid;
  victim.name = std::string(value("ProcessName").substr(0, kMostName));
  victim.of_cgroup = value("Constraint") == "CONSTRAINT_MEMCG";
  return victim;
}

struct StatsField {
  std::string_view key;
  std::optional<Bytes> OomGroupStats::*field;
};
// v2's names, then v1's. Those of v1 that count the groups below too come with "total_": they replace the group's own.
constexpr StatsField kFields[] = {
    {"anon", &OomGroupStats::anon},
    {"file", &OomGroupStats::file},
    {"kernel", &OomGroupStats::kernel},
    {"kernel_stack", &OomGroupStats::kernel_stack},
    {"pagetables", &OomGroupStats::page_tables},
    {"sock", &OomGroupStats::sock},
    {"shmem", &OomGroupStats::shmem},
    {"file_mapped", &OomGroupStats::file_mapped},
    {"file_dirty", &OomGroupStats::file_dirty},
    {"anon_thp", &OomGroupStats::anon_thp},
    {"inactive_anon", &OomGroupStats::inactive_anon},
    {"active_anon", &OomGroupStats::active_anon},
    {"inactive_file", &OomGroupStats::inactive_file},
    {"active_file", &OomGroupStats::active_file},
    {"slab", &OomGroupStats::slab},
    {"slab_reclaimable", &OomGroupStats::slab_reclaimable},
    {"slab_unreclaimable", &OomGroupStats::slab_unreclaimable},
    {"swap", &OomGroupStats::swap},
    {"rss", &OomGroupStats::anon},
    {"cache", &OomGroupStats::file},
    {"rss_huge", &OomGroupStats::anon_thp},
    {"mapped_file", &OomGroupStats::file_mapped},
    {"dirty", &OomGroupStats::file_dirty},
};
struct CountField {
  std::string_view key;
  std::optional<std::uint64_t> OomGroupStats::*field;
};
constexpr CountField kCounts[] = {
    {"pgfault", &OomGroupStats::page_faults},
    {"pgmajfault", &OomGroupStats::major_faults},
    {"workingset_refault_anon", &OomGroupStats::workingset_refault_anon},
    {"workingset_refault_file", &OomGroupStats::workingset_refault_file},
    {"workingset_refault", &OomGroupStats::workingset_refault_file},  // before 5.9: of both
};
// Keys without a field of ours that are the kernel's too: the section goes on over them.
bool IsOtherKey(std::string_view key) {
  constexpr std::array<std::string_view, 17> kStarts = {
      "pg",      "workingset_", "thp_",   "zsw",         "swp",    "numa_",
      "vmalloc", "percpu",      "sec_",   "file_",       "shmem_", "unevictable",
      "swapcac", "writeback",   "hierar", "kernel_misc", "hugetlb"};
  return std::any_of(kStarts.begin(), kStarts.end(),
                     [&](std::string_view start) { return StartsWith(key, start); });
}

bool SetStat(std::string_view key, std::uint64_t number, std::uint64_t unit, bool add,
             OomGroupStats* stats) {
  if (StartsWith(key, "total_")) key.remove_prefix(6);
  for (const StatsField& field : kFields) {
    if (field.key != key) continue;
    std::optional<Bytes>& value = stats->*field.field;
    value = add && value
                ? ToBytes(static_cast<std::uint64_t>((*value + Scaled(number, unit)).count))
                : Scaled(number, unit);
    return true;
  }
  for (const CountField& field : kCounts) {
    if (field.key != key) continue;
    if (unit == 1) stats->*field.field = number;  // the one line of before 5.2 prints counts as KB
    return true;
  }
  return IsOtherKey(key);
}

}  // namespace

std::optional<Bytes> KilobytesAfter(std::string_view line, std::string_view key) {
  const auto number = NumberAfter(line, key);
  if (!number || *number >= kNoLimitKilobytes) return std::nullopt;
  return Scaled(*number, 1024);
}

std::optional<OomVictim> ParseVictim(std::string_view line) {
  constexpr std::string_view kKilled = "Killed process ", kKill = "Kill process ";
  std::size_t at = line.find(kKilled);
  OomVictim victim;
  if (at != kNone) {
    at += kKilled.size();
  } else {
    at = line.find(kKill);
    if (at == kNone) return KubeletVictim(line);
    at += kKill.size();
    victim.decided_only = true;
  }
  const std::string_view rest = line.substr(at);
  const auto pid = PidAt(rest);
  const std::size_t open = rest.find('(');
  // "N (", or "N, UID 0, (": anything longer is somebody else's sentence.
  if (!pid || open == kNone || open > 32) return std::nullopt;
  victim.pid = *pid;
  // The name may hold parentheses itself: it ends at the last one before the figures.
  std::size_t figures = rest.find(" total-vm:");
  if (figures == kNone) figures = rest.find(" score ");
  const std::size_t close = rest.rfind(')', figures);
  if (close == kNone || close <= open) return std::nullopt;
  victim.name = std::string(rest.substr(open + 1, std::min(close - open - 1, kMostName)));
  victim.of_cgroup = Contains(line.substr(0, at), "Memory cgroup out of memory");
  const std::string_view amounts = rest.substr(close);
  victim.total_vm = KilobytesAfter(amounts, "total-vm:");
  victim.anon_rss = KilobytesAfter(amounts, "anon-rss:");
  victim.file_rss = KilobytesAfter(amounts, "file-rss:");
  victim.shmem_rss = KilobytesAfter(amounts, "shmem-rss:");
  victim.page_tables = KilobytesAfter(amounts, "pgtables:");
  return victim;
}

std::optional<OomKillLine> ParseOomKillLine(std::string_view line) {
  constexpr std::string_view kStart = "oom-kill:constraint=";
  const std::size_t at = line.find(kStart);
  if (at == kNone) return std::nullopt;
  std::string_view rest = line.substr(at + kStart.size());
  OomKillLine kill;
  const std::string_view constraint = rest.substr(0, rest.find(','));
  if (constraint == "CONSTRAINT_MEMCG") kill.constraint = OomConstraint::kCgroup;
  if (constraint == "CONSTRAINT_NONE") kill.constraint = OomConstraint::kMachine;
  if (constraint == "CONSTRAINT_CPUSET" || constraint == "CONSTRAINT_MEMORY_POLICY")
    kill.constraint = OomConstraint::kNodes;
  // A value ends where the next key begins: commas in a path are the kernel's own.
  auto between = [&](std::string_view key, std::string_view next) -> std::string_view {
    const std::size_t begin = rest.find(key);
    if (begin == kNone) return {};
    const std::string_view value = rest.substr(begin + key.size());
    return value.substr(0, value.find(next));
  };
  kill.oom_cgroup = between(",oom_memcg=", ",task_memcg=");
  kill.task_cgroup = between(",task_memcg=", ",task=");
  const std::size_t task = rest.find(",task=");
  const std::size_t pid = rest.rfind(",pid=");
  if (task != kNone && pid != kNone && pid >= task + 6) {
    kill.task = rest.substr(task + 6, std::min(pid - task - 6, kMostName));
    kill.pid = PidAt(rest.substr(pid + 5));
  }
  return kill;
}

bool ParseUsageLine(std::string_view line, OomReport* report) {
  auto form = [&](std::string_view name) { return StartsWith(line, name); };
  if (form("memory: usage ")) {
    report->usage = KilobytesAfter(line, "usage ");
    report->limit = KilobytesAfter(line, "limit ");
    report->failures = NumberAfter(line, "failcnt ");
  } else if (form("swap: usage ")) {
    report->swap_usage = KilobytesAfter(line, "usage ");
    report->swap_limit = KilobytesAfter(line, "limit ");
  } else if (form("memory+swap: usage ")) {
    // v1 counts both together, and prints zero where it does not count swap at all.
    const auto usage = KilobytesAfter(line, "usage "), limit = KilobytesAfter(line, "limit ");
    if (usage && report->usage && *usage >= *report->usage)
      report->swap_usage = *usage - *report->usage;
    if (limit && report->limit && *limit >= *report->limit)
      report->swap_limit = *limit - *report->limit;
  } else if (form("kmem: usage ")) {
    report->kernel_usage = KilobytesAfter(line, "usage ");
  } else {
    return false;
  }
  return true;
}

bool ParseStatsPair(std::string_view line, OomGroupStats* stats) {
  std::string_view rest = line;
  const std::string_view key = TakeToken(&rest);
  const auto number = WholeNumber(TakeToken(&rest));
  if (!number || !Trim(rest).empty()) return false;
  return SetStat(key, *number, 1, false, stats);
}

void AddStatsLine(std::string_view figures, OomGroupStats* stats) {
  while (true) {
    const std::string_view pair = TakeToken(&figures);
    if (pair.empty()) return;
    const std::size_t colon = pair.find(':');
    if (colon == kNone || !EndsWith(pair, "KB")) continue;
    const auto number = WholeNumber(pair.substr(colon + 1, pair.size() - colon - 3));
    // One line a group, each of that group alone: the sum is the whole.
    if (number) SetStat(pair.substr(0, colon), *number, 1024, true, stats);
  }
}

std::vector<std::string_view> ParseTableHeader(std::string_view line) {
  if (!StartsWith(line, "[")) return {};
  const std::size_t close = line.substr(0, 32).find(']');
  if (close == kNone || Trim(line.substr(1, close - 1)) != "pid") return {};
  std::vector<std::string_view> columns;
  std::string_view rest = line.substr(close + 1);
  for (std::string_view token = TakeToken(&rest); !token.empty() && columns.size() < 32;
       token = TakeToken(&rest))
    columns.push_back(token);
  if (columns.size() < 4 || columns.back() != "name") return {};
  return columns;
}

std::optional<OomTask> ParseTableRow(std::string_view line,
                                     const std::vector<std::string_view>& columns) {
  if (columns.empty() || !StartsWith(line, "[")) return std::nullopt;
  const std::size_t close = line.substr(0, 32).find(']');
  if (close == kNone) return std::nullopt;
  const std::string_view inside = Trim(line.substr(1, close - 1));
  const auto pid = WholeNumber(inside);
  if (!pid || *pid > std::numeric_limits<std::uint32_t>::max()) return std::nullopt;
  OomTask task;
  task.pid = static_cast<std::uint32_t>(*pid);
  std::string_view rest = line.substr(close + 1);
  for (const std::string_view column : columns) {
    if (column == "name") {
      task.name = std::string(Trim(rest).substr(0, kMostName));
      continue;
    }
    const std::string_view token = TakeToken(&rest);
    if (column == "oom_score_adj") {
      task.score_adjust = WholeInteger(token);
      if (!task.score_adjust) return std::nullopt;
      continue;
    }
    if (column == "oom_adj") continue;  // may be negative
    const auto number = WholeNumber(token);
    if (!number) return std::nullopt;
    const Bytes pages = Scaled(*number, kPage);
    if (column == "total_vm") task.total_vm = pages;
    if (column == "rss") task.resident = pages;
    if (column == "rss_anon") task.anon = pages;
    if (column == "rss_file") task.file = pages;
    if (column == "rss_shmem") task.shmem = pages;
    if (column == "swapents") task.swapped = pages;
    if (column == "pgtables_bytes") task.page_tables = Scaled(*number, 1);
    // Before 4.15: how many pages hold page tables, of each level.
    if (column == "nr_ptes" || column == "nr_pmds" || column == "nr_puds")
      task.page_tables += pages;
  }
  return task;
}

}  // namespace wrackline::evidence
