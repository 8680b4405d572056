#include "analyzer/evidence/folder.h"

#include <algorithm>
#include <filesystem>
#include <system_error>
#include <tuple>

#include "analyzer/evidence/convert.h"
#include "analyzer/evidence/from_recording.h"

namespace wrackline::evidence {
namespace {

namespace fs = std::filesystem;

FolderEntry Describe(const std::string& path) {
  FolderEntry entry;
  entry.path = path;
  const Result<recorder::Recording> read = recorder::ReadRecording(path);
  if (!read.ok()) {
    entry.error = read.error().Text();
    return entry;
  }
  const recorder::Recording& recording = read.value();
  if (recording.process) entry.pid = recording.process->pid();
  entry.last_record = ToTime(recording.last_time_ns);
  const bool marked = recording.exit && recording.exit->exit().kind() == proto::Exit::CLEAN;
  // What wrackline run saw wins over the mark: a run stopped on purpose at the limit is what one
  // wants to read about.
  const bool on_purpose = recording.aftermath && recording.aftermath->stopped_at_limit();
  entry.ended_cleanly = (marked && !on_purpose) || StillRunning(recording);
  return entry;
}

}  // namespace

Result<std::vector<FolderEntry>> ScanFolder(const std::string& folder) {
  std::error_code error;
  std::vector<std::string> paths;
  fs::directory_iterator it(folder, error);
  if (error)
    return Error{"cannot read the folder " + folder + ": " + error.message(),
                 "check the path and its permissions"};
  for (; it != fs::directory_iterator(); it.increment(error)) {
    if (error) return Error{"cannot read the folder " + folder + ": " + error.message(), ""};
    const std::string extension = it->path().extension();
    if (extension == ".wrack" || extension == ".wrackpack") paths.push_back(it->path().string());
  }
  if (paths.empty())
    return Error{"no recorder in " + folder,
                 "a recorded process leaves a .wrack file in its WRACKLINE_OUT folder; was it "
                 "started with `wrackline run` "
                 "or LD_PRELOAD?"};
  return ScanRecordings(paths);
}

std::vector<FolderEntry> ScanRecordings(const std::vector<std::string>& paths) {
  std::vector<FolderEntry> entries;
  entries.reserve(paths.size());
  for (const std::string& path : paths) entries.push_back(Describe(path));
  std::sort(entries.begin(), entries.end(), [](const FolderEntry& a, const FolderEntry& b) {
    return std::tuple(!a.error.empty(), a.ended_cleanly, b.last_record, a.path) <
           std::tuple(!b.error.empty(), b.ended_cleanly, a.last_record, b.path);
  });
  return entries;
}

}  // namespace wrackline::evidence
