#include "analyzer/evidence/manifest/pod_spec.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <string_view>

#include "analyzer/evidence/manifest/quantity.h"

namespace wrackline::evidence {
namespace {

constexpr std::string_view kMainContainer = "flink-main-container";

// Reads parts of a specification; keeps the first problem.
class SpecReader {
 public:
  explicit SpecReader(std::string_view file) : file_(file) {}

  std::optional<MemoryQuantity> Memory(const YamlNode* node) {
    if (node == nullptr || !node->IsScalar()) return std::nullopt;
    const Result<std::int64_t> amount = ParseQuantity(node->scalar);
    if (!amount.ok()) {
      if (!problem) {
        problem = Error{std::string(file_) + ":" + std::to_string(node->at.line) + ":" +
                            std::to_string(node->at.column) + ": " + amount.error().message,
                        amount.error().hint};
      }
      return std::nullopt;
    }
    return MemoryQuantity{{amount.value()}, node->scalar, node->at};
  }

  ManifestVolume Volume(const YamlNode* node) {
    ManifestVolume volume;
    volume.at = node->at;
    if (const YamlNode* name = FindKey(node, "name")) {
      volume.name = ScalarText(name);
      volume.at = name->at;
    }
    if (const YamlNode* empty = FindKey(node, "emptyDir")) {
      const bool memory = ScalarText(FindKey(empty, "medium")) == "Memory";
      volume.kind = memory ? ManifestVolume::Kind::kMemory : ManifestVolume::Kind::kEmptyDir;
      volume.size_limit = Memory(FindKey(empty, "sizeLimit"));
    } else if (const YamlNode* host = FindKey(node, "hostPath")) {
      volume.kind = ManifestVolume::Kind::kHostPath;
      volume.host_path = ScalarText(FindKey(host, "path"));
    } else if (const YamlNode* map = FindKey(node, "configMap")) {
      volume.kind = ManifestVolume::Kind::kConfigMap;
      volume.config_maps.emplace_back(ScalarText(FindKey(map, "name")));
    } else if (const YamlNode* projected = FindKey(node, "projected")) {
      for (const YamlNode* source : ItemsOf(FindKey(projected, "sources"))) {
        const YamlNode* map_name = FindPath(source, {"configMap", "name"});
        if (map_name != nullptr) volume.config_maps.emplace_back(ScalarText(map_name));
      }
      if (!volume.config_maps.empty()) volume.kind = ManifestVolume::Kind::kConfigMap;
    } else if (FindKey(node, "persistentVolumeClaim") != nullptr ||
               FindKey(node, "ephemeral") != nullptr) {
      volume.kind = ManifestVolume::Kind::kPersistent;
    }
    return volume;
  }

  SpecContainer Container(const YamlNode* node) {
    SpecContainer container;
    ManifestContainer& facts = container.facts;
    facts.at = node->at;
    facts.name = ScalarText(FindKey(node, "name"));
    facts.image = ScalarText(FindKey(node, "image"));
    if (const YamlNode* resources = FindKey(node, "resources")) {
      facts.resources_at = resources->at;
      facts.memory_request = Memory(FindPath(resources, {"requests", "memory"}));
      facts.memory_limit = Memory(FindPath(resources, {"limits", "memory"}));
    }
    for (const YamlNode* variable : ItemsOf(FindKey(node, "env")))
      facts.environment.push_back(Variable(variable));
    for (const YamlNode* mount : ItemsOf(FindKey(node, "volumeMounts"))) {
      facts.mounts.push_back({std::string(ScalarText(FindKey(mount, "name"))),
                              std::string(ScalarText(FindKey(mount, "mountPath"))),
                              ScalarText(FindKey(mount, "readOnly")) == "true", mount->at});
    }
    std::vector<CommandWord> words;
    for (const YamlNode* word : ItemsOf(FindKey(node, "command")))
      words.push_back({std::string(ScalarText(word)), word->at});
    facts.has_command = !words.empty();
    if (!words.empty()) facts.entry_point = words.front().text;
    for (const YamlNode* word : ItemsOf(FindKey(node, "args")))
      words.push_back({std::string(ScalarText(word)), word->at});
    // Behind a shell or an init too.
    for (const CommandWord& word : words) {
      if (facts.has_command && word.text.find("docker-entrypoint.sh") != std::string::npos)
        facts.entry_point = "docker-entrypoint.sh";
    }
    container.command = ReadCommandLine(words);
    facts.jvm_options = container.command.jvm_options;
    return container;
  }

  std::optional<Error> problem;

 private:
  static EnvironmentVariable Variable(const YamlNode* node) {
    EnvironmentVariable variable;
    variable.name = ScalarText(FindKey(node, "name"));
    const YamlNode* value = FindKey(node, "value");
    variable.at = value != nullptr ? value->at : node->at;
    const bool known = std::find(std::begin(kKnownVariables), std::end(kKnownVariables),
                                 variable.name) != std::end(kKnownVariables);
    if (known && value != nullptr) variable.value = ScalarText(value);
    return variable;
  }

  std::string_view file_;
};

// The newest end of each container that a live pod's status knows.
void AddLastEnds(const YamlNode* status, PodSpec& spec) {
  for (const YamlNode* one : ItemsOf(FindKey(status, "containerStatuses"))) {
    const YamlNode* ended = FindPath(one, {"state", "terminated"});
    if (ended == nullptr) ended = FindPath(one, {"lastState", "terminated"});
    if (ended == nullptr) continue;
    ContainerTermination end;
    end.at = ended->at;
    end.reason = ScalarText(FindKey(ended, "reason"));
    const std::string_view code = ScalarText(FindKey(ended, "exitCode"));
    std::from_chars(code.data(), code.data() + code.size(), end.exit_code);
    for (SpecContainer& container : spec.containers) {
      if (container.facts.name == ScalarText(FindKey(one, "name"))) container.facts.last_end = end;
    }
  }
}

}  // namespace

Result<PodSpec> ReadPodSpec(const YamlNode* pod, std::string_view file) {
  SpecReader reader(file);
  PodSpec spec;
  const YamlNode* node = FindKey(pod, "spec");
  for (const YamlNode* container : ItemsOf(FindKey(node, "containers")))
    spec.containers.push_back(reader.Container(container));
  for (const YamlNode* volume : ItemsOf(FindKey(node, "volumes")))
    spec.volumes.push_back(reader.Volume(volume));
  if (reader.problem) return *std::move(reader.problem);
  AddLastEnds(FindKey(pod, "status"), spec);
  return spec;
}

std::optional<std::size_t> FindFlinkContainer(const PodSpec& spec) {
  const auto first = [&](auto&& fits) -> std::optional<std::size_t> {
    for (std::size_t i = 0; i < spec.containers.size(); ++i) {
      if (fits(spec.containers[i])) return i;
    }
    return std::nullopt;
  };
  if (const auto found = first([](const auto& c) { return c.facts.name == kMainContainer; }))
    return found;
  if (const auto found = first([](const auto& c) { return c.command.role.has_value(); }))
    return found;
  if (const auto found =
          first([](const auto& c) { return SplitImage(c.facts.image).name == "flink"; }))
    return found;
  return spec.containers.size() == 1 ? std::optional<std::size_t>(0) : std::nullopt;
}

ImageName SplitImage(std::string_view image) {
  image = image.substr(0, image.find('@'));
  const std::size_t slash = image.rfind('/');
  if (slash != std::string_view::npos) image.remove_prefix(slash + 1);
  const std::size_t colon = image.find(':');
  if (colon == std::string_view::npos) return {image, {}};
  return {image.substr(0, colon), image.substr(colon + 1)};
}

namespace {

const YamlNode* MergeLists(const YamlNode* base, const YamlNode* over, bool by_name,
                           YamlDocuments& documents) {
  const auto named = [](const YamlNode* list) {
    return std::all_of(list->items.begin(), list->items.end(),
                       [](const YamlNode* item) { return FindKey(item, "name") != nullptr; });
  };
  YamlNode merged = *base;
  if (by_name && named(base) && named(over)) {
    std::map<std::string_view, std::size_t> places;  // the first of each name
    for (std::size_t i = 0; i < merged.items.size(); ++i)
      places.try_emplace(ScalarText(FindKey(merged.items[i], "name")), i);
    for (const YamlNode* item : over->items) {
      const auto [same, is_new] =
          places.try_emplace(ScalarText(FindKey(item, "name")), merged.items.size());
      if (is_new) {
        merged.items.push_back(item);
      } else {
        const YamlNode*& place = merged.items[same->second];
        place = MergeTrees(place, item, by_name, documents);
      }
    }
  } else {
    for (std::size_t i = 0; i < over->items.size(); ++i) {
      if (i < merged.items.size()) {
        merged.items[i] = MergeTrees(merged.items[i], over->items[i], by_name, documents);
      } else {
        merged.items.push_back(over->items[i]);
      }
    }
  }
  return &documents.nodes.emplace_back(std::move(merged));
}

}  // namespace

const YamlNode* MergeTrees(const YamlNode* base, const YamlNode* over, bool by_name,
                           YamlDocuments& documents) {
  if (base == nullptr || over == nullptr) return base == nullptr ? over : base;
  if (base->IsSequence() && over->IsSequence()) return MergeLists(base, over, by_name, documents);
  if (!base->IsMapping() || !over->IsMapping()) return over;
  YamlNode merged = *base;
  merged.entries = EntriesOf(base);
  std::map<std::string_view, std::size_t> places;  // the first of each key
  for (std::size_t i = 0; i < merged.entries.size(); ++i)
    places.try_emplace(merged.entries[i].first->scalar, i);
  for (const auto& [key, value] : EntriesOf(over)) {
    const auto [same, is_new] = places.try_emplace(key->scalar, merged.entries.size());
    if (is_new) {
      merged.entries.emplace_back(key, value);
    } else {
      const YamlNode*& place = merged.entries[same->second].second;
      place = MergeTrees(place, value, by_name, documents);
    }
  }
  return &documents.nodes.emplace_back(std::move(merged));
}

}  // namespace wrackline::evidence
