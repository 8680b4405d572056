// What `wrackline report` does, also used by `wrackline run --report`.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "analyzer/cli/terminal.h"
#include "lib/units/bytes.h"

namespace wrackline::cli {

struct ReportOptions {
  std::string path;                         // recorder file, packed dump, or folder
  std::vector<std::string> scrapes;         // Prometheus text; instead of path
  std::optional<std::string> task_manager;  // of the scrapes
  std::string format = "text";
  std::string output;  // empty: standard output
  std::optional<Bytes> limit;
  std::string flink_config;  // path; empty: a plain process
  std::string flink_version;
  std::vector<std::string> symbols;  // folders with binaries or their debug files
  std::string
      hsperfdata;    // of a killed VM that nobody asked; empty: one beside the recording, if any
  bool all = false;  // every recording of a folder, not the most telling one
  TextChoice text;
};

// Returns the exit status; errors are said on stderr.
int Report(const ReportOptions& options);

}  // namespace wrackline::cli
