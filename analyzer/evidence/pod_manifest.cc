#include "analyzer/evidence/pod_manifest.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <variant>

#include "analyzer/evidence/manifest/config_sources.h"
#include "analyzer/evidence/manifest/flink_deployment.h"
#include "analyzer/evidence/manifest/objects.h"
#include "analyzer/evidence/manifest/pod_spec.h"
#include "analyzer/evidence/manifest/yaml_tree.h"
#include "analyzer/flink/config_file.h"
#include "analyzer/flink/job_manager_memory.h"

namespace wrackline::evidence {
namespace {

// The newest 1.x that reads both files: what a manifest without a version is taken for.
constexpr flink::Version kAssumedVersion{1, 20, 0};

// A pod of the manifest that Flink may run in.
struct Candidate {
  const ManifestObject* object = nullptr;
  FlinkRole role = FlinkRole::kTaskManager;
  FlinkStarter starter = FlinkStarter::kScripts;
  PodSpec spec;
  std::optional<std::size_t> container;
};

std::string Named(const ManifestObject& object) { return object.kind + " " + object.name; }

class Assembler {
 public:
  Assembler(YamlDocuments& documents, std::string_view file, const ManifestChoice& choice)
      : documents_(documents), file_(file), choice_(choice) {
    pod_.file = file;
    pod_.notes = documents.notes;
  }

  Result<PodManifest> Assemble() {
    objects_ = ObjectsOf(documents_, pod_.notes);
    if (objects_.empty()) {
      return Error{std::string(file_) + " has no Kubernetes object that wrackline reads",
                   "a Pod, a Deployment, a ConfigMap or a FlinkDeployment, for example"};
    }
    if (Status problem = FindCandidates()) return *problem;
    Choose();
    if (Status problem = ReadConfiguration()) return *problem;
    if (!chosen_ && pod_.texts.empty()) {
      return Error{std::string(file_) + " has nothing of Flink in it",
                   "neither a container that runs Flink, nor a FlinkDeployment, nor a ConfigMap "
                   "with flink-conf.yaml or config.yaml"};
    }
    Apply();
    DecideMemory();
    return std::move(pod_);
  }

 private:
  Status FindCandidates() {
    for (const ManifestObject& object : objects_) {
      if (object.kind == "FlinkDeployment") {
        for (const FlinkRole role : {FlinkRole::kTaskManager, FlinkRole::kJobManager}) {
          Result<PodSpec> spec = ReadPodSpec(PodTemplateOf(object.node, role, documents_), file_);
          if (!spec.ok()) return spec.error();
          Candidate candidate{&object, role,
                              IsStandalone(object.node) ? FlinkStarter::kOperatorStandalone
                                                        : FlinkStarter::kOperator,
                              std::move(spec.value()), std::nullopt};
          candidate.container = MainContainer(object, candidate.spec);
          candidates_.push_back(std::move(candidate));
        }
      } else if (object.pod != nullptr) {
        Result<PodSpec> spec = ReadPodSpec(object.pod, file_);
        if (!spec.ok()) return spec.error();
        AddPod(object, std::move(spec.value()));
      }
    }
    return std::nullopt;
  }

  // The operator's main container: of the pod template, or an empty one, with the deployment's image.
  static std::size_t MainContainer(const ManifestObject& object, PodSpec& spec) {
    std::size_t index = 0;
    while (index < spec.containers.size() &&
           spec.containers[index].facts.name != "flink-main-container")
      ++index;
    if (index == spec.containers.size()) {
      spec.containers.emplace_back();
      spec.containers.back().facts.name = "flink-main-container";
      spec.containers.back().facts.at = object.at;
    }
    const YamlNode* image = FindPath(object.node, {"spec", "image"});
    if (image != nullptr) spec.containers[index].facts.image = ScalarText(image);
    return index;
  }

  void AddPod(const ManifestObject& object, PodSpec spec) {
    const std::optional<std::size_t> container = FindFlinkContainer(spec);
    if (!container) return;
    const SpecContainer& main = spec.containers[*container];
    const YamlNode* labels = FindPath(object.pod, {"metadata", "labels"});
    const bool native =
        ScalarText(FindKey(labels, "type")) == "flink-native-kubernetes" || main.command.native;
    const std::string_view component = ScalarText(FindKey(labels, "component"));
    std::optional<FlinkRole> role = main.command.role;
    if (!role && component == "taskmanager") role = FlinkRole::kTaskManager;
    if (!role && component == "jobmanager") role = FlinkRole::kJobManager;
    if (!role && main.facts.name == "taskmanager") role = FlinkRole::kTaskManager;
    if (!role && main.facts.name == "jobmanager") role = FlinkRole::kJobManager;
    if (!role && main.command.other_part) return;
    const bool flink = native || role || SplitImage(main.facts.image).name == "flink" ||
                       main.facts.name == "flink-main-container" ||
                       main.facts.FindVariable("FLINK_PROPERTIES") != nullptr;
    if (!flink) return;
    if (!role) {
      role = FlinkRole::kTaskManager;
      pod_.notes.push_back(Named(object) +
                           " does not say which part of Flink it runs: taken for a "
                           "TaskManager");
    }
    candidates_.push_back({&object, *role, native ? FlinkStarter::kNative : FlinkStarter::kScripts,
                           std::move(spec), container});
  }

  void Choose() {
    const auto of = [&](FlinkRole role) {
      return std::find_if(candidates_.begin(), candidates_.end(),
                          [&](const Candidate& one) { return one.role == role; });
    };
    auto found = of(choice_.role.value_or(FlinkRole::kTaskManager));
    if (found == candidates_.end() && !choice_.role) found = of(FlinkRole::kJobManager);
    if (found == candidates_.end()) {
      pod_.role = choice_.role.value_or(FlinkRole::kTaskManager);
      pod_.mode = flink::Mode::kStandalone;
      return;
    }
    chosen_ = &*found;
    for (const Candidate& other : candidates_) {
      if (&other == chosen_ || other.role != chosen_->role) continue;
      pod_.notes.push_back(Named(*other.object) + " is left out: " + Named(*chosen_->object) +
                           " comes first");
    }
    const ManifestObject& object = *chosen_->object;
    pod_.kind = object.kind;
    pod_.name = object.name;
    pod_.at = object.at;
    pod_.role = chosen_->role;
    pod_.starter = chosen_->starter;
    const bool scripts = chosen_->starter == FlinkStarter::kScripts ||
                         chosen_->starter == FlinkStarter::kOperatorStandalone;
    pod_.mode = scripts ? flink::Mode::kStandalone : flink::Mode::kContainerized;
    for (std::size_t i = 0; i < chosen_->spec.containers.size(); ++i) {
      ManifestContainer& facts = chosen_->spec.containers[i].facts;
      if (i == chosen_->container) {
        pod_.container = facts;
      } else {
        pod_.others.push_back(facts);
      }
    }
    pod_.volumes = chosen_->spec.volumes;
    FindVersion(object);
  }

  void FindVersion(const ManifestObject& object) {
    const YamlNode* declared = FindPath(object.node, {"spec", "flinkVersion"});
    const ImageName image = pod_.container ? SplitImage(pod_.container->image) : ImageName{};
    std::optional<flink::Version> of_image;
    if (image.name == "flink") {
      const std::string_view number =
          image.tag.substr(0, image.tag.find_first_not_of("0123456789."));
      const Result<flink::Version> parsed = flink::ParseVersion(number);
      // A company counts the tags of its own image as it likes.
      const flink::Version after{flink::kNewestKnownVersion.feature,
                                 flink::kNewestKnownVersion.minor + 1, 0};
      if (parsed.ok() && parsed.value() < after) {
        of_image = parsed.value();
      } else if (parsed.ok()) {
        pod_.notes.push_back("the image's tag " + std::string(image.tag) +
                             " is no version of Flink that is known here (--flink-version says "
                             "which one it is)");
      }
    }
    pod_.version = of_image;
    pod_.version_at = of_image ? pod_.container->at : Spot{};
    if (pod_.kind != "FlinkDeployment" || declared == nullptr) return;
    const std::optional<flink::Version> of_operator = OperatorVersion(ScalarText(declared));
    if (!of_operator) {
      pod_.notes.push_back("spec.flinkVersion '" + std::string(ScalarText(declared)) +
                           "' is no version of Flink");
      return;
    }
    pod_.version_at = declared->at;
    if (of_image && of_image->feature == of_operator->feature &&
        of_image->minor == of_operator->minor)
      return;  // the image's has the patch release
    if (of_image) {
      pod_.notes.push_back("spec.flinkVersion is " + std::string(ScalarText(declared)) +
                           ", the image's tag says " + flink::FormatVersion(*of_image) +
                           ": flinkVersion is taken");
    }
    pod_.version = of_operator;
  }

  std::optional<flink::Version> KnownVersion() const {
    return choice_.version ? choice_.version : pod_.version;
  }

  // Only what reaches the chosen pod.
  Status ReadConfiguration() {
    if (chosen_ != nullptr && chosen_->object->kind == "FlinkDeployment") {
      for (ManifestSetting& setting :
           OperatorSettings(FindPath(chosen_->object->node, {"spec", "flinkConfiguration"})))
        pod_.settings.push_back(std::move(setting));
      pod_.operator_resources = OperatorResourcesOf(chosen_->object->node, pod_.role);
      return AddResourceSettings(chosen_->object->node, file_, pod_.settings, pod_.notes);
    }
    if (Status problem = ReadConfigMaps()) return problem;
    if (chosen_ == nullptr) return std::nullopt;
    AddEnvironment();
    for (const CommandProperty& property :
         chosen_->spec.containers[*chosen_->container].command.properties) {
      pod_.settings.push_back(
          {property.key,
           std::string(IsSecretKey(property.key) ? kHiddenValue : std::string_view(property.value)),
           ManifestSetting::Source::kArguments, property.at, property.at, ""});
    }
    return std::nullopt;
  }

  // The ConfigMaps that the pod mounts; where none of them is here, the only one there is.
  std::vector<ManifestConfigText> TextsForThePod() const {
    std::vector<ManifestConfigText> all;
    std::vector<ManifestConfigText> mounted;
    for (const ManifestObject& object : objects_) {
      if (object.kind != "ConfigMap") continue;
      for (ManifestConfigText& text : ConfigTextsOf(object.node)) {
        const bool is_mounted = std::any_of(
            pod_.volumes.begin(), pod_.volumes.end(), [&](const ManifestVolume& volume) {
              return std::find(volume.config_maps.begin(), volume.config_maps.end(),
                               text.config_map) != volume.config_maps.end();
            });
        if (is_mounted) mounted.push_back(text);
        all.push_back(std::move(text));
      }
    }
    return mounted.empty() ? all : mounted;
  }

  Status ReadConfigMaps() {
    const std::vector<ManifestConfigText> texts = TextsForThePod();
    if (texts.empty()) return std::nullopt;
    const auto has = [&](std::string_view file) {
      return std::any_of(texts.begin(), texts.end(),
                         [&](const ManifestConfigText& text) { return text.file == file; });
    };
    const bool flat = has("flink-conf.yaml");
    const bool yaml = has("config.yaml");
    std::string_view wanted = flat ? "flink-conf.yaml" : "config.yaml";
    if (const std::optional<flink::Version> version = KnownVersion()) {
      wanted = flink::ConfigFileOf(*version, flat, yaml);
      if (wanted.empty()) {
        pod_.notes.push_back("Flink " + flink::FormatVersion(*version) + " does not read " +
                             texts.front().file + " of ConfigMap " + texts.front().config_map);
        // What stands in it can be looked at all the same; nothing of it counts.
        pod_.texts.push_back(texts.front());
        pod_.text_is_read = false;
        return std::nullopt;
      }
    } else if (flat && yaml) {
      pod_.notes.emplace_back(
          "flink-conf.yaml and config.yaml are both there: to 1.20 Flink reads flink-conf.yaml, "
          "from 2.0 config.yaml (--flink-version decides)");
    }
    for (const ManifestConfigText& text : texts) {
      if (text.file != wanted) continue;
      if (!pod_.texts.empty()) {
        pod_.notes.push_back(text.file + " of ConfigMap " + text.config_map +
                             " is left out: that "
                             "of " +
                             pod_.texts.front().config_map + " comes first");
        continue;
      }
      pod_.texts.push_back(text);
      Result<std::vector<ManifestSetting>> settings = SettingsOf(text, file_);
      if (!settings.ok()) {
        if (choice_.refused_is_error) return settings.error();
        continue;
      }
      for (ManifestSetting& setting : settings.value()) pod_.settings.push_back(std::move(setting));
    }
    return std::nullopt;
  }

  // Why the image's entry point does not take FLINK_PROPERTIES over; "" when it does.
  std::string WhyEnvironmentIsIgnored() const {
    const ManifestContainer& main = *pod_.container;
    if (main.has_command && main.entry_point.find("docker-entrypoint") == std::string::npos)
      return "the container's command replaces the image's entry point, which alone reads it";
    for (const VolumeMount& mount : main.mounts) {
      const auto volume =
          std::find_if(pod_.volumes.begin(), pod_.volumes.end(),
                       [&](const ManifestVolume& one) { return one.name == mount.volume; });
      if (volume == pod_.volumes.end() || volume->kind != ManifestVolume::Kind::kConfigMap)
        continue;
      std::string_view path = mount.path;
      while (path.ends_with('/')) path.remove_suffix(1);
      // Hadoop has such a folder too.
      const bool of_flink =
          path.find("flink") != std::string_view::npos ||
          std::any_of(pod_.texts.begin(), pod_.texts.end(), [&](const ManifestConfigText& text) {
            return std::find(volume->config_maps.begin(), volume->config_maps.end(),
                             text.config_map) != volume->config_maps.end();
          });
      if (!of_flink) continue;
      if (path.ends_with("/conf") || path.ends_with("/flink-conf.yaml") ||
          path.ends_with("/config.yaml"))
        return "the image's entry point writes it into the configuration file, and " + mount.path +
               " is a ConfigMap, which nobody can write";
    }
    return "";
  }

  void AddEnvironment() {
    std::vector<ManifestSetting> added;
    if (const EnvironmentVariable* slots =
            pod_.container->FindVariable("TASK_MANAGER_NUMBER_OF_TASK_SLOTS");
        slots != nullptr && slots->value && !slots->value->empty()) {
      added.push_back({"taskmanager.numberOfTaskSlots", *slots->value,
                       ManifestSetting::Source::kEnvironment, slots->at, slots->at, ""});
    }
    if (const EnvironmentVariable* properties = pod_.container->FindVariable("FLINK_PROPERTIES")) {
      if (!properties->value)
        pod_.notes.emplace_back("FLINK_PROPERTIES comes from elsewhere (valueFrom): not read");
      for (ManifestSetting& setting : PropertiesSettings(*properties, KnownVersion()))
        added.push_back(std::move(setting));
    }
    const std::string why = added.empty() ? "" : WhyEnvironmentIsIgnored();
    for (ManifestSetting& setting : added) {
      setting.ignored = why;
      pod_.settings.push_back(std::move(setting));
    }
  }

  void Apply() {
    // Only these reach an own pod's environment: Flink sets them in the pods that it makes.
    const std::string prefix = pod_.role == FlinkRole::kTaskManager
                                   ? "containerized.taskmanager.env."
                                   : "containerized.master.env.";
    for (const ManifestSetting& setting : pod_.settings) {
      if (!setting.ignored.empty()) continue;
      pod_.configuration.Set(setting.key, setting.value, {std::string(file_), setting.key_at.line});
      if (setting.value.find("$(") != std::string::npos ||
          setting.value.find("${") != std::string::npos) {
        pod_.notes.push_back(setting.key + " has a variable in its value, which is not replaced");
      }
      if (pod_.FlinkMakesThePod() && pod_.starter != FlinkStarter::kNative &&
          setting.key.starts_with(prefix) && pod_.container) {
        pod_.container->environment.push_back(
            {setting.key.substr(prefix.size()), setting.value, setting.value_at});
      }
    }
  }

  void DecideMemory() {
    if (!pod_.container) return;
    if (pod_.starter != FlinkStarter::kOperator &&
        pod_.starter != FlinkStarter::kOperatorStandalone) {
      pod_.memory_limit = pod_.container->memory_limit;
      // Where only a limit is given, Kubernetes requests it too.
      pod_.memory_request =
          pod_.container->memory_request ? pod_.container->memory_request : pod_.memory_limit;
      return;
    }
    const std::optional<Bytes> process = ProcessSize();
    if (!process) return;
    const ManifestSetting* size = pod_.Find(ProcessKey());
    const Spot at = size != nullptr ? size->value_at : Spot{};
    const std::int64_t mebibytes = process->count / kMiB.count;
    pod_.memory_request = MemoryQuantity{mebibytes * kMiB, "", at};
    const double limit = static_cast<double>(mebibytes) * pod_.LimitFactor();
    if (std::isfinite(limit) && limit >= 0 && limit < 1e9)
      pod_.memory_limit = MemoryQuantity{static_cast<std::int64_t>(limit) * kMiB, "", at};
  }

  std::string_view ProcessKey() const {
    return pod_.role == FlinkRole::kTaskManager ? "taskmanager.memory.process.size"
                                                : "jobmanager.memory.process.size";
  }

  std::optional<Bytes> ProcessSize() const {
    const flink::Version version = KnownVersion().value_or(kAssumedVersion);
    if (pod_.role == FlinkRole::kTaskManager) {
      const Result<flink::TaskManagerMemory> memory =
          flink::DeriveTaskManagerMemory(pod_.configuration, version, pod_.mode);
      if (memory.ok()) return memory.value().total_process;
    } else {
      const Result<flink::JobManagerMemory> memory =
          flink::DeriveJobManagerMemory(pod_.configuration, version, pod_.mode);
      if (memory.ok()) return memory.value().total_process;
    }
    return std::nullopt;  // Flink refuses it: no pod is made
  }

  YamlDocuments& documents_;
  std::string_view file_;
  const ManifestChoice& choice_;
  std::vector<ManifestObject> objects_;
  std::vector<Candidate> candidates_;
  Candidate* chosen_ = nullptr;
  PodManifest pod_;
};

}  // namespace

const EnvironmentVariable* ManifestContainer::FindVariable(std::string_view variable) const {
  const auto found =
      std::find_if(environment.rbegin(), environment.rend(),
                   [&](const EnvironmentVariable& one) { return one.name == variable; });
  return found == environment.rend() ? nullptr : &*found;
}

const ManifestSetting* PodManifest::Find(std::string_view key) const {
  const auto found = std::find_if(
      settings.rbegin(), settings.rend(),
      [&](const ManifestSetting& one) { return one.ignored.empty() && one.key == key; });
  return found == settings.rend() ? nullptr : &*found;
}

flink::Configuration PodManifest::Additions() const {
  flink::Configuration additions;
  for (const ManifestSetting& setting : settings) {
    if (setting.source == ManifestSetting::Source::kConfigMap || !setting.ignored.empty()) continue;
    additions.Set(setting.key, setting.value, {file, setting.key_at.line});
  }
  return additions;
}

bool PodManifest::FlinkMakesThePod() const {
  return starter == FlinkStarter::kOperator || starter == FlinkStarter::kOperatorStandalone ||
         starter == FlinkStarter::kNative;
}

double PodManifest::LimitFactor() const {
  const std::optional<std::string> text = configuration.Get(
      role == FlinkRole::kTaskManager ? "kubernetes.taskmanager.memory.limit-factor"
                                      : "kubernetes.jobmanager.memory.limit-factor");
  double factor = 1;
  if (text) std::from_chars(text->data(), text->data() + text->size(), factor);
  return factor;
}

const ManifestVolume* PodManifest::VolumeAt(std::string_view path) const {
  if (!container) return nullptr;
  const VolumeMount* nearest = nullptr;
  std::size_t length = 0;
  for (const VolumeMount& mount : container->mounts) {
    std::string_view folder = mount.path;
    while (folder.ends_with('/')) folder.remove_suffix(1);
    const bool inside =
        path.starts_with(folder) && (path.size() == folder.size() || path[folder.size()] == '/');
    if (!inside || (nearest != nullptr && folder.size() < length)) continue;
    nearest = &mount;
    length = folder.size();
  }
  if (nearest == nullptr) return nullptr;
  for (const ManifestVolume& volume : volumes) {
    if (volume.name == nearest->volume) return &volume;
  }
  return nullptr;
}

Result<PodManifest> FlinkFromManifest(std::string_view text, std::string_view file,
                                      const ManifestChoice& choice) {
  Result<YamlDocuments> documents = ParseYaml(text, file);
  if (!documents.ok()) return documents.error();
  return Assembler(documents.value(), file, choice).Assemble();
}

bool LooksLikeManifest(std::string_view text) {
  // Of an unfinished or broken manifest too: the keys decide, the parser says what is wrong.
  bool api_version = false;
  bool kind = false;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    std::string_view line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (line.starts_with("\xEF\xBB\xBF")) line.remove_prefix(3);
    if (line.starts_with("---")) api_version = kind = false;
    // JSON: the quoted keys, at any depth of a line.
    api_version = api_version || line.starts_with("apiVersion:") ||
                  line.find("\"apiVersion\"") != std::string_view::npos;
    kind = kind || line.starts_with("kind:") || line.find("\"kind\"") != std::string_view::npos;
    if (api_version && kind) return true;
  }
  return false;
}

}  // namespace wrackline::evidence
