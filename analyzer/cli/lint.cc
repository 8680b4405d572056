#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <memory>
#include <optional>
#include <set>
#include <vector>

#include "analyzer/cli/command.h"
#include "analyzer/cli/output.h"
#include "analyzer/cli/suggest.h"
#include "analyzer/cli/terminal.h"
#include "analyzer/cli/text_file.h"
#include "analyzer/evidence/pod_manifest.h"
#include "analyzer/flink/lint/lint.h"
#include "analyzer/render/lint.h"

namespace wrackline::cli {
namespace {

namespace fs = std::filesystem;
namespace lint = flink::lint;

// Findings at or above --fail-on.
constexpr int kFindings = 1;
constexpr std::size_t kLargest = 4 << 20;  // a ConfigMap holds 1 MiB; a manifest has many objects
constexpr flink::Version kAssumedVersion{1, 20, 0};

struct Options {
  std::string path, pod, version, mode, format = "text", fail_on = "warning", output;
  std::vector<std::string> ignore;
  std::string explain;
  bool list_rules = false, rules_document = false;
  TextChoice text;
};

Result<std::string> ReadText(const std::string& path) {
  return ReadTextFile(path, kLargest, "4 MiB", "is it a Flink configuration?");
}

bool IsFile(const fs::path& path) {
  std::error_code error;
  return fs::is_regular_file(path, error);
}

// A conf folder: the file that this version reads in it.
Result<std::string> FileIn(const std::string& folder, flink::Version version) {
  const fs::path path(folder);
  const std::string_view name =
      flink::ConfigFileOf(version, IsFile(path / "flink-conf.yaml"), IsFile(path / "config.yaml"));
  if (name.empty())
    return Error{
        "no configuration that Flink " + flink::FormatVersion(version) + " reads in " + folder,
        version >= flink::kNoLegacyKeys ? "it reads config.yaml" : "give the file itself"};
  return (path / name).string();
}

// The other configuration file beside this one, if it is there.
std::string OtherFile(const fs::path& path) {
  const fs::path name = path.filename();
  if (name == "flink-conf.yaml" && IsFile(path.parent_path() / "config.yaml")) return "config.yaml";
  if (name == "config.yaml" && IsFile(path.parent_path() / "flink-conf.yaml"))
    return "flink-conf.yaml";
  return "";
}

std::string UnknownRule(const std::string& id) {
  std::vector<std::string_view> known;
  for (const lint::Rule* rule : lint::Rules()) known.emplace_back(rule->id);
  const std::string_view nearest = Nearest(id, known);
  return "no rule '" + id + "' (" +
         (nearest.empty() ? std::string("wrackline lint --list-rules lists them")
                          : "did you mean '" + std::string(nearest) + "'?") +
         ")";
}

int Write(const std::string& text, const Options& options, int status) {
  if (const Status failed = WriteOutput(text, options.output)) return Fail(failed->Text());
  return status;
}

bool Fails(const lint::LintReport& report, const std::string& fail_on) {
  if (fail_on == "never") return false;
  return std::any_of(report.findings.begin(), report.findings.end(), [&](const lint::Finding& f) {
    return f.severity == lint::Severity::kError ||
           (f.severity == lint::Severity::kWarning && fail_on != "error") || fail_on == "info";
  });
}

// A manifest's text; its findings and errors name `file`.
Result<evidence::PodManifest> ReadPod(const std::string& text, const std::string& file,
                                      const std::optional<flink::Version>& version) {
  return evidence::FlinkFromManifest(
      text, file, {.role = std::nullopt, .version = version, .refused_is_error = false});
}

int LintFile(const Options& options) {
  std::optional<flink::Version> asked;
  if (!options.version.empty()) {
    const Result<flink::Version> version = flink::ParseVersion(options.version);
    if (!version.ok()) return Fail(version.error().Text());
    asked = version.value();
  }
  if (options.path.empty() && options.pod.empty())
    return Fail("give a configuration (see wrackline lint --help)");
  lint::LintInput input;
  input.file = options.path.empty() ? options.pod : options.path;
  std::error_code error;
  if (fs::is_directory(input.file, error)) {
    const Result<std::string> found = FileIn(input.file, asked.value_or(kAssumedVersion));
    if (!found.ok()) return Fail(found.error().Text());
    input.file = found.value();
  }
  Result<std::string> text = ReadText(input.file);
  if (!text.ok()) return Fail(text.error().Text());
  input.text = std::move(text.value());
  input.manifest = options.path.empty() || evidence::LooksLikeManifest(input.text);
  std::optional<evidence::PodManifest> pod;
  if (input.manifest || !options.pod.empty()) {
    if (input.manifest && !options.path.empty() && !options.pod.empty())
      return Fail(input.file + " is a manifest itself: give it alone, or a configuration");
    const Result<std::string> manifest =
        input.manifest ? Result<std::string>(input.text) : ReadText(options.pod);
    if (!manifest.ok()) return Fail(manifest.error().Text());
    Result<evidence::PodManifest> read =
        ReadPod(manifest.value(), input.manifest ? input.file : options.pod, asked);
    if (!read.ok()) return Fail(read.error().Text());
    pod = std::move(read.value());
    for (const std::string& note : pod->notes) Say(pod->file + ": " + note);
    input.pod = &*pod;
    input.additions = pod->Additions();
  }
  input.version = asked ? *asked : pod && pod->version ? *pod->version : kAssumedVersion;
  input.mode = options.mode == "containerized" ? flink::Mode::kContainerized
               : options.mode.empty() && pod   ? pod->mode
                                               : flink::Mode::kStandalone;
  input.other_file = input.manifest ? "" : OtherFile(input.file);
  const std::set<std::string, std::less<>> ignore(options.ignore.begin(), options.ignore.end());
  const lint::LintReport report = lint::Lint(input, ignore);
  const int status = Fails(report, options.fail_on) ? kFindings : kOk;
  if (options.format == "json") return Write(render::RenderLintJson(report), options, status);
  if (options.format == "sarif")
    return Write(render::RenderLintSarif(report, WRACKLINE_VERSION), options, status);
  return Write(render::RenderLintText(report, input.text,
                                      TerminalOptions(options.text, !options.output.empty())),
               options, status);
}

int Lint(const Options& options) {
  const render::TextOptions terminal = TerminalOptions(options.text, !options.output.empty());
  for (const std::string& id : options.ignore) {
    if (lint::FindRule(id) == nullptr) return Fail(UnknownRule(id));
  }
  if (options.rules_document) return Write(render::RenderRulesMarkdown(), options, kOk);
  if (options.list_rules) return Write(render::RenderRuleList(terminal), options, kOk);
  if (!options.explain.empty()) {
    const lint::Rule* rule = lint::FindRule(options.explain);
    if (rule == nullptr) return Fail(UnknownRule(options.explain));
    return Write(render::RenderRule(*rule, terminal), options, kOk);
  }
  return LintFile(options);
}

}  // namespace

Action AddLint(CLI::App* app) {
  auto options = std::make_shared<Options>();
  app->add_option(
      "configuration", options->path,
      "flink-conf.yaml, config.yaml, a conf folder with one of them, a Kubernetes manifest that "
      "carries the configuration, or - for standard input");
  app->add_option(
      "--pod", options->pod,
      "Kubernetes manifest of the pod: its limit, volumes and environment are looked at "
      "too; without a configuration the manifest's own is");
  app->add_option("--flink-version", options->version,
                  "Flink's version, such as 1.20.3 (default: the manifest's, else 1.20)")
      ->type_name("VERSION");
  app->add_option(
         "--mode", options->mode,
         "What the old key taskmanager.heap.size means: standalone (start scripts, docker) or "
         "containerized (YARN, native Kubernetes); default: the manifest's, else standalone")
      ->check(CLI::IsMember({"standalone", "containerized"}));
  app->add_option("--format", options->format, "text, json or sarif (2.1.0)")
      ->check(CLI::IsMember({"text", "json", "sarif"}));
  app->add_option("--fail-on", options->fail_on,
                  "Exit with 1 from this severity on: error, warning, info or never")
      ->check(CLI::IsMember({"error", "warning", "info", "never"}))
      ->default_val("warning");
  app->add_option("--ignore", options->ignore,
                  "Leave this rule out; repeat it or separate with commas")
      ->type_name("RULE")
      ->delimiter(',');
  app->add_flag("--list-rules", options->list_rules, "Name every rule, and end");
  app->add_option("--explain", options->explain, "Explain this rule with an example, and end")
      ->type_name("RULE");
  app->add_flag("--rules-document", options->rules_document, "Print docs/lint-rules.md")->group("");
  AddTextOptions(app, &options->text);
  app->add_option("-o,--output", options->output, "Write to this file instead of standard output");
  return [options] { return Lint(*options); };
}

}  // namespace wrackline::cli
