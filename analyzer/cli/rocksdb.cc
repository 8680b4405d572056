#include <fmt/core.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <vector>

#include "analyzer/cli/command.h"
#include "analyzer/cli/output.h"
#include "analyzer/cli/scrape_file.h"
#include "analyzer/cli/terminal.h"
#include "analyzer/evidence/from_recording.h"
#include "analyzer/render/rocksdb_table.h"

namespace wrackline::cli {
namespace {

struct Options {
  std::vector<std::string> paths;
  std::optional<std::string> task_manager;
  std::string flink_config, flink_version, format = "text", output;
  TextChoice text;
};

// What is shown, and the evidence that it points into.
struct Shown {
  std::vector<evidence::Evidence> evidence;
  std::vector<render::RocksDbView> views;
};

constexpr const char* kSwitchOn =
    "Flink shows RocksDB's figures when state.backend.rocksdb.metrics.block-cache-usage, "
    "block-cache-capacity, size-all-mem-tables and estimate-table-readers-mem are true";

Result<Shown> FromScrapes(const Options& options) {
  std::optional<report::FlinkTarget> flink;
  if (!options.flink_config.empty()) {
    Result<FlinkSource> source = ReadFlinkTarget(options.flink_config, options.flink_version);
    if (!source.ok()) return source.error();
    flink = std::move(source.value().target);
  }
  const Result<std::vector<evidence::ScrapeInput>> inputs = ReadScrapeFiles(options.paths);
  if (!inputs.ok()) return inputs.error();
  std::vector<std::optional<std::string>> wanted;
  if (options.task_manager) {
    wanted.push_back(options.task_manager);
  } else {
    for (const std::string& id : evidence::TaskManagersIn(inputs.value())) wanted.emplace_back(id);
    if (wanted.empty()) wanted.emplace_back(std::nullopt);  // for its error
  }
  Shown shown;
  for (const std::optional<std::string>& id : wanted) {
    Result<evidence::Evidence> evidence =
        evidence::EvidenceFromScrapes(inputs.value(), id, ConfiguredBy(flink), std::nullopt);
    if (!evidence.ok()) return evidence.error();
    // A TaskManager without state has nothing to show beside others.
    if (evidence.value().rocksdb) shown.evidence.push_back(std::move(evidence.value()));
  }
  if (shown.evidence.empty())
    return Error{"no RocksDB metric in " + options.paths.back(), kSwitchOn};
  for (const evidence::Evidence& evidence : shown.evidence) {
    render::RocksDbView view;
    view.subject = "TaskManager " + evidence.metrics->task_manager;
    view.source = evidence.source;
    view.metrics = true;
    view.scrapes = evidence.metrics->scrapes;
    view.rocksdb = &*evidence.rocksdb;
    view.notes = evidence.metrics->notes;
    shown.views.push_back(std::move(view));
  }
  return shown;
}

Result<Shown> FromRecording(const std::string& path) {
  Result<evidence::Evidence> read = evidence::ReadEvidence(path, std::nullopt);
  if (!read.ok()) return read.error();
  Shown shown;
  shown.evidence.push_back(std::move(read.value()));
  const evidence::Evidence& evidence = shown.evidence.front();
  render::RocksDbView view;
  const evidence::ProcessFacts& process = evidence.process;
  view.subject = fmt::format("{} (pid {}{})",
                             process.executable.empty()
                                 ? std::string("a process")
                                 : std::filesystem::path(process.executable).filename().string(),
                             process.pid, process.host.empty() ? "" : " on " + process.host);
  view.source = path;
  // A process that ended cleanly has closed its databases: its peak still shows them.
  for (const auto* peak : {&evidence.charge_peak, &evidence.resident_peak}) {
    if (view.rocksdb != nullptr || evidence.rocksdb || !*peak || !(*peak)->rocksdb) continue;
    view.rocksdb = &*(*peak)->rocksdb;
    view.notes.push_back(
        "All databases were closed at the end: these are the figures of the peak.");
  }
  if (evidence.rocksdb) view.rocksdb = &*evidence.rocksdb;
  if (evidence.rocksdb_objects) view.objects = &*evidence.rocksdb_objects;
  if (view.rocksdb == nullptr && view.objects == nullptr)
    return Error{path + " has no figure of RocksDB",
                 "the probe has to watch the databases: docs/rocksdb-probe.md"};
  if (!evidence.damage.empty()) view.notes.push_back("The file is damaged: " + evidence.damage);
  for (const evidence::Loss& loss : evidence.losses) {
    if (loss.name == "submitted_refused" || loss.name == "rocksdb_missed")
      view.notes.push_back(fmt::format("{} {}", loss.count, loss.meaning));
  }
  shown.views.push_back(std::move(view));
  return shown;
}

int RocksDb(const Options& options) {
  const auto scrapes = std::count_if(options.paths.begin(), options.paths.end(), HasScrapeForm);
  const bool all_scrapes = scrapes == static_cast<std::ptrdiff_t>(options.paths.size());
  if (!all_scrapes && options.paths.size() > 1)
    return Fail("give one recording, or one or more scrapes (see wrackline rocksdb --help)");
  const Result<Shown> shown =
      all_scrapes ? FromScrapes(options) : FromRecording(options.paths.front());
  if (!shown.ok()) return Fail(shown.error().Text());
  const std::string text =
      options.format == "json"
          ? render::RenderRocksDbJson(shown.value().views)
          : render::RenderRocksDbText(shown.value().views,
                                      TerminalOptions(options.text, !options.output.empty()));
  if (const Status failed = WriteOutput(text, options.output)) return Fail(failed->Text());
  return kOk;
}

}  // namespace

Action AddRocksDb(CLI::App* app) {
  auto options = std::make_shared<Options>();
  app->add_option("files", options->paths,
                  "One recording (.wrack, .wrackpack), or Prometheus scrapes of Flink TaskManagers "
                  "in order of time (- reads one from standard input)")
      ->required();
  app->add_option("--flink-config,--config", options->flink_config,
                  "Flink's configuration, or a Kubernetes manifest with it: says whether families "
                  "share a cache where the metrics "
                  "alone do not");
  app->add_option("--flink-version", options->flink_version,
                  "Flink's version, such as 1.20.3 (default: the manifest's, else 1.20)")
      ->type_name("VERSION");
  app->add_option("--taskmanager", options->task_manager,
                  "Of scrapes with several TaskManagers, only the one with this tm_id")
      ->type_name("ID");
  app->add_option("--format", options->format, "text or json")
      ->check(CLI::IsMember({"text", "json"}));
  AddTextOptions(app, &options->text);
  app->add_option("-o,--output", options->output, "Write to this file instead of standard output");
  return [options] { return RocksDb(*options); };
}

}  // namespace wrackline::cli
