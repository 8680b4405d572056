#include <fmt/core.h>

#include <filesystem>
#include <memory>
#include <system_error>
#include <vector>

#include "analyzer/cli/command.h"
#include "analyzer/cli/output.h"
#include "analyzer/cli/report_command.h"
#include "analyzer/cli/scrape_file.h"
#include "analyzer/cli/size_option.h"
#include "analyzer/cli/terminal.h"
#include "analyzer/evidence/folder.h"
#include "analyzer/evidence/from_recording.h"
#include "analyzer/evidence/hsperfdata.h"
#include "analyzer/evidence/symbol_folders.h"
#include "analyzer/render/json.h"
#include "analyzer/render/text.h"
#include "analyzer/report/report.h"

namespace wrackline::cli {
namespace {

namespace fs = std::filesystem;

std::string BaseName(const std::string& path) { return fs::path(path).filename().string(); }

struct Chosen {
  std::vector<std::string> paths;
  std::vector<std::string> remarks;
};

// The recordings to report on; a folder's most telling one, or all.
Result<Chosen> Choose(const ReportOptions& options) {
  std::error_code error;
  if (!fs::is_directory(options.path, error)) return Chosen{{options.path}, {}};
  Result<std::vector<evidence::FolderEntry>> entries = evidence::ScanFolder(options.path);
  if (!entries.ok()) return entries.error();
  Chosen chosen;
  std::string others;
  std::size_t left_out = 0;
  for (const evidence::FolderEntry& entry : entries.value()) {
    if (!entry.error.empty()) {
      chosen.remarks.push_back("left out: " + entry.error);
    } else if (options.all || chosen.paths.empty()) {
      chosen.paths.push_back(entry.path);
    } else {
      ++left_out;
      constexpr std::size_t kNamed = 5;
      if (left_out <= kNamed) others += (others.empty() ? "" : ", ") + BaseName(entry.path);
    }
  }
  // Every file is unreadable: the first one's reason is the answer.
  if (chosen.paths.empty()) return Error{entries.value().front().error, ""};
  if (left_out > 0)
    chosen.remarks.push_back(fmt::format("{} more in this folder: {}{} (--all reports each)",
                                         left_out, others, left_out > 5 ? ", ..." : ""));
  return chosen;
}

std::string Render(const report::Report& report, const ReportOptions& options) {
  if (options.format == "json") return render::RenderJson(report);
  return render::RenderText(report, TerminalOptions(options.colour, !options.output.empty()));
}

// What was recorded and what the command line says win over a manifest.
void AddLimit(std::optional<Bytes> manifest_limit, evidence::Evidence* evidence) {
  if (!evidence->limit && manifest_limit)
    evidence->limit = evidence::Figure{*manifest_limit, evidence->last_record, "manifest"};
}

int ReportOnScrapes(const std::vector<std::string>& paths, const ReportOptions& options,
                    const std::optional<report::FlinkTarget>& flink,
                    std::optional<Bytes> manifest_limit) {
  const Result<std::vector<evidence::ScrapeInput>> inputs = ReadScrapeFiles(paths);
  if (!inputs.ok()) return Fail(inputs.error().Text());
  Result<evidence::Evidence> evidence = evidence::EvidenceFromScrapes(
      inputs.value(), options.task_manager, ConfiguredBy(flink), options.limit);
  if (!evidence.ok()) return Fail(evidence.error().Text());
  AddLimit(manifest_limit, &evidence.value());
  const report::Report report = report::BuildReport(std::move(evidence.value()), flink);
  if (const Status failed = WriteOutput(Render(report, options), options.output))
    return Fail(failed->Text());
  return kOk;
}

// A VM's own counters, where the recording has none of its figures.
Status AddCounters(const ReportOptions& options, const std::string& path,
                   evidence::Evidence* evidence) {
  const bool asked = evidence->jvm && !evidence->jvm->figures.empty();
  const std::string file = !options.hsperfdata.empty() ? options.hsperfdata
                           : asked                     ? ""
                                   : evidence::HsperfdataBeside(path, evidence->process.pid);
  if (file.empty()) return std::nullopt;
  Result<evidence::Jvm> jvm = evidence::ReadHsperfdata(file);
  // One that was found by its name may be anything.
  if (!jvm.ok()) return options.hsperfdata.empty() ? Status() : Status(jvm.error());
  evidence::AddHsperfdata(std::move(jvm.value()), evidence);
  return std::nullopt;
}

}  // namespace

int Report(const ReportOptions& options) {
  std::optional<report::FlinkTarget> flink;
  std::optional<Bytes> manifest_limit;
  if (!options.flink_config.empty()) {
    Result<FlinkSource> source = ReadFlinkTarget(options.flink_config, options.flink_version);
    if (!source.ok()) return Fail(source.error().Text());
    flink = std::move(source.value().target);
    for (const std::string& note : source.value().notes) Say(note);
    manifest_limit = source.value().limit;
  }
  if (!options.scrapes.empty()) {
    if (!options.path.empty())
      return Fail("give a recording or scrapes, not both (see wrackline report --help)");
    return ReportOnScrapes(options.scrapes, options, flink, manifest_limit);
  }
  if (options.path.empty())
    return Fail("no recording and no scrape given (see wrackline report --help)");
  if (IsScrapeFile(options.path))
    return ReportOnScrapes({options.path}, options, flink, manifest_limit);
  if (options.task_manager)
    return Fail("--taskmanager is for scrapes: " + options.path + " is none");
  Result<evidence::SymbolFolders> symbols = evidence::SymbolFolders::Open(options.symbols);
  if (!symbols.ok()) return Fail(symbols.error().Text());
  Result<Chosen> chosen = Choose(options);
  if (!chosen.ok()) return Fail(chosen.error().Text());

  const bool json = options.format == "json";
  std::string output;
  for (const std::string& path : chosen.value().paths) {
    Result<evidence::Evidence> evidence = evidence::ReadEvidence(
        path, options.limit, options.symbols.empty() ? nullptr : &symbols.value(),
        &chosen.value().remarks);
    if (!evidence.ok()) return Fail(evidence.error().Text());
    AddLimit(manifest_limit, &evidence.value());
    if (const Status failed = AddCounters(options, path, &evidence.value()))
      return Fail(failed->Text());
    const report::Report report = report::BuildReport(std::move(evidence.value()), flink);
    if (!output.empty()) output += json ? "" : "\n";
    output += Render(report, options);
  }
  if (const Status failed = WriteOutput(output, options.output)) return Fail(failed->Text());
  for (const std::string& remark : chosen.value().remarks) Say(remark);
  return kOk;
}

Action AddReport(CLI::App* app) {
  struct Arguments {
    ReportOptions options;
    std::string limit;
    bool no_color = false;
  };
  auto arguments = std::make_shared<Arguments>();
  ReportOptions& options = arguments->options;
  app->add_option("path", options.path,
                  "Recorder file (.wrack), packed dump (.wrackpack), a folder of them, or a "
                  "Prometheus scrape of a Flink TaskManager (- reads one from standard input)");
  app->add_option("--scrape", options.scrapes,
                  "Scrape of a Flink TaskManager's metrics, where nothing was recorded; may be "
                  "repeated in order of time: the last one is the state, the peaks are of all")
      ->allow_extra_args(false);
  app->add_option("--taskmanager", options.task_manager,
                  "Of scrapes with several TaskManagers, the one with this tm_id");
  app->add_option("--format", options.format, "text or json")
      ->check(CLI::IsMember({"text", "json"}));
  app->add_option("--limit", arguments->limit,
                  "Compare with this limit instead of the recorded one")
      ->check(IsSize(1));
  app->add_option(
      "--flink-config,--config", options.flink_config,
      "Flink's configuration, or a Kubernetes manifest that carries it: the proposal is "
      "for it, and for the manifest's limit");
  app->add_option("--flink-version", options.flink_version,
                  "Flink's version, such as 1.20.3 (default: the manifest's, else 1.20)");
  app->add_option(
         "--symbols", options.symbols,
         "Folder with the binaries or their debug files: names and lines that the recording "
         "lacks; may be repeated")
      ->allow_extra_args(false);
  app->add_option("--hsperfdata", options.hsperfdata,
                  "The counters that a killed Java VM left (/tmp/hsperfdata_USER/PID), where it "
                  "was not asked from inside; hsperfdata_*/PID beside the recording is found");
  app->add_flag("--all", options.all, "A report on every recording of the folder");
  app->add_flag("--no-color", arguments->no_color,
                "No colours (NO_COLOR in the environment does the same)");
  app->add_option("-o,--output", options.output, "Write to this file instead of standard output");
  return [arguments] {
    arguments->options.limit = SizeOf(arguments->limit);
    arguments->options.colour = !arguments->no_color;
    return Report(arguments->options);
  };
}

}  // namespace wrackline::cli
