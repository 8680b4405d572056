// `wrackline export`: docs/export.md.
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "analyzer/cli/built_reports.h"
#include "analyzer/cli/command.h"
#include "analyzer/cli/moment_option.h"
#include "analyzer/cli/output.h"
#include "analyzer/cli/report_command.h"
#include "analyzer/cli/size_option.h"
#include "analyzer/cli/text_file.h"
#include "analyzer/cli/waiting.h"
#include "analyzer/evidence/convert.h"
#include "analyzer/evidence/from_recording.h"
#include "analyzer/evidence/heap_profile.h"
#include "analyzer/evidence/improve_names.h"
#include "analyzer/evidence/symbol_folders.h"
#include "analyzer/export/formats.h"
#include "analyzer/render/json.h"
#include "lib/recorder/past.h"

namespace wrackline::cli {
namespace {

struct ExportArguments {
  ReportOptions options;
  std::string limit, value = "inuse", at;
};

bool IsOfReport(std::string_view format) {
  return format == "json" || format == "markdown" || format == "csv";
}

Result<std::string> ExportProfile(const exports::Profile& profile,
                                  const ExportArguments& arguments) {
  if (profile.stacks.empty())
    return Error{arguments.options.path + " has no sampled stack",
                 "it was recorded without the allocation sampler; --format json has the rest"};
  const std::string& format = arguments.options.format;
  if (format == "pprof") return exports::Pprof(profile);
  if (format == "speedscope") return exports::Speedscope(profile);
  if (format == "jemalloc") return exports::Jemalloc(profile, false);
  if (format == "jeprof") return exports::Jemalloc(profile, true);
  const bool allocated = arguments.value == "alloc";
  if (!(allocated ? profile.allocated_known : profile.live_known))
    return Error{
        arguments.options.path + " does not say what was " +
            (allocated ? "allocated since the start" : "live"),
        allocated ? "--value inuse has what was live" : "--value alloc has what was allocated"};
  return exports::Collapsed(profile,
                            allocated ? exports::Value::kAllocated : exports::Value::kLive);
}

bool IsHeapProfileFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string head(std::size_t{64} * 1024, '\0');
  file.read(head.data(), static_cast<std::streamsize>(head.size()));
  head.resize(static_cast<std::size_t>(std::max<std::streamsize>(0, file.gcount())));
  return evidence::LooksLikeHeapProfile(head);
}

Result<exports::Profile> ReadHeapProfile(const std::string& path, evidence::SymbolFolders* symbols,
                                         std::vector<std::string>* remarks) {
  const Result<std::string> text =
      ReadTextFile(path, std::size_t{256} << 20, "256 MiB", "heap profiles are smaller");
  if (!text.ok()) return text.error();
  const Result<evidence::HeapProfile> profile = evidence::ParseHeapProfile(text.value());
  if (!profile.ok()) return Error{path + ": " + profile.error().message, profile.error().hint};
  return exports::ProfileOfHeapProfile(profile.value(), symbols, remarks);
}

Result<recorder::Recording> ReadAt(const std::string& path, const std::string& at) {
  Result<recorder::Recording> recording = recorder::ReadRecording(path);
  if (!recording.ok() || at.empty()) return recording;
  const evidence::Evidence whole = evidence::EvidenceFromRecording(recording.value(), std::nullopt);
  const evidence::Time last = evidence::ToTime(recording.value().last_time_ns);
  const evidence::Time first = whole.process.recording_start.value_or(
      whole.timeline.empty() ? last : whole.timeline.front().time);
  const Result<evidence::Time> moment = ParseMoment(at, first, last);
  if (!moment.ok()) return moment.error();
  const auto count = moment.value().time_since_epoch().count();
  Result<recorder::Past> past =
      recorder::ReadPast(path, static_cast<std::uint64_t>(std::max<std::int64_t>(0, count)));
  if (!past.ok()) return past.error();
  if (!past.value().state_known)
    return Error{"the samples of " + path + " do not go back to that moment",
                 "its file was begun anew since; give a later one"};
  return std::move(past.value().recording);
}

Result<exports::Profile> ReadRecordingAt(const std::string& path, const std::string& at,
                                         evidence::SymbolFolders* symbols) {
  Result<recorder::Recording> recording = ReadAt(path, at);
  if (!recording.ok()) return recording.error();
  if (symbols != nullptr) evidence::ImproveNames(symbols, &recording.value());
  return exports::ProfileOfRecording(recording.value());
}

// The samples of the path: of a recording, or of the one of a folder or an archive that a report would be on; or of another tool's
// heap profile.
Result<exports::Profile> ReadProfile(const ExportArguments& arguments,
                                     evidence::SymbolFolders* symbols,
                                     std::vector<std::string>* remarks) {
  const std::string& given = arguments.options.path;
  // One file needs no report to be found, which takes as long as all the rest.
  if (given.ends_with(".wrack") || given.ends_with(".wrackpack"))
    return ReadRecordingAt(given, arguments.at, symbols);
  const Result<BuiltReports> built = BuildReports(arguments.options, symbols);
  if (!built.ok()) return built.error();
  *remarks = built.value().remarks;
  const std::string& recording = built.value().recordings.front();
  if (!recording.empty()) return ReadRecordingAt(recording, arguments.at, symbols);
  if (!arguments.at.empty())
    return Error{"--at needs a recording, and " + given + " has none", "leave it out"};
  if (IsHeapProfileFile(built.value().path))
    return ReadHeapProfile(built.value().path, symbols, remarks);
  if (const auto& facts = built.value().of.front().evidence.heap_profile)
    return Error{"the samples are in " + facts->file, "give that file itself to wrackline export"};
  return Error{given + " has no recording and no heap profile",
               "--format json, markdown and csv have what is known"};
}

Result<std::string> ExportReport(const ExportArguments& arguments, evidence::SymbolFolders* symbols,
                                 std::vector<std::string>* remarks) {
  const Result<BuiltReports> built = BuildReports(arguments.options, symbols);
  if (!built.ok()) return built.error();
  *remarks = built.value().remarks;
  const report::Report& report = built.value().of.front();
  const std::string& format = arguments.options.format;
  if (format == "json") return render::RenderJson(report);
  if (format == "markdown") return exports::ReportMarkdown(report);
  return exports::LedgerCsv(report);
}

int Export(const ExportArguments& arguments) {
  const ReportOptions& options = arguments.options;
  if (options.format == "pprof" && options.output.empty() && isatty(STDOUT_FILENO) != 0)
    return Fail("a pprof profile is binary: give -o profile.pb.gz, or pipe it to a file");
  if (!arguments.at.empty() && IsOfReport(options.format))
    return Fail(
        "--at is for the formats of samples: pprof, collapsed, speedscope, jemalloc, jeprof");
  Result<evidence::SymbolFolders> symbols = evidence::SymbolFolders::Open(options.symbols);
  if (!symbols.ok()) return Fail(symbols.error().Text());
  evidence::SymbolFolders* const folders = options.symbols.empty() ? nullptr : &symbols.value();
  std::vector<std::string> remarks;
  const Waiting waiting("exporting " + options.path);
  const auto write = [&]() -> Result<std::string> {
    if (IsOfReport(options.format)) return ExportReport(arguments, folders, &remarks);
    const Result<exports::Profile> profile = ReadProfile(arguments, folders, &remarks);
    if (!profile.ok()) return profile.error();
    return ExportProfile(profile.value(), arguments);
  };
  const Result<std::string> text = write();
  if (!text.ok()) return Fail(text.error().Text());
  if (const Status failed = WriteOutput(text.value(), options.output)) return Fail(failed->Text());
  for (const std::string& remark : remarks) Say(remark);
  return kOk;
}

}  // namespace

Action AddExport(CLI::App* app) {
  auto arguments = std::make_shared<ExportArguments>();
  ReportOptions& options = arguments->options;
  options.format.clear();
  app->add_option("path", options.path,
                  "Recording (.wrack, .wrackpack), folder or archive of evidence, or a heap "
                  "profile of another tool's")
      ->required();
  app->add_option("--format", options.format,
                  "json, markdown, csv (the ledger), pprof, collapsed, speedscope, jemalloc, or "
                  "jeprof: jemalloc's text with all names in it")
      ->required()
      ->check(CLI::IsMember(
          {"json", "markdown", "csv", "pprof", "collapsed", "speedscope", "jemalloc", "jeprof"}));
  app->add_option("-o,--output", options.output, "Write to this file instead of standard output");
  app->add_option("--value", arguments->value,
                  "Of collapsed stacks: inuse, the live bytes, or alloc, all since the start")
      ->check(CLI::IsMember({"inuse", "alloc"}));
  app->add_option("--at", arguments->at,
                  "Samples as they were then: 2026-11-28T10:00:00Z, +90s after the first record, "
                  "-10m before the last")
      ->type_name("TIME");
  AddInputOptions(app, &options, &arguments->limit);
  return [arguments] {
    arguments->options.limit = SizeOf(arguments->limit);
    return Export(*arguments);
  };
}

}  // namespace wrackline::cli
