#include "analyzer/cli/report_folder.h"

#include <fmt/core.h>

#include <filesystem>
#include <system_error>
#include <utility>

#include "analyzer/cli/scrape_file.h"
#include "analyzer/evidence/evidence_folder.h"
#include "analyzer/evidence/folder.h"
#include "analyzer/evidence/from_recording.h"

namespace wrackline::cli {
namespace {

namespace fs = std::filesystem;
using evidence::EvidenceFolder;

std::string BaseName(const std::string& path) { return fs::path(path).filename().string(); }

// The recordings to report on, of all that lie in a folder: the most telling one, or every one.
Result<std::vector<std::string>> ChooseRecordings(const std::vector<std::string>& paths, bool all,
                                                  std::vector<std::string>* remarks) {
  const std::vector<evidence::FolderEntry> entries = evidence::ScanRecordings(paths);
  std::vector<std::string> chosen;
  std::string others;
  std::size_t left_out = 0;
  for (const evidence::FolderEntry& entry : entries) {
    if (!entry.error.empty()) {
      remarks->push_back("left out: " + entry.error);
    } else if (all || chosen.empty()) {
      chosen.push_back(entry.path);
    } else {
      ++left_out;
      constexpr std::size_t kNamed = 5;
      if (left_out <= kNamed) others += (others.empty() ? "" : ", ") + BaseName(entry.path);
    }
  }
  if (left_out > 0)
    remarks->push_back(fmt::format("{} more in this folder: {}{} (--all reports each)", left_out,
                                   others, left_out > 5 ? ", ..." : ""));
  // Every file is unreadable: the first one's reason is the answer.
  if (chosen.empty() && !entries.empty()) return Error{entries.front().error, ""};
  return chosen;
}

// The folder's configuration, read as the version that Flink's log names reads it.
class FolderConfiguration {
 public:
  FolderConfiguration(const EvidenceFolder& folder, const ReportOptions& options)
      : version_(options.flink_version) {
    for (const char* kind : {"flink_config", "pod_manifest"}) {
      for (std::string& path : folder.PathsOf(kind)) paths_.push_back(std::move(path));
    }
  }

  const std::optional<FlinkSource>& Read(const evidence::Evidence& evidence,
                                         std::vector<std::string>* remarks) {
    if (asked_) return source_;
    asked_ = true;
    std::string version = version_;
    if (version.empty() && evidence.flink) version = evidence.flink->version;
    for (const std::string& path : paths_) {
      Result<FlinkSource> source = ReadFlinkTarget(path, version);
      if (source.ok()) {
        source_ = std::move(source.value());
        return source_;
      }
      remarks->push_back(source.error().Text());
    }
    return source_;
  }

 private:
  std::string version_;
  std::vector<std::string> paths_;
  bool asked_ = false;
  std::optional<FlinkSource> source_;
};

// A recorder's file says so at its beginning; whatever its name is.
bool IsRecording(const std::string& path) {
  const std::string extension = fs::path(path).extension();
  return extension == ".wrack" || extension == ".wrackpack";
}

Result<evidence::Evidence> StartWith(const std::string& recording, const ReportOptions& options,
                                     evidence::SymbolFolders* symbols,
                                     std::vector<std::string>* remarks) {
  if (recording.empty()) {
    evidence::Evidence evidence = evidence::FromFilesOnly(options.path);
    if (options.limit) evidence.limit = evidence::Figure{*options.limit, {}, "--limit"};
    return evidence;
  }
  return evidence::ReadEvidence(recording, options.limit, symbols, remarks);
}

}  // namespace

Result<FolderEvidence> ReadEvidenceFolder(const ReportOptions& options,
                                          const std::optional<report::FlinkTarget>& flink,
                                          evidence::SymbolFolders* symbols) {
  FolderEvidence result;
  std::error_code error;
  const bool is_folder = fs::is_directory(options.path, error);
  if (!is_folder && IsRecording(options.path)) {
    Result<evidence::Evidence> one = StartWith(options.path, options, symbols, &result.remarks);
    if (!one.ok()) return one.error();
    result.of.push_back(std::move(one.value()));
    result.paths.push_back(options.path);
    return result;
  }
  const Result<EvidenceFolder> folder = EvidenceFolder::Open(options.path);
  if (!folder.ok()) return folder.error();
  std::vector<std::string> recordings = folder.value().PathsOf(evidence::kRecordingKind);
  if (recordings.empty() && !folder.value().Recognised()) {
    // Each has the better answer to what it is not.
    if (is_folder) return evidence::ScanFolder(options.path).error();
    Result<evidence::Evidence> one = StartWith(options.path, options, symbols, &result.remarks);
    if (!one.ok()) return one.error();
    result.of.push_back(std::move(one.value()));
    result.paths.push_back(options.path);
    return result;
  }
  Result<std::vector<std::string>> chosen =
      ChooseRecordings(recordings, options.all, &result.remarks);
  if (!chosen.ok()) return chosen.error();
  result.paths = std::move(chosen.value());
  if (result.paths.empty()) result.paths.emplace_back();

  FolderConfiguration configuration(folder.value(), options);
  evidence::FolderQuestion question;
  question.task_manager = options.task_manager;
  question.symbols = symbols;
  question.remarks = &result.remarks;
  question.configured = [&](const evidence::Evidence& evidence) {
    if (flink) return ConfiguredBy(flink);
    const std::optional<FlinkSource>& source = configuration.Read(evidence, &result.remarks);
    return source ? ConfiguredBy(source->target) : std::nullopt;
  };
  for (const std::string& path : result.paths) {
    Result<evidence::Evidence> one = StartWith(path, options, symbols, &result.remarks);
    if (!one.ok()) return one.error();
    // The files beside several recordings are one process's: the most telling one's.
    if (result.of.empty()) folder.value().AddTo(question, path, &one.value());
    result.of.push_back(std::move(one.value()));
  }
  if (!flink) {
    if (const auto& source = configuration.Read(result.of.front(), &result.remarks)) {
      result.flink = source->target;
      result.manifest_limit = source->limit;
      result.manifest = source->manifest;
    }
  }
  return result;
}

}  // namespace wrackline::cli
