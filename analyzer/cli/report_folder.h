// Evidence for `wrackline report PATH`, where the path is a folder or a file of any kind that some reader knows.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "analyzer/cli/report_command.h"
#include "analyzer/evidence/evidence.h"
#include "analyzer/evidence/pod_manifest.h"
#include "analyzer/evidence/symbol_folders.h"
#include "analyzer/report/report.h"
#include "lib/base/result.h"
#include "lib/units/bytes.h"

namespace wrackline::cli {

struct FolderEvidence {
  std::vector<evidence::Evidence> of;  // one for each report; never empty
  std::vector<std::string> paths;      // of their recordings; empty where there is none
  std::vector<std::string> remarks;    // to be said beside the report
  // The configuration found in the folder, where the command line names none.
  std::optional<report::FlinkTarget> flink;
  std::optional<Bytes> manifest_limit;
  std::optional<evidence::PodManifest> manifest;  // that it is in
};

// `flink`: of the command line. `symbols` may be nullptr. Errors: not readable; nothing in it that a reader takes (then the
// recording reader's or ScanFolder's error).
Result<FolderEvidence> ReadEvidenceFolder(const ReportOptions& options,
                                          const std::optional<report::FlinkTarget>& flink,
                                          evidence::SymbolFolders* symbols);

}  // namespace wrackline::cli
