#include "analyzer/collect/collect.h"

#include <fmt/core.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <ctime>
#include <nlohmann/json.hpp>

#include "analyzer/collect/collection.h"
#include "analyzer/collect/output.h"
#include "analyzer/collect/read.h"
#include "analyzer/collect/sources.h"

namespace wrackline::collect {
namespace {

nlohmann::json Facts(const Target& target, const std::string& remark, const std::string& reason) {
  nlohmann::json facts = {{"wrackline_version", WRACKLINE_VERSION},
                          {"time", std::time(nullptr)},
                          {"reason", reason},
                          {"collector_pid", getpid()}};
  utsname machine{};
  if (uname(&machine) == 0) {
    facts["host"] = static_cast<const char*>(machine.nodename);
    facts["kernel"] = static_cast<const char*>(machine.release);
  }
  timespec boot{};
  // What a kernel log's stamps count from.
  if (clock_gettime(CLOCK_MONOTONIC, &boot) == 0)
    facts["boot_time"] = std::time(nullptr) - boot.tv_sec;
  if (target.pid != 0) {
    facts["pid"] = target.pid;
    facts["pid_in_container"] = target.own_pid;
    facts["java"] = target.java;
  }
  if (!target.cgroup_folder.empty()) {
    facts["cgroup"] = target.cgroup_folder;
    facts["cgroup_version"] = target.cgroup_version;
  }
  if (!remark.empty()) facts["remark"] = remark;
  return facts;
}

void TakeScrapes(const CollectOptions& options, const Target& target, const std::vector<int>& ports,
                 Collection* collection) {
  if (!options.scrape_url.empty()) {
    const Result<std::string> body = Scrape(options.scrape_url, options.any_host);
    if (body.ok()) {
      collection->Take("scrape.prom", options.scrape_url, body.value(), Form::kText);
    } else {
      collection->Missing("a scrape of its metrics", body.error().Text());
    }
    return;
  }
  if (ports.empty()) {
    collection->Missing(
        "a scrape of its metrics",
        "Flink's configuration names no port of a PrometheusReporter (--scrape-url does)");
    return;
  }
  if (!target.own_network) {
    collection->Missing("a scrape of its metrics",
                        "it has a network of its own (collect inside its pod, or give --scrape-url "
                        "and --any-host)");
    return;
  }
  // The first of the range that answers is its own, in a pod.
  std::string tried;
  for (const int port : ports) {
    const std::string url = "http://127.0.0.1:" + std::to_string(port) + "/metrics";
    const Result<std::string> body = Scrape(url, false);
    if (body.ok()) {
      collection->Take("scrape.prom", url, body.value(), Form::kText);
      return;
    }
    tried += (tried.empty() ? "" : "; ") + body.error().Text();
  }
  collection->Missing("a scrape of its metrics", tried);
}

}  // namespace

Result<Target> Choose(const CollectOptions& options, std::string* remark) {
  if (options.pid) return TargetOf(*options.pid);
  if (!options.previous) {
    if (const auto pid = FindVm(options.cgroup, remark)) {
      Result<Target> target = TargetOf(*pid);
      if (target.ok()) return target;
    }
    *remark = options.cgroup.empty()
                  ? "no Java VM can be seen here: only what a process left is taken"
                  : "no process is in " + options.cgroup + ": only what one left is taken";
  }
  Target target = NoProcess();
  if (!options.cgroup.empty()) {
    target.cgroup_folder = options.cgroup;
    target.cgroup_version = access((options.cgroup + "/memory.max").c_str(), F_OK) == 0 ? 2 : 1;
    target.cpu_folder.clear();
    target.cgroup_path.clear();
    for (const std::string& mount :
         {std::string("/sys/fs/cgroup/memory"), std::string("/sys/fs/cgroup")}) {
      if (options.cgroup.compare(0, mount.size() + 1, mount + "/") != 0) continue;
      target.cgroup_path = options.cgroup.substr(mount.size());
      break;
    }
  }
  return target;
}

Result<CollectSummary> Collect(const CollectOptions& options, const Target& target,
                               const std::string& remark, const std::string& reason) {
  Result<std::unique_ptr<Output>> output = Output::Open(options.output);
  if (!output.ok()) return output.error();
  Collection collection(output.value().get());
  // What changes fastest, and what asking the VM would change, first.
  TakeCgroups(target, &collection);
  if (target.pid != 0) TakeProcess(target, &collection);
  TakeKernelLog(target, &collection);
  TakeRecordings(target, options.recordings, &collection);
  if (target.java) TakeVm(target, options.threads, options.patience, &collection);
  TakeVmFiles(target, options.most_of_a_log, &collection);
  const std::vector<int> ports = TakeFlinkConfiguration(target, &collection);
  TakeLogs(target, options.logs, options.most_of_a_log, &collection);
  if (target.pid != 0 || !options.scrape_url.empty())
    TakeScrapes(options, target, ports, &collection);
  TakePodInfo(target, options.pod_info, &collection);

  CollectSummary summary;
  summary.taken = collection.taken();
  summary.masked = collection.masked();
  summary.remark = remark;
  for (const auto& [key, count] : collection.masker().masked()) {
    constexpr std::size_t kNamed = 8;
    if (summary.masked_keys.size() < kNamed) summary.masked_keys.push_back(key);
  }
  for (const auto& [what, why] : collection.missing())
    summary.missing.push_back(fmt::format("{}: {}", what, why));
  if (const Status failed = collection.Finish(Facts(target, remark, reason))) return *failed;
  return summary;
}

}  // namespace wrackline::collect
