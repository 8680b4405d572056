// A folder of evidence: what is in it, and what each file adds to what is known of one process.
//
//   Result<EvidenceFolder> folder = EvidenceFolder::Open("/incidents/tm-7");
//   Evidence evidence = ...;                 // of the folder's recording, or FromFilesOnly()
//   folder.value().AddTo({}, &evidence);     // evidence.sources says what became of each file
//
// Every file is shown to every reader (source.h), and one file may be several readers'. They are then applied in the
// order of their table, and of each reader's files the older ones first. A file that no reader takes, or that its reader
// refuses, is named with the reason: nothing is left out silently.
//
// Not thread-safe. Reads files; what they may be is bounded in folder_files.h.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "analyzer/evidence/evidence.h"
#include "analyzer/evidence/folder_files.h"
#include "analyzer/evidence/from_scrape.h"
#include "analyzer/evidence/source.h"
#include "analyzer/evidence/symbol_folders.h"
#include "lib/base/result.h"

namespace wrackline::evidence {

// The kinds that the folder's own code treats apart.
inline constexpr char kRecordingKind[] = "recording";
inline constexpr char kScrapeKind[] = "prometheus_text";
inline constexpr char kPrometheusJsonKind[] = "prometheus_json";
inline constexpr char kHeapProfileKind[] = "heap_profile";
inline constexpr char kCgroupKind[] = "cgroup";

struct FolderQuestion {
  // For the frames of another tool's heap profile; may be nullptr. What is to be said of them is added to `remarks`.
  SymbolFolders* symbols = nullptr;
  std::vector<std::string>* remarks = nullptr;
  std::optional<std::string> task_manager;  // of scrapes with several
  // What the configuration says of RocksDB, asked once Flink's log and configuration were read; may be empty.
  std::function<std::optional<ConfiguredRocksDb>(const Evidence&)> configured;
};

class EvidenceFolder {
 public:
  // `path`: a folder, or one file. Errors: it cannot be read.
  static Result<EvidenceFolder> Open(const std::string& path);

  // Some reader takes some file.
  bool Recognised() const;
  // Of that kind, in order of name.
  std::vector<std::string> PathsOf(std::string_view kind) const;

  // Applies the files. `recording`: the path of the one that the evidence is of; empty: of none.
  void AddTo(const FolderQuestion& question, const std::string& recording,
             Evidence* evidence) const;

 private:
  struct Known {
    FolderFile file;
    bool recording = false;
    std::vector<const SourceReader*> readers;
    std::string unread;  // why no reader was asked
  };

  using Files = std::vector<const Known*>;

  void Recognise();
  static std::vector<std::string> OtherCgroups(const Files& files);
  Files OfReader(const SourceReader& reader) const;
  void ApplyReader(const SourceReader& reader, const FolderQuestion& question, Evidence* evidence,
                   std::vector<SourceUse>* uses) const;
  void ApplyScrapes(const SourceReader& reader, const Files& files, const FolderQuestion& question,
                    Evidence* evidence, std::vector<SourceUse>* uses) const;
  void Close(const std::vector<SourceUse>& uses, Evidence* evidence) const;

  std::string path_;
  bool times_from_names_ = false;
  std::vector<std::string> remarks_;
  std::vector<Known> files_;
};

// To start with where there is no recording.
Evidence FromFilesOnly(const std::string& path);

}  // namespace wrackline::evidence
