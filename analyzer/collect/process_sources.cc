// /proc, the cgroup's files, the kernel's log, the pod's own files.
#include <sys/klog.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <set>
#include <system_error>

#include "analyzer/cli/kernel_log_source.h"
#include "analyzer/collect/read.h"
#include "analyzer/collect/sources.h"
#include "lib/container/process.h"

namespace wrackline::collect {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMostProcesses = 256;

std::string Number(const std::optional<std::uint64_t>& value) {
  return value ? std::to_string(*value) : "?";
}

// A cgroup's files that are no figures: written to only, or as large as the machine's slabs.
bool IsFigure(const std::string& name) {
  static const std::set<std::string> kNot = {"memory.reclaim", "memory.force_empty",
                                             "memory.pressure_level", "memory.kmem.slabinfo",
                                             "memory.numa_stat"};
  if (kNot.count(name) != 0) return false;
  if (name == "cgroup.procs" || name == "cgroup.events") return true;
  return std::any_of(name.begin(), name.end(), [](char c) { return c == '.'; }) &&
         (name.compare(0, 7, "memory.") == 0 || name.compare(0, 4, "cpu.") == 0 ||
          name.compare(0, 5, "pids.") == 0 || name == "io.pressure");
}

std::size_t TakeGroup(const std::string& folder, const std::string& name, Collection* collection) {
  std::vector<std::string> files;
  std::error_code error;
  for (fs::directory_iterator it(folder, error), last; !error && it != last; it.increment(error)) {
    const std::string file = it->path().filename().string();
    if (IsFigure(file)) files.push_back(file);
  }
  std::sort(files.begin(), files.end());
  std::size_t taken = 0;
  for (const std::string& file : files) {
    // Some are refused by some kernels; a group has dozens of files, and its folder is what counts.
    const Result<std::string> text = ReadBounded(Within(folder, file), kSmallFile);
    if (!text.ok()) continue;
    collection->Take(Within(name, file), Within(folder, file), text.value(), Form::kKernel);
    ++taken;
  }
  return taken;
}

// The value of ",key=", which ends before the next key; a path may have commas.
std::string_view PathAfter(std::string_view line, std::string_view key, std::string_view next) {
  const std::size_t at = line.find(key);
  if (at == std::string_view::npos) return {};
  line.remove_prefix(at + key.size());
  return line.substr(0, line.find(next));
}

bool IsAt(std::string_view path, std::string_view above) {
  return path.substr(0, above.size()) == above &&
         (path.size() == above.size() || path[above.size()] == '/');
}

// A container's former instance has another id below the same pod.
std::string_view PodOf(std::string_view path) {
  for (std::string_view at = path; !at.empty(); at = at.substr(0, at.rfind('/'))) {
    const std::string_view name = at.substr(at.rfind('/') + 1);
    if (name.substr(0, 3) == "pod" || name.find("-pod") != std::string_view::npos) return at;
    if (at.rfind('/') == std::string_view::npos) break;
  }
  return path;
}

// "oom-kill:constraint=CONSTRAINT_MEMCG,...,oom_memcg=/a,task_memcg=/a/b,task=java,pid=7,uid=0". The machine's own end is everybody's.
bool IsOfOthers(std::string_view line, std::string_view cgroup) {
  if (line.find("constraint=CONSTRAINT_MEMCG") == std::string_view::npos) return false;
  const std::string_view limit = PathAfter(line, ",oom_memcg=", ",task_memcg=");
  const std::string_view task = PathAfter(line, ",task_memcg=", ",task=");
  if (limit.empty() || task.empty()) return false;
  return !IsAt(task, PodOf(cgroup)) && !IsAt(cgroup, limit);
}

bool HasLimitFile(const std::string& folder) {
  return access((folder + "/memory.max").c_str(), F_OK) == 0 ||
         (access((folder + "/memory.limit_in_bytes").c_str(), F_OK) == 0 &&
          access((folder + "/cgroup.sane_behavior").c_str(), F_OK) != 0);
}

}  // namespace

void TakeProcess(const Target& target, Collection* collection) {
  const std::string proc = "/proc/" + std::to_string(target.pid) + "/";
  const std::string name = "proc/" + std::to_string(target.pid) + "/";
  for (const char* file : {"status", "statm", "smaps_rollup", "smaps", "maps", "limits",
                           "oom_score", "oom_score_adj", "cgroup", "stat"}) {
    collection->TakeFile(name + file, proc + file, Form::kKernel);
  }
  collection->TakeFile(name + "cmdline", proc + "cmdline", Form::kArguments);
  collection->TakeFile(name + "environ", proc + "environ", Form::kEnvironment);

  const std::vector<pid_t> all = ProcessesOf(target.cgroup_folder);
  std::string table = "pid\tparent\tstate\tthreads\tresident_bytes\tcommand\n";
  std::size_t listed = 0;
  for (const pid_t pid : all) {
    if (++listed > kMostProcesses) break;
    const std::string id = std::to_string(pid);
    const container::ProcessStat stat = container::ReadProcessStat("", id.c_str());
    if (stat.state == 0) continue;
    std::string command;
    if (const auto bytes = ReadBounded("/proc/" + id + "/cmdline", kSmallFile); bytes.ok())
      command = collection->mutable_masker()->Arguments(bytes.value());
    std::replace_if(
        command.begin(), command.end(), [](char c) { return static_cast<unsigned char>(c) < ' '; },
        ' ');
    constexpr std::size_t kLongest = 300;
    table += id + "\t" + Number(stat.parent_pid) + "\t" + stat.state + "\t" + Number(stat.threads) +
             "\t" + Number(container::ReadStatm("", id.c_str()).resident) + "\t" +
             command.substr(0, kLongest) + "\n";
  }
  if (all.empty()) {
    collection->Missing("the other processes of its cgroup",
                        "cgroup.procs could not be read or names none");
  } else {
    collection->Take("processes.tsv", target.cgroup_folder + "/cgroup.procs and /proc", table,
                     Form::kText);
  }
}

void TakeCgroups(const Target& target, Collection* collection) {
  if (target.cgroup_folder.empty()) {
    collection->Missing("the memory cgroup",
                        "none can be seen here (the root cgroup has no limit; in a container mount "
                        "/sys/fs/cgroup)");
    return;
  }
  if (TakeGroup(target.cgroup_folder, "cgroup/container", collection) == 0)
    collection->Missing("the memory cgroup",
                        "no file of " + target.cgroup_folder + " could be read");
  if (!target.cpu_folder.empty()) TakeGroup(target.cpu_folder, "cgroup/container", collection);
  // Up to the pod: what is above it is the node's.
  std::string folder = target.cgroup_folder;
  constexpr int kMost = 4;
  for (int i = 1; i <= kMost; ++i) {
    const std::string own = fs::path(folder).filename().string();
    if (own.compare(0, 3, "pod") == 0 || own.find("-pod") != std::string::npos) break;
    folder = fs::path(folder).parent_path().string();
    const std::string parent = fs::path(folder).filename().string();
    if (!HasLimitFile(folder) || parent == "kubepods" || parent.compare(0, 8, "kubepods") == 0) {
      if (parent.find("-pod") == std::string::npos) break;
    }
    TakeGroup(folder, "cgroup/parent-" + std::to_string(i), collection);
  }
}

std::string OomLines(std::string_view log, std::string_view cgroup) {
  constexpr auto kNone = std::string_view::npos;
  constexpr std::size_t kMost = std::size_t{4} << 20;
  std::string lines, report;
  bool in_report = false, others = false;
  // A report is kept or dropped as a whole: its lines name the group near its end.
  const auto end_report = [&] {
    if (!others) lines += report;
    report.clear();
    others = false;
  };
  while (!log.empty()) {
    const std::size_t end = log.find('\n');
    const std::string_view line = log.substr(0, end);
    log = end == kNone ? std::string_view() : log.substr(end + 1);
    const auto has = [line](std::string_view words) { return line.find(words) != kNone; };
    const bool kill = has("Killed process ") || has("Kill process ") || has("oom_reaper:") ||
                      has("oom-kill:") || has("Memory cgroup out of memory") ||
                      has("Out of memory") || has("memory.oom.group");
    if (has(" invoked oom-killer:")) {
      end_report();
      in_report = true;
    }
    if (has("oom-kill:") && !cgroup.empty()) others = IsOfOthers(line, cgroup);
    if (in_report || kill) report.append(line).push_back('\n');
    if (kill && !has("oom-kill:")) in_report = false;
  }
  end_report();
  // The newest are at the end.
  if (lines.size() > kMost) lines.erase(0, lines.find('\n', lines.size() - kMost) + 1);
  return lines;
}

void TakeKernelLog(const Target& target, Collection* collection) {
  constexpr int kReadAll = 3,
                kSizeBuffer = 10;  // SYSLOG_ACTION_READ_ALL, SYSLOG_ACTION_SIZE_BUFFER
  std::string log;
  const int size = klogctl(kSizeBuffer, nullptr, 0);
  if (size > 0) {
    log.resize(static_cast<std::size_t>(size));
    const int length = klogctl(kReadAll, log.data(), size);
    log.resize(static_cast<std::size_t>(std::max(length, 0)));
  }
  // /dev/kmsg may be open to a container whose syslog call is not; it gives no stamps here.
  if (log.empty()) log = cli::ReadKernelLog(std::chrono::nanoseconds(0));
  if (log.empty()) {
    collection->Missing("the kernel's log",
                        "not allowed to read it here; on the node: dmesg, or journalctl -k");
    return;
  }
  const std::string lines = OomLines(log, target.cgroup_path);
  if (lines.empty()) {
    collection->Missing("the kernel's OOM reports",
                        "its log has none of this cgroup (it keeps the newest lines only)");
    return;
  }
  collection->Take("kernel.log", "the kernel's log: lines of OOM reports", lines, Form::kKernel);
}

void TakePodInfo(const Target& target, const std::vector<std::string>& folders,
                 Collection* collection) {
  bool any = false;
  std::set<std::string> seen;
  std::vector<std::string> all = folders;
  all.push_back(target.Path("/etc/podinfo"));
  constexpr std::size_t kMostFiles = 64;
  for (const std::string& folder : all) {
    std::vector<std::string> names = NamesIn(folder);
    // The kubelet's own links begin with "..".
    names.erase(
        std::remove_if(names.begin(), names.end(),
                       [](const std::string& name) { return name.compare(0, 2, "..") == 0; }),
        names.end());
    if (names.size() > kMostFiles) names.resize(kMostFiles);
    std::sort(names.begin(), names.end());
    for (const std::string& name : names) {
      if (!ModifiedOf(Within(folder, name)) || !seen.insert(Within(folder, name)).second) continue;
      any = collection->TakeFile("podinfo/" + name, Within(folder, name), Form::kText) || any;
    }
  }
  if (!any)
    collection->Missing("the pod's downward API files",
                        "no /etc/podinfo here (--pod-info names another folder)");
}

}  // namespace wrackline::collect
