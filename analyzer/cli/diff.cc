#include "analyzer/diff/diff.h"

#include <fmt/core.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <memory>
#include <system_error>

#include "analyzer/cli/command.h"
#include "analyzer/cli/moment_option.h"
#include "analyzer/cli/output.h"
#include "analyzer/cli/scrape_file.h"
#include "analyzer/cli/size_option.h"
#include "analyzer/cli/terminal.h"
#include "analyzer/cli/text_file.h"
#include "analyzer/evidence/folder.h"
#include "analyzer/evidence/from_recording.h"
#include "analyzer/evidence/heap_profile.h"
#include "analyzer/evidence/improve_names.h"
#include "analyzer/evidence/sites.h"
#include "analyzer/evidence/symbol_folders.h"
#include "analyzer/render/diff.h"
#include "lib/recorder/past.h"

namespace wrackline::cli {
namespace {

namespace fs = std::filesystem;
using evidence::Evidence;

struct DiffArguments {
  std::vector<std::string> paths, symbols;
  std::string at, to = "end", format = "text", output, least_growth = "1m";
  std::optional<std::string> task_manager;
  double least_percent = 10;
  std::size_t limit = 10;
  bool per_hour = false;
  TextChoice text;
};

// The first bytes, enough to tell a heap profile from anything else.
std::string Head(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string head(std::size_t{64} * 1024, '\0');
  file.read(head.data(), static_cast<std::streamsize>(head.size()));
  head.resize(static_cast<std::size_t>(std::max<std::streamsize>(0, file.gcount())));
  return head;
}

evidence::Time ModifiedAt(const std::string& path) {
  std::error_code error;
  const auto written = fs::last_write_time(path, error);
  if (error) return {};
  return std::chrono::time_point_cast<evidence::Duration>(std::chrono::file_clock::to_sys(written));
}

Result<Evidence> FromHeapProfile(const std::string& path, evidence::SymbolFolders* symbols,
                                 std::vector<std::string>* remarks) {
  const Result<std::string> text =
      ReadTextFile(path, std::size_t{256} << 20, "256 MiB", "heap profiles are smaller");
  if (!text.ok()) return text.error();
  Evidence evidence;
  evidence.source = path;
  const auto added =
      evidence::AddHeapProfile({path, text.value(), ModifiedAt(path)}, symbols, remarks, &evidence);
  if (!added.ok()) return Error{path + ": " + added.error().message, added.error().hint};
  return evidence;
}

// A folder's most telling recording, as `wrackline report` takes it.
Result<std::string> ChooseFile(const std::string& path, std::vector<std::string>* remarks) {
  std::error_code error;
  if (!fs::is_directory(path, error)) return path;
  const auto entries = evidence::ScanFolder(path);
  if (!entries.ok()) return entries.error();
  const evidence::FolderEntry& first = entries.value().front();
  if (!first.error.empty()) return Error{first.error, ""};
  if (entries.value().size() > 1)
    remarks->push_back(fmt::format("of {} recordings in {}, {} is taken", entries.value().size(),
                                   path, fs::path(first.path).filename().string()));
  return first.path;
}

Result<Evidence> ReadSide(const std::string& given, const DiffArguments& arguments,
                          evidence::SymbolFolders* symbols, std::vector<std::string>* remarks) {
  const Result<std::string> path = ChooseFile(given, remarks);
  if (!path.ok()) return path.error();
  if (IsScrapeFile(path.value())) {
    const auto inputs = ReadScrapeFiles({path.value()});
    if (!inputs.ok()) return inputs.error();
    return evidence::EvidenceFromScrapes(inputs.value(), arguments.task_manager, std::nullopt,
                                         std::nullopt);
  }
  if (evidence::LooksLikeHeapProfile(Head(path.value())))
    return FromHeapProfile(path.value(), symbols, remarks);
  return evidence::ReadEvidence(path.value(), std::nullopt, symbols, remarks);
}

Result<diff::Diff> DiffOfTwo(const DiffArguments& arguments, const diff::Options& options,
                             std::vector<std::string>* remarks) {
  Result<evidence::SymbolFolders> symbols = evidence::SymbolFolders::Open(arguments.symbols);
  if (!symbols.ok()) return symbols.error();
  evidence::SymbolFolders* const folders = arguments.symbols.empty() ? nullptr : &symbols.value();
  const Result<Evidence> before = ReadSide(arguments.paths[0], arguments, folders, remarks);
  if (!before.ok()) return before.error();
  const Result<Evidence> after = ReadSide(arguments.paths[1], arguments, folders, remarks);
  if (!after.ok()) return after.error();
  return diff::Compare(before.value(), after.value(), options);
}

struct MomentOfFile {
  Evidence evidence;
  bool live_known = false;
};

Result<MomentOfFile> EvidenceOf(const recorder::Recording& recording, const std::string& path,
                                evidence::Time time, evidence::SymbolFolders* symbols) {
  auto then = evidence::EvidenceAt(recording, time);
  if (!then)
    return Error{"the recording begins after that moment",
                 "give a later one; `wrackline inspect` shows when it begins"};
  // Of the tick itself, not of `time`: what is allocated between the two is in no other figure.
  const auto tick = then->last_record.time_since_epoch().count();
  auto past = recorder::ReadPast(path, static_cast<std::uint64_t>(tick));
  if (!past.ok()) return past.error();
  const bool known = past.value().state_known;
  // The same names at both moments, or every frame would seem to have changed.
  if (known && symbols != nullptr) evidence::ImproveNames(symbols, &past.value().recording);
  if (known) then = evidence::EvidenceAt(recording, time, &past.value().recording);
  return MomentOfFile{std::move(*then), known};
}

Result<diff::Diff> DiffOfMoments(const DiffArguments& arguments, const diff::Options& options,
                                 std::vector<std::string>* remarks) {
  const Result<std::string> path = ChooseFile(arguments.paths[0], remarks);
  if (!path.ok()) return path.error();
  Result<evidence::SymbolFolders> opened = evidence::SymbolFolders::Open(arguments.symbols);
  if (!opened.ok()) return opened.error();
  evidence::SymbolFolders* const symbols = arguments.symbols.empty() ? nullptr : &opened.value();
  auto recording = recorder::ReadRecording(path.value());
  if (!recording.ok()) return recording.error();
  if (symbols != nullptr) evidence::ImproveNames(symbols, &recording.value());
  const Evidence whole = evidence::EvidenceFromRecording(recording.value(), std::nullopt);
  if (whole.timeline.empty())
    return Error{path.value() + " has no timeline",
                 "it was recorded without one, or ended too soon"};
  const evidence::Time first = whole.timeline.front().time, last = whole.timeline.back().time;
  const auto at = ParseMoment(arguments.at, first, last);
  if (!at.ok()) return at.error();
  const auto to = ParseMoment(arguments.to, first, last);
  if (!to.ok()) return to.error();
  if (at.value() >= to.value())
    return Error{"--at " + arguments.at + " is not before --to " + arguments.to,
                 "the first moment is the earlier one"};
  const auto before = EvidenceOf(recording.value(), path.value(), at.value(), symbols);
  if (!before.ok()) return before.error();
  const auto after = EvidenceOf(recording.value(), path.value(), to.value(), symbols);
  if (!after.ok()) return after.error();
  diff::Diff diff = diff::Compare(before.value().evidence, after.value().evidence, options);
  if (before.value().live_known) return diff;
  diff.notes.push_back("Live samples at " + arguments.at +
                       " are not known: it is before the file's last snapshot.");
  if (to.value() >= last && !whole.sites.empty()) {
    diff::Section section = diff::NewSitesSection(evidence::SitesFromRecording(
        recording.value(), whole.last_record - before.value().evidence.last_record));
    if (!section.rows.empty()) diff.sections.push_back(std::move(section));
  }
  return diff;
}

int RunDiff(const DiffArguments& arguments) {
  const bool moments = !arguments.at.empty();
  if (moments && arguments.paths.size() != 1)
    return Fail(
        "--at compares two moments of one recording: give one FILE (see wrackline diff --help)");
  if (!moments && arguments.paths.size() != 2)
    return Fail("give two files, A and B, or one with --at (see wrackline diff --help)");
  diff::Options options;
  options.least_growth = SizeOf(arguments.least_growth).value_or(kMiB);
  options.least_percent = arguments.least_percent;
  options.per_hour = arguments.per_hour;
  std::vector<std::string> remarks;
  const Result<diff::Diff> diff = moments ? DiffOfMoments(arguments, options, &remarks)
                                          : DiffOfTwo(arguments, options, &remarks);
  if (!diff.ok()) return Fail(diff.error().Text());
  if (options.per_hour && !(diff.value().before.uptime && diff.value().after.uptime))
    return Fail("--per-hour needs the uptime of both, which only recordings have");
  // A section without a row only says why there is none.
  if (std::all_of(diff.value().sections.begin(), diff.value().sections.end(),
                  [](const diff::Section& section) { return section.rows.empty(); }))
    return Fail("nothing to compare: A and B have no kind of figure in common");
  const std::string text =
      arguments.format == "json"
          ? render::RenderDiffJson(diff.value())
          : render::RenderDiffText(diff.value(), arguments.limit,
                                   TerminalOptions(arguments.text, !arguments.output.empty()));
  if (const Status failed = WriteOutput(text, arguments.output)) return Fail(failed->Text());
  for (const std::string& remark : remarks) Say(remark);
  return diff.value().grew ? kFinding : kOk;
}

}  // namespace

Action AddDiff(CLI::App* app) {
  auto arguments = std::make_shared<DiffArguments>();
  app->add_option("files", arguments->paths,
                  "A and B: recordings (.wrack, .wrackpack), folders of them, heap profiles of "
                  "jemalloc, gperftools or pprof, "
                  "scrapes; or one recording with --at")
      ->required();
  app->add_option(
         "--at", arguments->at,
         "Compare two moments of one recording: 2026-11-28T10:00:00Z, +90s after its start, "
         "--at=-10m before its end, start")
      ->type_name("TIME");
  app->add_option("--to", arguments->to, "The later moment (default: end)")->type_name("TIME");
  app->add_flag("--per-hour", arguments->per_hour,
                "Divide each side's figures by the hours that it had run");
  app->add_option("--min-growth", arguments->least_growth,
                  "Less is no growth, however sure (default 1m)")
      ->check(IsSize(0));
  app->add_option("--min-percent", arguments->least_percent,
                  "Less, of what was there before, is no growth (default 10)")
      ->check(CLI::Range(0.0, 1e9));
  app->add_option("--symbols", arguments->symbols,
                  "Folder with the binaries or their debug files; may be repeated")
      ->type_name("FOLDER")
      ->allow_extra_args(false);
  app->add_option("--taskmanager", arguments->task_manager,
                  "Of scrapes with several TaskManagers, the one with this tm_id")
      ->type_name("ID");
  app->add_option("--limit", arguments->limit, "Rows in a section (default 10; 0: all)");
  app->add_option("--format", arguments->format, "text or json")
      ->check(CLI::IsMember({"text", "json"}));
  AddTextOptions(app, &arguments->text);
  app->add_option("-o,--output", arguments->output,
                  "Write to this file instead of standard output");
  return [arguments] { return RunDiff(*arguments); };
}

}  // namespace wrackline::cli
