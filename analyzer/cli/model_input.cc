#include "analyzer/cli/model_input.h"
#include "analyzer/cli/text_file.h"

#include <cerrno>
#include <filesystem>

#include "analyzer/evidence/manifest/config_sources.h"
#include "analyzer/evidence/pod_manifest.h"
#include "analyzer/flink/config_file.h"

namespace wrackline::cli {
namespace {

constexpr std::size_t kLargest = 4 << 20;

// The newest that reads flink-conf.yaml.
constexpr flink::Version kLastOfFlinkConf{1, 20, 0};

Result<std::string> ReadText(const std::string& path) {
  std::error_code error;
  if (path != "-" && std::filesystem::is_directory(path, error))
    return Error{path + " is a folder", "give the flink-conf.yaml or config.yaml in it"};
  return ReadTextFile(path, kLargest, "4 MiB", "is it a Flink configuration?");
}

Status ReadManifest(const std::string& text, const ModelRequest& request,
                    std::optional<flink::Version> version, ModelInput* input) {
  evidence::ManifestChoice choice;
  choice.version = version;
  if (!request.role.empty())
    choice.role = input->role == flink::Role::kTaskManager ? evidence::FlinkRole::kTaskManager
                                                           : evidence::FlinkRole::kJobManager;
  Result<evidence::PodManifest> read = evidence::FlinkFromManifest(text, request.config, choice);
  if (!read.ok()) return read.error();
  evidence::PodManifest& pod = read.value();
  input->configuration = std::move(pod.configuration);
  input->source += ": " + (pod.kind.empty() ? std::string("a configuration") : pod.kind) +
                   (pod.name.empty() ? "" : " " + pod.name);
  input->notes = std::move(pod.notes);
  if (request.role.empty() && pod.role == evidence::FlinkRole::kJobManager)
    input->role = flink::Role::kJobManager;
  if (request.mode.empty()) input->mode = pod.mode;
  if (request.version.empty() && pod.version) {
    input->version = *pod.version;
  } else if (request.version.empty() && !pod.texts.empty() &&
             pod.texts.front().file == "flink-conf.yaml") {
    input->version = kLastOfFlinkConf;
  }
  if (pod.memory_limit) input->limit = pod.memory_limit->bytes;
  input->limit_by_flink = pod.FlinkMakesThePod();
  return std::nullopt;
}

Status ReadFile(const ModelRequest& request, std::optional<flink::Version> version,
                ModelInput* input) {
  const Result<std::string> text = ReadText(request.config);
  if (!text.ok()) return text.error();
  if (evidence::LooksLikeManifest(text.value()))
    return ReadManifest(text.value(), request, version, input);
  Result<flink::Configuration> read =
      flink::ParseConfigFile(text.value(), request.config, input->version);
  if (!read.ok() && !version) {
    // Nobody said which version: the newest that reads such a file.
    read = flink::ParseConfigFile(text.value(), request.config, kLastOfFlinkConf);
    if (read.ok()) input->version = kLastOfFlinkConf;
  }
  if (!read.ok()) return read.error();
  input->configuration = std::move(read.value());
  return std::nullopt;
}

void AddProperties(const std::string& text, ModelInput* input) {
  evidence::EnvironmentVariable variable;
  variable.name = "FLINK_PROPERTIES";
  variable.value = text;
  int settings = 0;
  for (const evidence::ManifestSetting& setting :
       evidence::PropertiesSettings(variable, input->version)) {
    input->configuration.Set(setting.key, setting.value, {"FLINK_PROPERTIES", 0});
    ++settings;
  }
  if (settings > 0)
    input->notes.push_back(std::to_string(settings) + (settings == 1 ? " setting" : " settings") +
                           " of FLINK_PROPERTIES in the environment win over the file");
}

}  // namespace

Result<ModelInput> ReadModelInput(const ModelRequest& request) {
  ModelInput input;
  input.version = flink::kNewestKnownVersion;
  std::optional<flink::Version> version;
  if (!request.version.empty()) {
    const Result<flink::Version> parsed = flink::ParseVersion(request.version);
    if (!parsed.ok()) return parsed.error();
    version = input.version = parsed.value();
  }
  if (request.role == "jobmanager") input.role = flink::Role::kJobManager;
  if (request.mode == "containerized") input.mode = flink::Mode::kContainerized;
  if (!request.config.empty()) {
    input.source = request.config == "-" ? "standard input" : request.config;
    if (const Status failed = ReadFile(request, version, &input)) return *failed;
  } else {
    input.source = "settings of the command line";
  }
  if (request.properties) AddProperties(*request.properties, &input);
  for (const std::string& definition : request.definitions) {
    const std::size_t equals = definition.find('=');
    if (equals == 0 || equals == std::string::npos)
      return Error{"-D " + definition + " is no key=value",
                   "write -D taskmanager.memory.process.size=4g"};
    input.configuration.Set(definition.substr(0, equals), definition.substr(equals + 1), {"-D", 0});
  }
  if (request.version.empty() && input.version == flink::kNewestKnownVersion)
    input.notes.push_back("no --flink-version: taken for " + FormatVersion(input.version));
  if (input.version >=
      flink::Version{flink::kNewestKnownVersion.feature, flink::kNewestKnownVersion.minor + 1, 0})
    input.notes.push_back("Flink " + FormatVersion(input.version) +
                          " is newer than what is known here: the rules are those of " +
                          FormatVersion(flink::kNewestKnownVersion));
  return input;
}

}  // namespace wrackline::cli
