#include "analyzer/cli/run_aftermath.h"

#include <sys/wait.h>

#include <algorithm>
#include <filesystem>
#include <system_error>

#include "analyzer/evidence/from_recording.h"
#include "analyzer/evidence/kernel_log.h"
#include "lib/recorder/reader.h"

namespace wrackline::cli {
namespace {

namespace fs = std::filesystem;

struct NewFile {
  std::string path;
  std::uint32_t pid = 0;
  std::uint64_t last_time_ns = 0;
  bool clean = false;
  bool ended = false;   // another run has written how it ended
  bool within = false;  // in the cgroup whose counters were read, or below it
};

bool Within(const std::string& path, const std::string& cgroup) {
  if (cgroup.empty() || cgroup == "/" || path.empty()) return true;
  return path.starts_with(cgroup) && (path.size() == cgroup.size() || path[cgroup.size()] == '/');
}

proto::Record MakeRecord(const SeenEnd& end, const NewFile& file, bool own) {
  proto::Record record;
  const auto nanoseconds =
      std::chrono::duration_cast<std::chrono::nanoseconds>(end.time.time_since_epoch()).count();
  record.set_time_ns(static_cast<std::uint64_t>(nanoseconds));
  proto::Aftermath& aftermath = *record.mutable_aftermath();
  if (own) {
    aftermath.set_end_time_ns(record.time_ns());
    if (WIFEXITED(end.status)) aftermath.set_exit_status(WEXITSTATUS(end.status));
    if (WIFSIGNALED(end.status)) aftermath.set_signal(WTERMSIG(end.status));
    aftermath.set_stopped_at_limit(end.stopped_status && WIFEXITED(end.status) &&
                                   WEXITSTATUS(end.status) == *end.stopped_status);
  }
  if (end.before.oom_kill) aftermath.set_oom_kill_before(*end.before.oom_kill);
  if (end.after.oom_kill) aftermath.set_oom_kill_after(*end.after.oom_kill);
  if (end.after.peak) aftermath.set_peak_charge(*end.after.peak);
  if (end.after.limit) aftermath.set_limit(*end.after.limit);
  if (end.assumed_limit) aftermath.set_limit(static_cast<std::uint64_t>(end.assumed_limit->count));
  aftermath.set_kernel_log(
      evidence::ExtractKernelReport(end.kernel_log, file.pid, end.cgroup_path));
  return record;
}

}  // namespace

std::set<std::string> RecorderFiles(const std::string& folder) {
  std::set<std::string> files;
  std::error_code error;
  for (fs::directory_iterator it(folder, error), last; !error && it != last; it.increment(error)) {
    if (it->path().extension() == ".wrack") files.insert(it->path().string());
  }
  return files;
}

AftermathResult AddAftermath(const std::string& folder, const std::set<std::string>& known,
                             const SeenEnd& end) {
  AftermathResult result;
  std::vector<NewFile> added;
  for (const std::string& path : RecorderFiles(folder)) {
    if (known.count(path) != 0) continue;
    const Result<recorder::Recording> recording = recorder::ReadRecording(path);
    if (!recording.ok()) {
      result.problems.push_back(recording.error().Text());
      continue;
    }
    NewFile file{.path = path,
                 .last_time_ns = recording.value().last_time_ns,
                 .clean = recording.value().exit.has_value(),
                 .ended = recording.value().aftermath.has_value()};
    if (const auto& process = recording.value().process) {
      file.pid = process->pid();
      file.within = Within(process->cgroup_path(), end.cgroup_path);
    }
    added.push_back(std::move(file));
  }
  // The command's own files first; after an exec it has several, and the newest is the one that
  // ended.
  std::sort(added.begin(), added.end(), [&end](const NewFile& a, const NewFile& b) {
    const bool a_own = static_cast<pid_t>(a.pid) == end.pid,
               b_own = static_cast<pid_t>(b.pid) == end.pid;
    return a_own != b_own ? a_own : a.last_time_ns > b.last_time_ns;
  });
  for (std::size_t i = 0; i < added.size(); ++i) {
    const NewFile& file = added[i];
    result.files.push_back(file.path);
    const bool own = i == 0 && static_cast<pid_t>(file.pid) == end.pid;
    // One whose writer lives is a daemon's that the command left, or of another run in this folder: nothing has ended there.
    // What another run in this folder saw end is said already, and the counters are those of one cgroup.
    if (!own && (file.clean || file.ended || !file.within || evidence::WriterHoldsLock(file.path)))
      continue;
    if (const Status failed = recorder::AppendRecord(file.path, MakeRecord(end, file, own)))
      result.problems.push_back(failed->Text());
  }
  return result;
}

}  // namespace wrackline::cli
