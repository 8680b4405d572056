#include "analyzer/cli/built_reports.h"

#include <utility>

#include "analyzer/cli/command.h"
#include "analyzer/cli/report_folder.h"
#include "analyzer/cli/scrape_file.h"
#include "analyzer/cli/size_option.h"
#include "analyzer/evidence/hsperfdata.h"

namespace wrackline::cli {
namespace {

// What was recorded and what the command line says win over a manifest.
void AddLimit(std::optional<Bytes> manifest_limit, evidence::Evidence* evidence) {
  if (!evidence->limit && manifest_limit)
    evidence->limit = evidence::Figure{*manifest_limit, evidence->last_record, "manifest"};
}

Result<BuiltReports> ReportOnScrapes(const std::vector<std::string>& paths,
                                     const ReportOptions& options,
                                     const std::optional<report::FlinkTarget>& flink,
                                     std::optional<Bytes> manifest_limit) {
  const Result<std::vector<evidence::ScrapeInput>> inputs = ReadScrapeFiles(paths);
  if (!inputs.ok()) return inputs.error();
  Result<evidence::Evidence> evidence = evidence::EvidenceFromScrapes(
      inputs.value(), options.task_manager, ConfiguredBy(flink), options.limit);
  if (!evidence.ok()) return evidence.error();
  AddLimit(manifest_limit, &evidence.value());
  BuiltReports built;
  built.of.push_back(report::BuildReport(std::move(evidence.value()), flink));
  built.recordings.emplace_back();
  return built;
}

// A VM's own counters, where the recording has none of its figures.
Status AddCounters(const ReportOptions& options, const std::string& path,
                   evidence::Evidence* evidence) {
  const bool asked = evidence->jvm && !evidence->jvm->figures.empty();
  const std::string file = !options.hsperfdata.empty() ? options.hsperfdata
                           : asked || path.empty()
                               ? ""
                               : evidence::HsperfdataBeside(path, evidence->process.pid);
  if (file.empty()) return std::nullopt;
  Result<evidence::Jvm> jvm = evidence::ReadHsperfdata(file);
  // One that was found by its name may be anything.
  if (!jvm.ok()) return options.hsperfdata.empty() ? Status() : Status(jvm.error());
  evidence::AddHsperfdata(std::move(jvm.value()), evidence);
  return std::nullopt;
}

}  // namespace

void AddInputOptions(CLI::App* app, ReportOptions* options, std::string* limit) {
  app->add_option("--limit", *limit, "Compare with this limit instead of the recorded one")
      ->check(IsSize(1));
  app->add_option(
      "--flink-config,--config", options->flink_config,
      "Flink's configuration, or a Kubernetes manifest that carries it: the proposal is "
      "for it, and for the manifest's limit");
  app->add_option("--flink-version", options->flink_version,
                  "Flink's version, such as 1.20.3 (default: the manifest's, else 1.20)")
      ->type_name("VERSION");
  app->add_option(
         "--symbols", options->symbols,
         "Folder with the binaries or their debug files: names and lines that the recording "
         "lacks; may be repeated")
      ->type_name("FOLDER")
      ->allow_extra_args(false);
}

Result<BuiltReports> BuildReports(const ReportOptions& options, evidence::SymbolFolders* symbols) {
  if (collect::IsArchive(options.path)) {
    Result<collect::UnpackedArchive> archive = collect::UnpackedArchive::Open(options.path);
    if (!archive.ok()) return archive.error();
    for (const std::string& remark : archive.value().remarks()) Say(remark);
    ReportOptions unpacked = options;
    unpacked.path = archive.value().folder();
    Result<BuiltReports> built = BuildReports(unpacked, symbols);
    if (built.ok()) built.value().archive.emplace(std::move(archive.value()));
    return built;
  }
  std::optional<report::FlinkTarget> flink;
  std::optional<Bytes> manifest_limit;
  if (!options.flink_config.empty()) {
    Result<FlinkSource> source = ReadFlinkTarget(options.flink_config, options.flink_version);
    if (!source.ok()) return source.error();
    flink = std::move(source.value().target);
    for (const std::string& note : source.value().notes) Say(note);
    manifest_limit = source.value().limit;
  }
  if (!options.scrapes.empty()) {
    if (!options.path.empty())
      return Error{"give a recording or scrapes, not both", "see wrackline report --help"};
    return ReportOnScrapes(options.scrapes, options, flink, manifest_limit);
  }
  if (options.path.empty())
    return Error{"no recording and no scrape given", "see wrackline report --help"};
  if (IsScrapeFile(options.path))
    return ReportOnScrapes({options.path}, options, flink, manifest_limit);
  Result<FolderEvidence> folder = ReadEvidenceFolder(options, flink, symbols);
  if (!folder.ok()) return folder.error();
  FolderEvidence& found = folder.value();
  if (options.task_manager && !found.of.front().metrics && !found.of.front().scraped)
    return Error{"--taskmanager is for scrapes: " + options.path + " is none", ""};
  if (!flink) {
    flink = found.flink;
    manifest_limit = found.manifest_limit;
  }
  BuiltReports built;
  built.path = options.path;
  for (std::size_t i = 0; i < found.of.size(); ++i) {
    AddLimit(manifest_limit, &found.of[i]);
    if (Status failed = AddCounters(options, found.paths[i], &found.of[i])) return *failed;
    built.of.push_back(report::BuildReport(std::move(found.of[i]), flink));
  }
  built.recordings = std::move(found.paths);
  built.remarks = std::move(found.remarks);
  return built;
}

}  // namespace wrackline::cli
