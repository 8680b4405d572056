// What `report` and `export` share: the path of the command line -> reports.
#pragma once

#include <CLI/CLI.hpp>
#include <optional>
#include <string>
#include <vector>

#include "analyzer/cli/report_command.h"
#include "analyzer/collect/unpack.h"
#include "analyzer/evidence/symbol_folders.h"
#include "analyzer/report/report.h"
#include "lib/base/result.h"

namespace wrackline::cli {

struct BuiltReports {
  std::vector<report::Report> of;       // never empty
  std::vector<std::string> recordings;  // their paths, one each; empty where there is none
  std::vector<std::string> remarks;     // to be said beside them
  // The files lie in it, where the path is an archive's.
  std::optional<collect::UnpackedArchive> archive;
  std::string path;  // what was read: options.path, or the archive's folder
};

// --symbols, --limit (into `limit`, for SizeOf), --flink-config, --flink-version.
void AddInputOptions(CLI::App* app, ReportOptions* options, std::string* limit);

// Of everything in `options` but the form of the output. `symbols` may be null. Remarks on a configuration are said at once.
Result<BuiltReports> BuildReports(const ReportOptions& options, evidence::SymbolFolders* symbols);

}  // namespace wrackline::cli
