#include <fmt/core.h>
#include <unistd.h>

#include <chrono>
#include <cmath>
#include <memory>
#include <vector>

#include "analyzer/cli/built_reports.h"
#include "analyzer/cli/command.h"
#include "analyzer/cli/output.h"
#include "analyzer/cli/past_profile.h"
#include "analyzer/cli/report_command.h"
#include "analyzer/cli/size_option.h"
#include "analyzer/cli/terminal.h"
#include "analyzer/cli/waiting.h"
#include "analyzer/evidence/symbol_folders.h"
#include "analyzer/render/event.h"
#include "analyzer/render/html.h"
#include "analyzer/render/json.h"
#include "analyzer/render/text.h"
#include "analyzer/report/report.h"

namespace wrackline::cli {
namespace {

std::string Render(const report::Report& report, const ReportOptions& options,
                   const std::vector<render::PastProfile>& past = {}) {
  if (options.format == "html") return render::RenderHtml(report, past);
  if (options.format == "json") return render::RenderJson(report);
  if (options.format == "event") {
    const std::chrono::duration<double> now = std::chrono::system_clock::now().time_since_epoch();
    return render::RenderEvent(report, std::round(now.count() * 1e3) / 1e3);
  }
  return render::RenderText(report, TerminalOptions(options.text, !options.output.empty()));
}

}  // namespace

int Report(const ReportOptions& options) {
  if (options.format == "html" && options.output.empty() && isatty(STDOUT_FILENO) != 0)
    return Fail("a page is for a browser, not for a terminal: give -o report.html");
  Result<evidence::SymbolFolders> symbols = evidence::SymbolFolders::Open(options.symbols);
  if (!symbols.ok()) return Fail(symbols.error().Text());
  evidence::SymbolFolders* const folders = options.symbols.empty() ? nullptr : &symbols.value();
  const Waiting waiting("reporting on " + options.path);
  const Result<BuiltReports> built = BuildReports(options, folders);
  if (!built.ok()) return Fail(built.error().Text());
  const std::vector<report::Report>& reports = built.value().of;
  if (options.format == "html" && reports.size() > 1)
    return Fail("a page is of one recording: give one file of " + options.path +
                ", or leave --all out");
  const bool text = options.format == "text";
  std::string output;
  for (std::size_t i = 0; i < reports.size(); ++i) {
    std::vector<render::PastProfile> past;
    if (options.format == "html")
      past = PastProfiles(built.value().recordings[i], reports[i].evidence, folders);
    if (!output.empty()) output += text ? "\n" : "";
    output += Render(reports[i], options, past);
  }
  if (const Status failed = WriteOutput(output, options.output)) return Fail(failed->Text());
  for (const std::string& remark : built.value().remarks) Say(remark);
  return kOk;
}

Action AddReport(CLI::App* app) {
  struct Arguments {
    ReportOptions options;
    std::string limit;
  };
  auto arguments = std::make_shared<Arguments>();
  ReportOptions& options = arguments->options;
  app->add_option(
      "path", options.path,
      "Folder of whatever there is: recordings (.wrack, .wrackpack), logs, files of /proc and "
      "the cgroup, metrics, manifests, heap profiles; or one such file (- reads a "
      "Prometheus scrape from standard input)");
  app->add_option("--scrape", options.scrapes,
                  "Scrape of a Flink TaskManager's metrics, where nothing was recorded; may be "
                  "repeated in order of time: the last one is the state, the peaks are of all")
      ->allow_extra_args(false);
  app->add_option("--taskmanager", options.task_manager,
                  "Of scrapes with several TaskManagers, the one with this tm_id")
      ->type_name("ID");
  app->add_option("--format", options.format,
                  "text, json, html: a page for a browser in one file, or event: the verdict as "
                  "one line of JSON")
      ->check(CLI::IsMember({"text", "json", "html", "event"}));
  AddInputOptions(app, &options, &arguments->limit);
  app->add_option("--hsperfdata", options.hsperfdata,
                  "The counters that a killed Java VM left (/tmp/hsperfdata_USER/PID), where it "
                  "was not asked from inside; hsperfdata_*/PID beside the recording is found");
  app->add_flag("--all", options.all, "A report on every recording of the folder");
  AddTextOptions(app, &options.text);
  app->add_option("-o,--output", options.output, "Write to this file instead of standard output");
  return [arguments] {
    arguments->options.limit = SizeOf(arguments->limit);
    return Report(arguments->options);
  };
}

}  // namespace wrackline::cli
