#include <cstdio>
#include <cstdlib>
#include <memory>

#include "analyzer/cli/command.h"
#include "analyzer/cli/model_input.h"
#include "analyzer/cli/model_rows.h"
#include "analyzer/cli/output.h"
#include "analyzer/cli/size_option.h"
#include "analyzer/cli/terminal.h"
#include "analyzer/render/model.h"

namespace wrackline::cli {
namespace {

struct Options {
  ModelRequest request;
  std::string limit, kind, from, to, format = "text", output;
  bool batch = false;
  TextChoice text;
};

int Write(const std::string& text, const Options& options, int status) {
  if (const Status failed = WriteOutput(text, options.output)) return Fail(failed->Text());
  return status;
}

render::TextOptions Terminal(const Options& options) {
  return TerminalOptions(options.text, !options.output.empty());
}

int Batch(const Options& options) {
  if (options.request.version.empty())
    return Fail("--batch needs --flink-version (such as 1.20.5)");
  const Result<flink::Version> version = flink::ParseVersion(options.request.version);
  if (!version.ok()) return Fail(version.error().Text());
  const auto kind = flink::ParseBatchKind(options.kind);
  if (!kind) return Fail("--batch needs --kind (see wrackline model --help)");
  return AnswerRows(*kind, version.value());
}

int CompareTwo(const Options& options) {
  if (options.from.empty() || options.to.empty())
    return Fail("an upgrade has two ends: --from 1.16.3 --to 1.20.5");
  const Result<flink::Version> from = flink::ParseVersion(options.from);
  if (!from.ok()) return Fail(from.error().Text());
  const Result<flink::Version> to = flink::ParseVersion(options.to);
  if (!to.ok()) return Fail(to.error().Text());
  if (to.value() <= from.value())
    return Fail("--to " + options.to + " is not newer than --from " + options.from);
  ModelRequest request = options.request;
  request.version = options.from;
  const Result<ModelInput> input = ReadModelInput(request);
  if (!input.ok()) return Fail(input.error().Text());
  const ModelInput& in = input.value();
  const flink::Upgrade upgrade = flink::CompareVersions(in.configuration, options.request.config,
                                                        from.value(), to.value(), in.role, in.mode);
  const std::string text =
      options.format == "json"
          ? render::RenderUpgradeJson(upgrade, in.source, in.notes)
          : render::RenderUpgradeText(upgrade, in.source, in.notes, Terminal(options));
  return Write(text, options, upgrade.after.refused ? kFinding : kOk);
}

int Show(const Options& options) {
  const Result<ModelInput> input = ReadModelInput(options.request);
  if (!input.ok()) return Fail(input.error().Text());
  const ModelInput& in = input.value();
  render::ModelView view;
  view.facts = flink::ExplainModel(in.configuration, in.version, in.role, in.mode);
  view.source = in.source;
  view.notes = in.notes;
  view.limit = in.limit;
  view.limit_from = "the manifest's";
  view.limit_by_flink = in.limit_by_flink;
  if (const auto limit = SizeOf(options.limit)) {
    view.limit = limit;
    view.limit_by_flink = false;
    view.limit_from = "--limit";
  }
  const std::string text = options.format == "json"
                               ? render::RenderModelJson(view)
                               : render::RenderModelText(view, Terminal(options));
  return Write(text, options, render::ModelFits(view) ? kOk : kFinding);
}

int Model(Options& options) {
  if (options.batch) return Batch(options);
  if (!options.kind.empty()) return Fail("--kind belongs to --batch");
  if (const char* properties = std::getenv("FLINK_PROPERTIES"))
    options.request.properties = properties;
  if (options.request.config.empty() && options.request.definitions.empty() &&
      !options.request.properties)
    return Fail(
        "give a configuration: --config FILE, or -D key=value (see wrackline model --help)");
  return options.from.empty() && options.to.empty() ? Show(options) : CompareTwo(options);
}

}  // namespace

Action AddModel(CLI::App* app) {
  auto options = std::make_shared<Options>();
  app->add_option("--config", options->request.config,
                  "flink-conf.yaml, config.yaml, or a manifest of Kubernetes (FlinkDeployment, "
                  "ConfigMap, pod); - reads standard input");
  app->add_option("-D", options->request.definitions,
                  "key=value: a setting that wins over the file; may be repeated")
      ->type_name("KEY=VALUE")
      ->allow_extra_args(false);
  app->add_option("--flink-version", options->request.version,
                  "Flink's version, such as 1.20.5 (default: the manifest's, or the newest known)")
      ->type_name("VERSION");
  app->add_option("--role", options->request.role, "taskmanager (default) or jobmanager")
      ->check(CLI::IsMember({"taskmanager", "jobmanager"}));
  app->add_option("--mode", options->request.mode,
                  "standalone (default) or containerized (YARN, native Kubernetes): what the old "
                  "keys *.heap.size stand for")
      ->check(CLI::IsMember({"standalone", "containerized"}));
  app->add_option("--limit", options->limit, "The pod's memory limit, such as 2g")
      ->check(IsSize(1));
  app->add_option("--from", options->from, "What changes when this version ...")
      ->type_name("VERSION");
  app->add_option("--to", options->to, "... becomes this one")->type_name("VERSION");
  app->add_flag("--batch", options->batch,
                "Read JSON lines from standard input, answer each in order");
  app->add_option("--kind", options->kind, "What the lines of --batch ask")
      ->check(CLI::IsMember({"flink-memory", "jobmanager-memory", "rocksdb-memory", "slot-managed",
                             "flink-conf-parse"}));
  app->add_option("--format", options->format, "text or json")
      ->check(CLI::IsMember({"text", "json"}));
  AddTextOptions(app, &options->text);
  app->add_option("-o,--output", options->output, "Write to this file instead of standard output");
  return [options] { return Model(*options); };
}

}  // namespace wrackline::cli
