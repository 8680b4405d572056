#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <memory>
#include <system_error>

#include "analyzer/cli/child_cgroup.h"
#include "analyzer/cli/child_process.h"
#include "analyzer/cli/command.h"
#include "analyzer/cli/kernel_log_source.h"
#include "analyzer/cli/preload_library.h"
#include "analyzer/cli/report_command.h"
#include "analyzer/cli/run_aftermath.h"
#include "analyzer/cli/size_option.h"

namespace wrackline::cli {
namespace {

namespace fs = std::filesystem;

struct Arguments {
  std::string out = "wrackline.out";
  std::string interval, recorder_size, limit, assumed_limit, keep, flink_config, flink_version;
  std::optional<int> stopped_status;
  bool report = false;
  std::vector<std::string> command;
};

void Set(std::vector<std::string>* environment, const std::string& name, const std::string& value) {
  const std::string prefix = name + "=";
  std::erase_if(*environment, [&prefix](const std::string& entry) {
    return entry.compare(0, prefix.size(), prefix) == 0;
  });
  environment->push_back(prefix + value);
}

std::vector<std::string> Environment(const Arguments& arguments, const std::string& folder,
                                     const std::string& library) {
  std::vector<std::string> environment;
  for (char** entry = environ; *entry != nullptr; ++entry) environment.emplace_back(*entry);
  // First, so that what it forwards to is the next allocator of the list (Flink's image preloads
  // jemalloc).
  const char* present = std::getenv("LD_PRELOAD");
  Set(&environment, "LD_PRELOAD",
      present != nullptr && *present != '\0' ? library + ":" + present : library);
  Set(&environment, "WRACKLINE_OUT", folder);
  const auto size = [&environment](const char* name, const std::string& text) {
    if (const auto amount = SizeOf(text)) Set(&environment, name, std::to_string(amount->count));
  };
  size("WRACKLINE_INTERVAL", arguments.interval);
  size("WRACKLINE_RECORDER_SIZE", arguments.recorder_size);
  if (!arguments.keep.empty()) Set(&environment, "WRACKLINE_KEEP", arguments.keep);
  return environment;
}

container::CgroupMemory Counters(const container::Cgroup& cgroup) {
  return cgroup.version == 0 ? container::CgroupMemory{} : container::ReadCgroupMemory(cgroup);
}

std::chrono::nanoseconds Monotonic() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec);
}

int NotStarted(const ChildEnd& end, const std::string& name) {
  if (end.enter_errno != 0)
    return Fail(std::string("cannot enter the child's cgroup: ") + std::strerror(end.enter_errno),
                kRunFailed);
  if (end.exec_errno == ENOENT)
    return Fail(
        "cannot find " + name + " (check the spelling, PATH and, for a script, its interpreter)",
        kNotFound);
  return Fail("cannot execute " + name + ": " + std::strerror(end.exec_errno), kCannotExecute);
}

int ExitStatus(int status) {
  return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

// The exit status; `*recorded` is the command's recording, "" without one.
int RunAndRecord(const Arguments& arguments, std::string* recorded) {
  // From before there is a cgroup to remove.
  const HeldSignals held;
  const Result<std::string> library = FindPreloadLibrary();
  if (!library.ok()) return Fail(library.error().Text(), kRunFailed);
  std::error_code error;
  const std::string folder = fs::absolute(arguments.out, error).lexically_normal().string();
  // The command runs without a recording rather than not at all.
  if (!fs::create_directories(folder, error) && error)
    Say("cannot make the folder " + folder + ": " + error.message() +
        " (the command runs on, nothing will be recorded)");

  std::unique_ptr<ChildCgroup> own_cgroup;
  container::Cgroup cgroup;
  if (const auto limit = SizeOf(arguments.limit)) {
    Result<ChildCgroup> made = ChildCgroup::Make(*limit);
    if (!made.ok()) return Fail(made.error().Text(), kRunFailed);
    own_cgroup = std::make_unique<ChildCgroup>(std::move(made.value()));
    cgroup = own_cgroup->cgroup();
  } else {
    container::FindMemoryCgroup("", "self", &cgroup);
  }

  SeenEnd seen;
  const std::set<std::string> known = RecorderFiles(folder);
  const std::chrono::nanoseconds begin = Monotonic();
  seen.before = Counters(cgroup);
  const Result<ChildEnd> end = RunChild(
      arguments.command, Environment(arguments, folder, library.value()),
      [&own_cgroup] { return own_cgroup ? own_cgroup->Enter() : 0; }, held);
  seen.time = std::chrono::system_clock::now();
  seen.after = Counters(cgroup);
  if (!end.ok()) return Fail(end.error().Text(), kRunFailed);
  if (!end.value().started) return NotStarted(end.value(), arguments.command.front());
  seen.pid = end.value().pid;
  seen.status = end.value().status;
  seen.cgroup_path = cgroup.path;
  seen.stopped_status = arguments.stopped_status;
  seen.assumed_limit = SizeOf(arguments.assumed_limit);
  if (WIFSIGNALED(seen.status) || seen.after.oom_kill != seen.before.oom_kill)
    seen.kernel_log = ReadKernelLog(begin);

  const AftermathResult aftermath = AddAftermath(folder, known, seen);
  for (const std::string& problem : aftermath.problems) Say(problem);
  if (aftermath.files.empty() && aftermath.problems.empty())
    Say("nothing was recorded in " + folder +
        " (it ended at once, is static or setuid, or WRACKLINE_ONLY left it out; "
        "WRACKLINE_VERBOSE=1 says more)");
  for (const std::string& file : aftermath.files) Say("recorded in " + file);
  if (own_cgroup && !own_cgroup->Remove())
    Say(std::string("processes of the command are still running in ") + cgroup.folder +
        " (it is left in place)");
  if (!aftermath.files.empty()) *recorded = aftermath.files.front();
  return ExitStatus(seen.status);
}

int Run(const Arguments& arguments) {
  std::string recorded;
  const int status = RunAndRecord(arguments, &recorded);
  if (arguments.report && !recorded.empty()) {
    ReportOptions options;
    options.path = recorded;
    options.flink_config = arguments.flink_config;
    options.flink_version = arguments.flink_version;
    Report(options);
  }
  return status;
}

// WRACKLINE_KEEP's form.
// The shim takes whole numbers: the bytes are handed to it as such.
std::string CheckKeep(std::string& text) {
  const std::size_t comma = text.find(',');
  const std::string files = text.substr(0, comma);
  const bool number = files.size() < 10 &&
                      files.find_first_not_of("0123456789") == std::string::npos &&
                      files.find_first_not_of('0') != std::string::npos;
  std::string wrong = "'" + text + "' is not FILES or FILES,BYTES, such as 16,1g";
  if (!number) return wrong;
  if (comma == std::string::npos) return "";
  const Result<Bytes> bytes = ParseBytes(text.substr(comma + 1));
  if (!bytes.ok() || bytes.value().count <= 0) return wrong;
  text = files + "," + std::to_string(bytes.value().count);
  return "";
}

}  // namespace

Action AddRun(CLI::App* app, std::vector<std::string> command) {
  auto arguments = std::make_shared<Arguments>();
  arguments->command = std::move(command);
  app->add_option("--interval", arguments->interval,
                  "Mean bytes between samples (default 512k; 0: none)")
      ->check(IsSize(0));
  app->add_option("--out", arguments->out, "Folder for the recorder file")
      ->type_name("FOLDER")
      ->capture_default_str();
  app->add_option("--recorder-size", arguments->recorder_size,
                  "Size of the recorder file (default 64m)")
      ->check(IsSize(1 << 20));
  app->add_option("--keep", arguments->keep,
                  "Recorder files kept in the folder: FILES[,BYTES] (default 16,1g)")
      ->type_name("FILES[,SIZE]")
      ->transform(CLI::Validator(CheckKeep, ""));
  CLI::Option* limit = app->add_option("--limit", arguments->limit,
                                       "Run in a memory cgroup of its own with this limit (root)");
  limit->check(IsSize(1 << 20));
  app->add_option("--assume-limit", arguments->assumed_limit,
                  "Record this as the limit without enforcing it")
      ->check(IsSize(1))
      ->excludes(limit);
  app->add_option(
         "--stopped-status", arguments->stopped_status,
         "With this exit status the command stopped itself at the limit on purpose: not a kill")
      ->check(CLI::Range(1, 255));
  app->add_flag("--report", arguments->report, "Print the report at the end");
  app->add_option("--flink-config", arguments->flink_config,
                  "With --report: propose for this Flink configuration");
  app->add_option("--flink-version", arguments->flink_version,
                  "With --report: Flink's version (default: 1.20)")
      ->type_name("VERSION");
  return [arguments] {
    if (arguments->command.empty())
      return Fail("no command to run (put it after --: wrackline run [OPTIONS] -- COMMAND)",
                  kRunFailed);
    return Run(*arguments);
  };
}

}  // namespace wrackline::cli
