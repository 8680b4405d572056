#include "analyzer/cli/scrape_file.h"
#include "analyzer/cli/text_file.h"

#include <sys/stat.h>

#include <cerrno>
#include <fstream>

#include "analyzer/evidence/pod_manifest.h"
#include "analyzer/evidence/prometheus_scrape.h"
#include "analyzer/flink/config_file.h"
#include "analyzer/flink/version.h"

namespace wrackline::cli {
namespace {

evidence::Time ModifiedAt(const std::string& path) {
  struct stat facts {};
  if (path == "-") return std::chrono::system_clock::now();
  if (stat(path.c_str(), &facts) != 0) return {};
  return evidence::Time{std::chrono::seconds(facts.st_mtim.tv_sec) +
                        std::chrono::nanoseconds(facts.st_mtim.tv_nsec)};
}

}  // namespace

namespace {

std::string BeginningOf(const std::string& path) {
  // Not a pipe: its beginning can be read once only.
  struct stat facts {};
  if (stat(path.c_str(), &facts) != 0 || !S_ISREG(facts.st_mode)) return {};
  std::ifstream file(path, std::ios::binary);
  std::string beginning(65536, '\0');
  file.read(beginning.data(), static_cast<std::streamsize>(beginning.size()));
  beginning.resize(static_cast<std::size_t>(file.gcount()));
  return beginning;
}

}  // namespace

bool HasScrapeForm(const std::string& path) {
  return path == "-" || evidence::LooksLikePrometheusText(BeginningOf(path));
}

bool IsScrapeFile(const std::string& path) {
  if (path == "-") return true;
  const std::string beginning = BeginningOf(path);
  // The form alone fits other texts of names and numbers, such as memory.stat.
  return evidence::LooksLikePrometheusText(beginning) &&
         (beginning.find("flink_") != std::string::npos || beginning.front() == '#');
}

Result<std::vector<evidence::ScrapeInput>> ReadScrapeFiles(const std::vector<std::string>& paths) {
  std::vector<evidence::ScrapeInput> inputs;
  for (const std::string& path : paths) {
    const Result<std::string> text =
        ReadTextFile(path, 256 << 20, "256 MiB", "scrape one TaskManager at a time");
    if (!text.ok()) return text.error();
    Result<evidence::FlinkScrape> scrape = evidence::ReadFlinkScrape(text.value());
    if (!scrape.ok()) return Error{path + ": " + scrape.error().message, scrape.error().hint};
    inputs.push_back({path, ModifiedAt(path), std::move(scrape.value())});
  }
  return inputs;
}

Result<FlinkSource> ReadFlinkTarget(const std::string& path, const std::string& version_text) {
  const Result<std::string> text =
      ReadTextFile(path, 4 << 20, "4 MiB", "is it a Flink configuration?");
  if (!text.ok()) return text.error();
  FlinkSource source;
  source.target.version = version_text.empty() ? "1.20" : version_text;
  const Result<flink::Version> version = flink::ParseVersion(source.target.version);
  if (!version.ok()) return version.error();
  if (evidence::LooksLikeManifest(text.value())) {
    evidence::ManifestChoice choice;
    choice.role = evidence::FlinkRole::kTaskManager;
    if (!version_text.empty()) choice.version = version.value();
    Result<evidence::PodManifest> pod = evidence::FlinkFromManifest(text.value(), path, choice);
    if (!pod.ok()) return pod.error();
    if (version_text.empty() && pod.value().version)
      source.target.version = flink::FormatVersion(*pod.value().version);
    source.target.configuration = pod.value().configuration;
    if (pod.value().memory_limit) source.limit = pod.value().memory_limit->bytes;
    for (const std::string& note : pod.value().notes) {
      source.notes.push_back(path);
      source.notes.back().append(": ").append(note);
    }
    source.manifest = std::move(pod.value());
    return source;
  }
  Result<flink::Configuration> configuration =
      flink::ParseConfigFile(text.value(), path, version.value());
  if (!configuration.ok()) return configuration.error();
  source.target.configuration = std::move(configuration.value());
  return source;
}

std::optional<evidence::ConfiguredRocksDb> ConfiguredBy(
    const std::optional<report::FlinkTarget>& target) {
  if (!target) return std::nullopt;
  const Result<flink::Version> version = flink::ParseVersion(target->version);
  if (!version.ok()) return std::nullopt;
  return evidence::ReadConfiguredRocksDb(target->configuration, version.value());
}

}  // namespace wrackline::cli
