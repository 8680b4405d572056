#include "analyzer/evidence/cgroup_snapshot.h"

#include <algorithm>
#include <charconv>

#include "analyzer/evidence/convert.h"
#include "analyzer/evidence/snapshot.h"
#include "lib/container/cpu.h"
#include "lib/container/scan.h"

namespace wrackline::evidence {
namespace {

using Figure64 = std::optional<std::uint64_t>;

constexpr std::string_view kMark = "== ";
// As lib/container: v1 writes "no limit" as 2^63 rounded down to a page.
constexpr std::uint64_t kNoLimit = std::uint64_t{1} << 62;

std::string_view Trimmed(std::string_view text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ' || text.back() == '\r'))
    text.remove_suffix(1);
  while (!text.empty() && (text.front() == '\n' || text.front() == ' ')) text.remove_prefix(1);
  return text;
}

Figure64 Number(std::string_view text) {
  text = Trimmed(text);
  std::uint64_t number = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), number);
  if (text.empty() || parsed.ec != std::errc{} || parsed.ptr != text.data() + text.size())
    return std::nullopt;
  return number;
}

Figure64 Limit(std::string_view text) {
  const Figure64 number = Number(text);  // "max" is none
  return number && *number < kNoLimit ? number : std::nullopt;
}

// Of "key value" lines.
Figure64 Keyed(std::string_view text, std::string_view key) {
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    const std::string_view line = text.substr(0, end);
    const std::size_t blank = line.find(' ');
    if (blank != std::string_view::npos && line.substr(0, blank) == key)
      return Number(line.substr(blank + 1));
    if (end == std::string_view::npos) break;
    text.remove_prefix(end + 1);
  }
  return std::nullopt;
}

class Sections {
 public:
  explicit Sections(std::string_view text) {
    if (text.substr(0, kMark.size()) != kMark && text.find("\n== ") == std::string_view::npos) {
      sections_.emplace_back("memory.stat", text);
      return;
    }
    // Far more than a cgroup has files; what follows is no such text.
    constexpr std::size_t kMost = 4096;
    while (!text.empty() && sections_.size() < kMost) {
      const bool marked = text.substr(0, kMark.size()) == kMark;
      const std::size_t end = text.find('\n');
      const std::string_view line = text.substr(0, end);
      text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
      const std::size_t next = text.substr(0, kMark.size()) == kMark ? 0 : text.find("\n== ");
      const std::string_view content = text.substr(0, next == 0                        ? 0
                                                      : next == std::string_view::npos ? next
                                                                                       : next + 1);
      if (marked) sections_.emplace_back(Base(Trimmed(line.substr(kMark.size()))), content);
      text.remove_prefix(content.size());
    }
  }

  // Of a name that occurs twice the last one; empty where there is none.
  std::string_view operator[](std::string_view name) const {
    for (auto section = sections_.rbegin(); section != sections_.rend(); ++section) {
      if (section->first == name) return section->second;
    }
    return {};
  }

 private:
  // "/sys/fs/cgroup/memory.max", and what a pager puts behind a name ("== memory.max ==").
  static std::string_view Base(std::string_view name) {
    if (name.size() > 3 && name.substr(name.size() - 3) == " ==") name.remove_suffix(3);
    return name.substr(name.rfind('/') + 1);
  }

  std::vector<std::pair<std::string_view, std::string_view>> sections_;
};

int VersionOf(const Sections& sections) {
  if (!sections["memory.usage_in_bytes"].empty() || !sections["memory.limit_in_bytes"].empty())
    return 1;
  if (!sections["memory.current"].empty() || !sections["memory.max"].empty()) return 2;
  const std::string_view stat = sections["memory.stat"];
  if (Keyed(stat, "rss") && Keyed(stat, "cache")) return 1;
  return Keyed(stat, "anon") && Keyed(stat, "file") ? 2 : 0;
}

void ReadV1(const Sections& sections, CgroupSnapshot* snapshot) {
  container::CgroupMemory& memory = snapshot->memory;
  memory.charge = Number(sections["memory.usage_in_bytes"]);
  const Figure64 limit = Limit(sections["memory.limit_in_bytes"]);
  if (limit && (!memory.limit || *limit < *memory.limit)) memory.limit = limit;
  memory.peak = Number(sections["memory.max_usage_in_bytes"]);
  memory.kernel = Number(sections["memory.kmem.usage_in_bytes"]);
  memory.oom_kill = Keyed(sections["memory.oom_control"], "oom_kill");
  memory.limit_hits = Number(sections["memory.failcnt"]);
  const Figure64 quota = Number(sections["cpu.cfs_quota_us"]),
                 period = Number(sections["cpu.cfs_period_us"]);
  if (quota && period && *period > 0 && *quota < 1'000'000'000)
    snapshot->cpu_quota_thousandths = static_cast<std::uint32_t>(*quota * 1000 / *period);
}

void ReadV2(const Sections& sections, CgroupSnapshot* snapshot) {
  container::CgroupMemory& memory = snapshot->memory;
  memory.charge = Number(sections["memory.current"]);
  memory.limit = Limit(sections["memory.max"]);
  memory.peak = Number(sections["memory.peak"]);
  memory.swap = Number(sections["memory.swap.current"]);
  const std::string_view events = sections["memory.events"];
  memory.oom_kill = Keyed(events, "oom_kill");
  // Of this limit alone, as container::ReadCgroupMemory has it.
  const std::string_view local_events = sections["memory.events.local"];
  memory.limit_hits = Keyed(local_events, "max");
  if (!memory.limit_hits) memory.limit_hits = Keyed(events, "max");
  snapshot->oom = Keyed(events, "oom");
  snapshot->local_oom_kill = Keyed(local_events, "oom_kill");
  if (const Figure64 group = Number(sections["memory.oom.group"]))
    snapshot->kill_group = *group != 0;
  const std::string_view pressure = sections["memory.pressure"];
  snapshot->pressure = container::ParsePressure(pressure.data(), pressure.size());
  const std::string_view quota = sections["cpu.max"];
  const auto bandwidth = container::ParseCpuMax(quota.data(), quota.size());
  if (bandwidth && bandwidth->period_us > 0 && bandwidth->quota_us < 1'000'000'000)
    snapshot->cpu_quota_thousandths =
        static_cast<std::uint32_t>(bandwidth->quota_us * 1000 / bandwidth->period_us);
}

void Copy(const Figure64& from, std::optional<Bytes>* to) {
  if (from) *to = ToBytes(*from);
}

void FillPoint(const CgroupSnapshot& snapshot, TimelinePoint* point) {
  const container::CgroupMemory& memory = snapshot.memory;
  Copy(memory.charge, &point->charge);
  Copy(memory.limit, &point->limit);
  Copy(memory.peak, &point->peak);
  Copy(memory.anon, &point->anon);
  Copy(memory.file, &point->file);
  Copy(memory.shmem, &point->shmem);
  Copy(memory.file_mapped, &point->file_mapped);
  Copy(memory.file_dirty, &point->file_dirty);
  Copy(memory.inactive_file, &point->inactive_file);
  Copy(memory.kernel, &point->kernel);
  Copy(memory.slab, &point->slab);
  Copy(memory.kernel_stack, &point->kernel_stack);
  Copy(memory.page_tables, &point->page_tables);
  Copy(memory.sock, &point->sock);
  Copy(memory.swap, &point->swap);
  Copy(memory.anon_thp, &point->anon_thp);
  point->oom_kill = memory.oom_kill;
  point->limit_hits = memory.limit_hits;
  point->major_faults = memory.pgmajfault;
}

void RaisePeak(std::optional<Figure>* peak, Bytes amount, Time time, const char* origin) {
  if (!*peak || (*peak)->amount < amount) *peak = Figure{amount, time, origin};
}

// True when the snapshot is of after the kill: it says so itself, or the counter has moved since an earlier one.
bool AddCounters(const CgroupSnapshot& snapshot, Evidence* evidence) {
  const Figure64& kills = snapshot.memory.oom_kill;
  if (!kills) return false;
  Ending& ending = evidence->ending;
  const bool after = snapshot.AfterKill() || *kills > ending.oom_kill_before.value_or(*kills);
  if (!after) {
    if (!evidence->recorded && !ending.oom_kill_before) ending.oom_kill_before = kills;
    return false;
  }
  if (!ending.oom_kill_after) ending.oom_kill_after = kills;
  // A cgroup begins with none, and what it held then is gone.
  if (!ending.oom_kill_before) ending.oom_kill_before = 0;
  return true;
}

std::string Describe(const CgroupSnapshot& snapshot, bool after) {
  const container::CgroupMemory& memory = snapshot.memory;
  std::string text = snapshot.version == 1 ? "v1" : "v2";
  const auto add = [&text](const char* name, const Figure64& amount) {
    if (amount) text += std::string(", ") + name + " " + FormatBytes(ToBytes(*amount));
  };
  add("charge", memory.charge);
  add("limit", memory.limit);
  if (after) add("peak", memory.peak);
  if (memory.oom_kill) text += ", oom_kill " + std::to_string(*memory.oom_kill);
  if (after) text += "; taken after the kill: its counters and its peak only";
  return text;
}

}  // namespace

bool CgroupSnapshot::AfterKill() const {
  if (memory.oom_kill.value_or(0) == 0) return false;
  if (!memory.charge) return memory.anon == std::uint64_t{0};
  const std::uint64_t once = std::max(memory.peak.value_or(0), memory.limit.value_or(0));
  return *memory.charge < once / 8;
}

std::optional<CgroupSnapshot> ParseCgroupSnapshot(std::string_view text) {
  const Sections sections(text);
  CgroupSnapshot snapshot;
  snapshot.version = VersionOf(sections);
  if (snapshot.version == 0) return std::nullopt;
  const std::string_view stat = sections["memory.stat"];
  container::ParseMemoryStat(stat.data(), stat.size(), snapshot.version, &snapshot.memory);
  if (snapshot.version == 1) {
    ReadV1(sections, &snapshot);
  } else {
    ReadV2(sections, &snapshot);
  }
  constexpr std::size_t kMostProcesses = 1024;
  std::string_view processes = sections["cgroup.procs"];
  while (!processes.empty() && snapshot.processes.size() < kMostProcesses) {
    const std::size_t end = processes.find('\n');
    const Figure64 pid = Number(processes.substr(0, end));
    if (pid && *pid <= UINT32_MAX) snapshot.processes.push_back(static_cast<std::uint32_t>(*pid));
    if (end == std::string_view::npos) break;
    processes.remove_prefix(end + 1);
  }
  if (!snapshot.memory.charge && !snapshot.memory.anon) return std::nullopt;
  return snapshot;
}

bool IsCgroupSnapshot(const SourceFile& file) {
  if (file.text.size() > std::size_t{4} << 20) return false;
  const std::string_view head = file.Head();
  for (const std::string_view name : {"memory.stat", "memory.current", "memory.usage_in_bytes"}) {
    const std::string mark = std::string(kMark) + std::string(name);
    if (head.substr(0, mark.size()) == mark || head.find("\n" + mark) != std::string_view::npos)
      return ParseCgroupSnapshot(file.text).has_value();
  }
  // memory.stat alone begins with a key that only it begins with.
  const bool stat = head.substr(0, 5) == "anon " || head.substr(0, 6) == "cache ";
  return stat && ParseCgroupSnapshot(file.text).has_value();
}

Result<std::string> AddCgroupSnapshot(const SourceFile& file, Evidence* evidence) {
  const std::optional<CgroupSnapshot> snapshot = ParseCgroupSnapshot(file.text);
  if (!snapshot) return Error{"no figure of a memory cgroup in it", ""};
  const container::CgroupMemory& memory = snapshot->memory;
  if (evidence->recorded && !snapshot->AfterKill())
    return Error{"the recording has the cgroup's memory at every tick", ""};
  const bool after = AddCounters(*snapshot, evidence);
  if (evidence->recorded) return Describe(*snapshot, after);
  if (!evidence->process.cgroup_version) evidence->process.cgroup_version = snapshot->version;
  if (snapshot->cpu_quota_thousandths)
    evidence->process.cpu_quota_thousandths = snapshot->cpu_quota_thousandths;
  if (memory.limit && (!evidence->limit || evidence->limit->origin == "manifest"))
    evidence->limit = Figure{ToBytes(*memory.limit), file.modified, "cgroup"};
  if (memory.peak)
    RaisePeak(&evidence->peak_charge, ToBytes(*memory.peak), file.modified, "the cgroup's peak");
  if (after) return Describe(*snapshot, after);
  TimelinePoint* const point = SnapshotPoint(file.modified, evidence, &TimelinePoint::charge);
  FillPoint(*snapshot, point);
  if (point->charge) {
    evidence->last_charge = Figure{*point->charge, point->time, "a snapshot of the cgroup"};
    RaisePeak(&evidence->peak_charge, *point->charge, point->time, "a snapshot of the cgroup");
  }
  if (const auto working_set = point->WorkingSet())
    RaisePeak(&evidence->peak_working_set, *working_set, point->time, "a snapshot of the cgroup");
  return Describe(*snapshot, after);
}

}  // namespace wrackline::evidence
