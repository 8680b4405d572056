#include "analyzer/collect/collect.h"

#include <fmt/core.h>
#include <poll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <memory>
#include <system_error>
#include <vector>

#include "analyzer/cli/command.h"
#include "analyzer/cli/size_option.h"
#include "analyzer/collect/output.h"
#include "analyzer/collect/watch.h"

namespace wrackline::cli {
namespace {

namespace fs = std::filesystem;

struct Arguments {
  collect::CollectOptions options;
  std::string log_bytes;
  double patience = 5;
  bool wait = false;
  double every = 0;
  int keep = 8;
};

// Says what was taken. True when something was.
bool Tell(const collect::CollectSummary& summary, const std::string& output) {
  if (!summary.remark.empty()) Say(summary.remark);
  for (const std::string& missing : summary.missing) Say("not taken: " + missing);
  if (summary.masked > 0) {
    std::string keys;
    for (const std::string& key : summary.masked_keys) keys += (keys.empty() ? "" : ", ") + key;
    Say(fmt::format("masked {} values that may be secrets ({}{}); look before you hand it on",
                    summary.masked, keys, summary.masked_keys.size() < 8 ? "" : ", ..."));
  }
  if (summary.taken == 0) {
    Say("nothing was taken (above says why); " + output + " holds the reasons only");
    return false;
  }
  fmt::print("{} ({} files)\n", output, summary.taken);
  std::fflush(stdout);
  return true;
}

int Once(const Arguments& arguments) {
  std::string remark;
  const Result<collect::Target> target = collect::Choose(arguments.options, &remark);
  if (!target.ok()) return Fail(target.error().Text());
  const Result<collect::CollectSummary> summary =
      collect::Collect(arguments.options, target.value(), remark, "asked for");
  if (!summary.ok()) return Fail(summary.error().Text());
  return Tell(summary.value(), arguments.options.output) ? kOk : kFinding;
}

// "incident.tar.zst", "oom-kill", 3 -> "incident-003-oom-kill.tar.zst"; in a folder: "incident/003-oom-kill".
std::string NameOf(const std::string& output, const std::string& reason, int number) {
  const std::string label = fmt::format("{:03}-{}", number, reason);
  if (!collect::IsArchiveName(output)) return output + "/" + label;
  constexpr std::string_view kSuffix = ".tar.zst";
  return output.substr(0, output.size() - kSuffix.size()) + "-" + label + std::string(kSuffix);
}

// Collections one after the other; the oldest go, but never the one at the start, which shows what was before.
class Series {
 public:
  explicit Series(const Arguments& arguments) : arguments_(arguments) {}

  Status Add(const collect::Target& target, const std::string& remark, const std::string& reason) {
    collect::CollectOptions options = arguments_.options;
    std::error_code error;
    // Names of an earlier run of the same sidecar are left alone.
    do {
      options.output = NameOf(arguments_.options.output, reason, ++number_);
    } while (fs::exists(options.output, error));
    const Result<collect::CollectSummary> summary =
        collect::Collect(options, target, remark, reason);
    if (!summary.ok()) return summary.error();
    if (Tell(summary.value(), options.output)) any_ = true;
    made_.push_back(options.output);
    while (made_.size() > static_cast<std::size_t>(arguments_.keep)) {
      fs::remove_all(made_[1], error);
      made_.erase(made_.begin() + 1);
    }
    return std::nullopt;
  }
  bool any() const { return any_; }

 private:
  const Arguments& arguments_;
  std::vector<std::string> made_;
  int number_ = 0;
  bool any_ = false;
};

// A signal to end with, or -1 after `milliseconds`.
int WaitForSignal(int descriptor, int milliseconds) {
  pollfd wait{descriptor, POLLIN, 0};
  const int ready = poll(&wait, 1, milliseconds);
  if (ready <= 0) return -1;
  signalfd_siginfo info{};
  return read(descriptor, &info, sizeof(info)) == sizeof(info) ? static_cast<int>(info.ssi_signo)
                                                               : -1;
}

int Wait(const Arguments& arguments) {
  sigset_t ends;
  sigemptyset(&ends);
  for (const int signal : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&ends, signal);
  sigprocmask(SIG_BLOCK, &ends, nullptr);
  const int descriptor = signalfd(-1, &ends, SFD_CLOEXEC);
  if (descriptor < 0) return Fail(std::string("cannot wait for signals: ") + std::strerror(errno));

  Series series(arguments);
  std::string remark;
  Result<collect::Target> target = collect::Choose(arguments.options, &remark);
  if (!target.ok()) return Fail(target.error().Text());
  // Before the collection, which takes seconds: what happens meanwhile is seen at the first look.
  auto watch = std::make_unique<collect::Watch>(target.value());
  // Where the first cannot be written, none can. A later one that cannot (a full disk) must not end the watch: the kill is yet to come.
  if (const Status refused = series.Add(target.value(), remark, "start"))
    return Fail(refused->Text());
  bool failed = false;
  const auto add = [&](const char* reason) {
    const Status error = series.Add(target.value(), remark, reason);
    if (error) Say(std::string("not collected (") + reason + "): " + error->Text());
    failed = error.has_value();
  };
  constexpr int kLook = 1000;  // milliseconds
  auto last = std::chrono::steady_clock::now();
  const std::chrono::duration<double> every(arguments.every);
  collect::CollectOptions options = arguments.options;
  bool blind = false;  // who would take the place of the process that was asked for is not known
  for (;;) {
    if (WaitForSignal(descriptor, kLook) > 0) {
      add("end");
      break;
    }
    const collect::Seen seen = watch->Look();
    const bool due = arguments.every > 0 && std::chrono::steady_clock::now() - last >= every;
    if (seen == collect::Seen::kNothing && !due && watch->pid() != 0) continue;
    // The process may be another one now: a restarted container's. One that is not there yet is looked for.
    std::string found_remark;
    const bool ended = seen != collect::Seen::kNothing && !watch->alive();
    if (ended && options.pid) {
      // Who takes its place is in its cgroup; not any other VM that a node's agent sees.
      options.pid.reset();
      std::error_code error;
      const std::string& cgroup = target.value().cgroup_folder;
      if (cgroup.compare(0, 6, "/proc/") != 0 && fs::is_directory(cgroup, error))
        options.cgroup = cgroup;
      else
        blind = true;
    }
    Result<collect::Target> found = blind ? Result<collect::Target>(Error{"its cgroup is gone", ""})
                                          : collect::Choose(options, &found_remark);
    const bool there = found.ok();
    const bool appeared = there && watch->pid() == 0 && found.value().pid != 0;
    if (seen == collect::Seen::kNothing && !due && !appeared) continue;
    const char* reason = seen == collect::Seen::kOomKill       ? "oom-kill"
                         : seen == collect::Seen::kProcessGone ? "process-gone"
                         : appeared                            ? "process-found"
                                                               : "periodic";
    if (there) {
      target = std::move(found);
      remark = found_remark;
    }
    const bool anew = seen != collect::Seen::kNothing || appeared;
    if (anew && there) watch = std::make_unique<collect::Watch>(target.value());
    add(reason);
    last = std::chrono::steady_clock::now();
    if (ended && !there) {
      target.value().pid = 0;  // from here on one that takes its place is looked for
      watch = std::make_unique<collect::Watch>(target.value());
    }
  }
  close(descriptor);
  if (failed) return kBadInput;
  return series.any() ? kOk : kFinding;
}

}  // namespace

Action AddCollect(CLI::App* app) {
  auto arguments = std::make_shared<Arguments>();
  collect::CollectOptions& options = arguments->options;
  app->add_option("-o,--output", options.output, "Folder to make, or FILE.tar.zst")
      ->type_name("FOLDER")
      ->required();
  CLI::Option* pid = app->add_option("--pid", options.pid,
                                     "The process (default: the largest Java VM that can be seen)");
  CLI::Option* cgroup =
      app->add_option("--cgroup", options.cgroup, "Folder of a cgroup: its largest process")
          ->type_name("FOLDER");
  cgroup->check(CLI::ExistingDirectory)->excludes(pid);
  CLI::Option* previous = app->add_flag(
      "--previous", options.previous, "No process: what a former container left in shared folders");
  previous->excludes(pid);
  const auto folder = [app](const char* name, std::vector<std::string>* into, const char* what) {
    app->add_option(name, *into, what)->allow_extra_args(false);
  };
  folder("--recordings", &options.recordings,
         "Folder with recorder files, beside WRACKLINE_OUT; may be repeated");
  folder("--logs", &options.logs, "Folder with logs, beside Flink's own; may be repeated");
  folder("--pod-info", &options.pod_info,
         "Folder of the downward API, beside /etc/podinfo; may be repeated");
  app->add_option("--log-bytes", arguments->log_bytes,
                  "Of each log at most this much, from its end (default 4m)")
      ->check(IsSize(1));
  app->add_option(
         "--scrape-url", options.scrape_url,
         "Prometheus metrics to take (default: the port of Flink's reporter, on 127.0.0.1)")
      ->type_name("URL");
  app->add_flag("--any-host", options.any_host, "Let --scrape-url leave this machine");
  app->add_flag("--threads", options.threads, "Also every Java thread's stack");
  app->add_option("--patience", arguments->patience, "Seconds to wait for the VM, a question")
      ->check(CLI::Range(0.1, 600.0))
      ->capture_default_str();
  CLI::Option* wait = app->add_flag("--wait-for-kill", arguments->wait,
                                    "Stay: collect now, after each OOM kill or end of the process, "
                                    "and at SIGTERM; the output gets a number and a reason");
  wait->excludes(previous);
  app->add_option("--every", arguments->every, "With --wait-for-kill: also every so many seconds")
      ->check(CLI::Range(1.0, 86400.0))
      ->needs(wait);
  app->add_option("--keep", arguments->keep,
                  "With --wait-for-kill: so many collections, the first and the newest")
      ->check(CLI::Range(2, 1000))
      ->needs(wait)
      ->capture_default_str();
  return [arguments] {
    if (const auto size = SizeOf(arguments->log_bytes)) arguments->options.most_of_a_log = *size;
    arguments->options.patience =
        std::chrono::milliseconds(static_cast<int>(arguments->patience * 1000));
    return arguments->wait ? Wait(*arguments) : Once(*arguments);
  };
}

}  // namespace wrackline::cli
