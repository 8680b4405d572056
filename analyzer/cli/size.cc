#include <memory>
#include <utility>
#include <vector>

#include "analyzer/cli/command.h"
#include "analyzer/cli/output.h"
#include "analyzer/cli/share_option.h"
#include "analyzer/cli/size_input.h"
#include "analyzer/cli/size_option.h"
#include "analyzer/cli/size_question.h"
#include "analyzer/cli/terminal.h"
#include "analyzer/render/backtest.h"
#include "analyzer/render/page.h"
#include "analyzer/render/proposal.h"
#include "analyzer/render/run_file.h"
#include "analyzer/sizing/backtest.h"
#include "analyzer/sizing/fit.h"
#include "analyzer/sizing/needs.h"

namespace wrackline::cli {
namespace {

struct Options {
  std::vector<std::string> dumps;
  SizeRequest request;
  std::string format = "text", output, save_runs;
  bool check = false;
  TextChoice text;
};

render::TextOptions Terminal(const Options& options) {
  return TerminalOptions(options.text, !options.output.empty());
}

int Write(const std::string& text, const Options& options, int status) {
  if (const Status failed = WriteOutput(text, options.output)) return Fail(failed->Text());
  return status;
}

std::string RunFile(const std::vector<sizing::Run>& runs) {
  std::string file;
  for (const sizing::Run& run : runs) file += render::RenderRun(run);
  return file;
}

int Check(const Options& options, const SizeInput& input, SizeQuestion question) {
  const auto memory = flink::DeriveTaskManagerMemory(
      question.target.configuration, question.target.version, flink::Mode::kStandalone);
  if (!memory.ok()) return Fail(question.source + ": " + memory.error().Text());
  if (!question.target.limit) {
    question.target.limit = memory.value().total_process;
    question.limit_from = "its process size";
  }
  const std::vector<sizing::Run> runs = sizing::ToHold(input.runs, question.objective.confidence);
  Result<sizing::BackTest> test = sizing::TestBack(
      runs, question.target, sizing::HeadroomUnder(*question.target.limit, question.objective));
  if (!test.ok()) return Fail(test.error().Text());
  render::BackTestView view{std::move(test.value()), question.source,
                            flink::FormatVersion(question.target.version), question.limit_from,
                            std::move(question.notes)};
  if (runs.size() < input.runs.size())
    view.notes.push_back("held against " + std::to_string(runs.size()) + " of " +
                         std::to_string(input.runs.size()) +
                         " runs, those of the smallest demand, as --confidence asks");
  if (view.test.memory.total_process > view.test.limit)
    view.notes.push_back("the configured process of " +
                         FormatBytes(view.test.memory.total_process) + " is larger than the limit");
  const std::string text = options.format == "json" ? render::RenderBackTestJson(view)
                           : options.format == "markdown"
                               ? render::RenderBackTestMarkdown(view)
                               : render::RenderBackTestText(view, Terminal(options));
  return Write(text, options, view.test.survives ? kOk : kFinding);
}

// The answer's head, which the text and the Markdown of a proposal lack.
std::string Headline(const SizeQuestion& question, std::size_t runs) {
  return "Sized by " + std::to_string(runs) + (runs == 1 ? " run: " : " runs: ") + question.source +
         " under Flink " + flink::FormatVersion(question.target.version);
}

std::string ProposalAsText(const sizing::Proposal& proposal, const SizeQuestion& question,
                           std::size_t runs, const render::TextOptions& terminal) {
  render::Page page(terminal);
  page.Paragraph(Headline(question, runs), 0, 2, render::Style::kBold);
  for (const std::string& note : question.notes)
    page.Paragraph("- " + note, 0, 2, render::Style::kYellow);
  return page.Take() + render::ProposalText(proposal, terminal);
}

std::string Patch(const sizing::Proposal& proposal, const SizeQuestion& question) {
  const evidence::PodManifest& manifest = *question.manifest;
  const render::PatchTarget target = render::PatchTargetOf(manifest);
  return manifest.kind == "FlinkDeployment" ? render::FlinkDeploymentPatch(proposal, target)
                                            : render::DeploymentPatch(proposal, target);
}

std::string ProposalIn(const std::string& format, const sizing::Proposal& proposal,
                       const SizeQuestion& question) {
  if (format == "json") return render::ProposalJson(proposal);
  if (format == "markdown") return render::ProposalMarkdown(proposal);
  if (format == "diff") return render::ProposalDiff(proposal, question.source);
  if (format == "patch") return Patch(proposal, question);
  return render::ProposalConfig(proposal);
}

int Propose(const Options& options, const SizeInput& input, const SizeQuestion& question) {
  if (options.format == "patch" && (!question.manifest || question.manifest->kind.empty()))
    return Fail(
        question.source +
        " makes no pod: a patch is of a FlinkDeployment or a Deployment (give it with --config, "
        "or take --format fragment)");
  if (options.format == "patch" && !render::TakesPatch(question.manifest->kind))
    return Fail("nobody can change the memory of a " + question.manifest->kind +
                " that is there: a patch is of a FlinkDeployment, a Deployment, a StatefulSet, a "
                "DaemonSet or a ReplicaSet (take --format fragment, or give the object that makes "
                "the pod)");
  const Result<sizing::Proposal> proposal =
      sizing::ProposeFlink(input.runs, question.target, question.objective);
  if (!proposal.ok()) return Fail(question.source + ": " + proposal.error().Text());
  const std::string text =
      options.format == "text"
          ? ProposalAsText(proposal.value(), question, input.runs.size(), Terminal(options))
          : ProposalIn(options.format, proposal.value(), question);
  // What the other forms have no place for.
  if (options.format != "text") {
    for (const std::string& note : question.notes) Say(note);
  }
  return Write(text, options, proposal.value().fits ? kOk : kFinding);
}

std::string WrongUse(const Options& options) {
  if (options.dumps.empty()) return "give recordings, folders, archives or run files";
  const bool edits =
      options.format == "diff" || options.format == "fragment" || options.format == "patch";
  if (options.check && edits) return "--check changes nothing: it has no " + options.format;
  if (options.check && options.request.minimize)
    return "--check is about a configuration as it is: --minimize proposes another";
  return {};
}

int Size(const Options& options) {
  if (const std::string wrong = WrongUse(options); !wrong.empty())
    return Fail(wrong + " (see wrackline size --help)");
  Result<std::optional<FlinkSource>> config = ReadSizeConfig(options.request);
  if (!config.ok()) return Fail(config.error().Text());
  std::optional<report::FlinkTarget> configured;
  if (config.value()) configured = config.value()->target;
  Result<SizeInput> read = ReadSizeInput(options.dumps, configured);
  if (!read.ok()) return Fail(read.error().Text());
  const SizeInput& input = read.value();
  for (const std::string& remark : input.remarks) Say(remark);
  if (!options.save_runs.empty()) {
    if (const Status failed = WriteOutput(RunFile(input.runs), options.save_runs))
      return Fail(failed->Text());
    // Gathering alone needs no configuration.
    if (options.request.config.empty() && !options.check && !input.carried) return kOk;
  }
  Result<SizeQuestion> question = AskSize(options.request, input, std::move(config.value()));
  if (!question.ok()) return Fail(question.error().Text());
  return options.check ? Check(options, input, std::move(question.value()))
                       : Propose(options, input, question.value());
}

}  // namespace

Action AddSize(CLI::App* app) {
  auto options = std::make_shared<Options>();
  app->add_option("dumps", options->dumps,
                  "Recordings (.wrack, .wrackpack), folders of evidence, archives (.tar.zst, ...), "
                  "run files (.jsonl), scrapes: a run each");
  app->add_option("--config,--flink-config", options->request.config,
                  "Flink's configuration, or a Kubernetes manifest that carries it (default: the "
                  "one beside the recordings)");
  app->add_option(
         "--flink-version", options->request.version,
         "Flink's version, such as 1.20.3 (default: the manifest's, else the recorded one)")
      ->type_name("VERSION");
  app->add_option("--limit", options->request.limit,
                  "The pod's memory limit (default: the manifest's; then the recorded one, for "
                  "--check the process size)")
      ->check(IsSize(1));
  app->add_option("--headroom", options->request.headroom,
                  "What stays free under the limit at the peak: a size, or percent of the limit")
      ->check(IsAmount())
      ->default_str("10%");
  app->add_option("--confidence", options->request.confidence,
                  "The share of the runs that must live, those of the largest demand left out: "
                  "95% or 0.95")
      ->check(IsShare())
      ->default_str("100%");
  app->add_flag("--minimize", options->request.minimize,
                "The smallest pod that holds, instead of the pod as it is; --limit is then the "
                "largest allowed");
  app->add_flag("--check", options->check,
                "Propose nothing: say whether the configuration would have lived, 0 or 1");
  app->add_option("--format", options->format,
                  "text, markdown (for a pull request), json; of a proposal also diff (of the "
                  "configuration), fragment (keys to paste) and patch (of a Kubernetes object)")
      ->check(CLI::IsMember({"text", "markdown", "json", "diff", "fragment", "patch"}));
  app->add_option("--save-runs", options->save_runs,
                  "Write what the runs needed to this file (.jsonl), which is small and can be "
                  "given instead of the recordings");
  AddTextOptions(app, &options->text);
  app->add_option("-o,--output", options->output, "Write to this file instead of standard output");
  return [options] { return Size(*options); };
}

}  // namespace wrackline::cli
