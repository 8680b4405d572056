#include "analyzer/collect/target.h"

#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <filesystem>
#include <system_error>

#include "analyzer/collect/read.h"
#include "analyzer/evidence/manifest/command_line.h"
#include "lib/container/cgroup.h"
#include "lib/container/cpu.h"
#include "lib/container/process.h"

namespace wrackline::collect {
namespace {

namespace fs = std::filesystem;

bool Exists(const std::string& path) { return access(path.c_str(), F_OK) == 0; }

std::vector<std::string> Items(const std::string& bytes) {
  std::vector<std::string> items;
  for (std::size_t at = 0; at < bytes.size();) {
    const std::size_t end = std::min(bytes.find('\0', at), bytes.size());
    items.push_back(bytes.substr(at, end - at));
    at = end + 1;
  }
  return items;
}

std::string Link(const std::string& path) {
  std::error_code error;
  const fs::path target = fs::read_symlink(path, error);
  return error ? std::string() : target.string();
}

// Beside it in the pod, its cgroup is not below ours; but its own mount shows it.
void FindInItsOwnMount(Target* target) {
  for (const char* mount : {"/sys/fs/cgroup", "/sys/fs/cgroup/memory"}) {
    const std::string folder = target->root + mount;
    const bool v2 = Exists(folder + "/memory.current");
    // The root of a hierarchy is no process's own.
    if (!v2 &&
        (!Exists(folder + "/memory.usage_in_bytes") || Exists(folder + "/cgroup.sane_behavior")))
      continue;
    target->cgroup_folder = folder;
    target->cgroup_version = v2 ? 2 : 1;
    return;
  }
}

void FindCgroups(const char* pid, Target* target) {
  container::Cgroup cgroup;
  if (container::FindMemoryCgroup("", pid, &cgroup)) {
    target->cgroup_folder = static_cast<const char*>(cgroup.folder);
    target->cgroup_version = cgroup.version;
    // In a namespace of its own it is "/", and what is beside it has "..": the kernel's log has other names.
    const std::string path = static_cast<const char*>(cgroup.path);
    if (path != "/" && path.find("..") == std::string::npos) target->cgroup_path = path;
  } else if (!target->root.empty()) {
    FindInItsOwnMount(target);
  }
  if (target->cgroup_version == 1 && container::FindCpuCgroup("", pid, &cgroup) &&
      cgroup.version == 1)
    target->cpu_folder = static_cast<const char*>(cgroup.folder);
}

bool IsJava(const std::string& pid) {
  const Result<std::string> name = ReadBounded("/proc/" + pid + "/comm", 64);
  if (name.ok() && name.value() == "java\n") return true;
  const Result<std::string> maps = ReadBounded("/proc/" + pid + "/maps", kLargeFile);
  return maps.ok() && maps.value().find("/libjvm.so") != std::string::npos;
}

std::vector<pid_t> AllProcesses() {
  std::vector<pid_t> pids;
  std::error_code error;
  for (fs::directory_iterator it("/proc", error), last; !error && it != last; it.increment(error)) {
    const std::string name = it->path().filename().string();
    pid_t pid = 0;
    const auto parsed = std::from_chars(name.data(), name.data() + name.size(), pid);
    if (parsed.ec == std::errc{} && parsed.ptr == name.data() + name.size()) pids.push_back(pid);
  }
  return pids;
}

}  // namespace

std::string Target::Path(const std::string& path) const {
  if (path.empty()) return {};
  if (path.front() == '/') return root + path;
  return root + folder + (folder.empty() || folder.back() == '/' ? "" : "/") + path;
}

std::string Target::Variable(const std::string& name) const {
  const auto found = environment.find(name);
  return found == environment.end() ? std::string() : found->second;
}

std::vector<std::string> Target::Options() const {
  std::vector<std::string> options = arguments;
  for (const char* name : {"JAVA_TOOL_OPTIONS", "JDK_JAVA_OPTIONS", "_JAVA_OPTIONS"})
    for (std::string& option : evidence::SplitShellWords(Variable(name)))
      options.push_back(std::move(option));
  return options;
}

Result<Target> TargetOf(pid_t pid) {
  Target target;
  const std::string id = std::to_string(pid);
  const std::string proc = "/proc/" + id;
  const Result<std::string> status = ReadBounded(proc + "/status", kSmallFile);
  if (!status.ok())
    return Error{"no process " + id + " can be seen here",
                 "in a pod's other container set shareProcessNamespace: true; wrackline collect "
                 "without --pid looks for one"};
  target.pid = pid;
  target.own_pid = id;
  if (const std::size_t at = status.value().find("\nNSpid:"); at != std::string::npos) {
    std::string ids = status.value().substr(at + 7);
    ids = ids.substr(0, ids.find('\n'));
    target.own_pid = ids.substr(ids.find_last_of(" \t") + 1);
  }
  if (access((proc + "/root/proc").c_str(), X_OK) == 0) target.root = proc + "/root";
  if (const auto bytes = ReadBounded(proc + "/cmdline", kSmallFile); bytes.ok())
    target.arguments = Items(bytes.value());
  if (const auto bytes = ReadBounded(proc + "/environ", kSmallFile); bytes.ok()) {
    for (const std::string& item : Items(bytes.value())) {
      const std::size_t equals = item.find('=');
      if (equals != std::string::npos)
        target.environment.emplace(item.substr(0, equals), item.substr(equals + 1));
    }
  }
  target.folder = Link(proc + "/cwd");
  target.java = IsJava(id);
  const std::string network = Link(proc + "/ns/net");
  target.own_network = !network.empty() && network == Link("/proc/self/ns/net");
  FindCgroups(id.c_str(), &target);
  return target;
}

Target NoProcess() {
  Target target;
  FindCgroups("self", &target);
  for (const char* name : {"WRACKLINE_OUT", "FLINK_CONF_DIR", "FLINK_HOME", "FLINK_LOG_DIR"})
    if (const char* value = std::getenv(name)) target.environment.emplace(name, value);
  std::error_code error;
  target.folder = fs::current_path(error).string();
  return target;
}

std::vector<pid_t> ProcessesOf(const std::string& cgroup_folder) {
  std::vector<pid_t> pids;
  const Result<std::string> text = ReadBounded(cgroup_folder + "/cgroup.procs", kSmallFile);
  if (!text.ok()) return pids;
  const char* at = text.value().data();
  const char* const end = at + text.value().size();
  while (at < end) {
    pid_t pid = 0;
    const auto parsed = std::from_chars(at, end, pid);
    if (parsed.ec != std::errc{}) break;
    if (pid > 0) pids.push_back(pid);  // 0: of a namespace that cannot be seen from here
    at = parsed.ptr + 1;
  }
  return pids;
}

std::optional<pid_t> FindVm(const std::string& cgroup, std::string* remark) {
  const std::vector<pid_t> all = cgroup.empty() ? AllProcesses() : ProcessesOf(cgroup);
  std::vector<std::pair<std::uint64_t, pid_t>> found, others;
  for (const pid_t pid : all) {
    if (pid == getpid()) continue;
    const std::string id = std::to_string(pid);
    const auto resident = container::ReadStatm("", id.c_str()).resident.value_or(0);
    (IsJava(id) ? found : others).emplace_back(resident, pid);
  }
  // Of a cgroup that was asked for, any process will do.
  if (found.empty() && !cgroup.empty()) found.swap(others);
  if (found.empty()) return std::nullopt;
  std::sort(found.rbegin(), found.rend());
  if (found.size() > 1) {
    remark->assign("took the largest of " + std::to_string(found.size()) + " (pid " +
                   std::to_string(found[0].second) + "; also");
    for (std::size_t i = 1; i < std::min<std::size_t>(found.size(), 6); ++i)
      *remark += " " + std::to_string(found[i].second);
    *remark += "; --pid chooses)";
  }
  return found[0].second;
}

}  // namespace wrackline::collect
