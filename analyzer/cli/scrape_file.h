// Scrapes as files.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "analyzer/evidence/evidence.h"
#include "analyzer/evidence/from_scrape.h"
#include "analyzer/evidence/pod_manifest.h"
#include "analyzer/report/report.h"
#include "lib/base/result.h"

namespace wrackline::cli {

// True when the file begins like Prometheus text; "-", standard input, is taken for such. False too when it cannot be read: whoever opens
// it next says why.
bool IsScrapeFile(const std::string& path);

// The same by its form alone, where nothing else of that form is asked for.
bool HasScrapeForm(const std::string& path);

// Errors, with the file's name: not readable, larger than 256 MiB, not such a text (with the line).
Result<std::vector<evidence::ScrapeInput>> ReadScrapeFiles(const std::vector<std::string>& paths);

// A Flink configuration for the proposal, and the pod's limit where a Kubernetes manifest carries
// both.
struct FlinkSource {
  report::FlinkTarget target;
  std::optional<Bytes> limit;
  std::vector<std::string> notes;  // of a manifest
  // It, where the configuration is one's.
  std::optional<evidence::PodManifest> manifest;
};

// `version`: empty takes the manifest's, else 1.20. Errors: not readable, larger than 4 MiB, no
// configuration that this version reads, no manifest of Flink's.
Result<FlinkSource> ReadFlinkTarget(const std::string& path, const std::string& version);

// What the target says of RocksDB; nothing without one, or when Flink refuses it.
std::optional<evidence::ConfiguredRocksDb> ConfiguredBy(
    const std::optional<report::FlinkTarget>& target);

}  // namespace wrackline::cli
