#include "analyzer/evidence/manifest/flink_deployment.h"

#include <array>
#include <charconv>

#include "analyzer/evidence/manifest/operator_memory.h"
#include "analyzer/evidence/manifest/pod_spec.h"
#include "analyzer/evidence/manifest/quantity.h"

namespace wrackline::evidence {
namespace {

struct RoleKeys {
  std::string_view manager;  // below spec
  std::string_view process_size;
  std::string_view limit_factor;
};
constexpr RoleKeys kTaskManagerKeys{"taskManager", "taskmanager.memory.process.size",
                                    "kubernetes.taskmanager.memory.limit-factor"};
constexpr RoleKeys kJobManagerKeys{"jobManager", "jobmanager.memory.process.size",
                                   "kubernetes.jobmanager.memory.limit-factor"};

Error At(std::string_view file, const YamlNode* node, const Error& error) {
  return {std::string(file) + ":" + std::to_string(node->at.line) + ":" +
              std::to_string(node->at.column) + ": " + error.message,
          error.hint};
}

// Double.toString's shortest digits; never in an exponent for what factors are.
std::string FactorText(double factor) {
  std::array<char, 64> text;
  const auto end =
      std::to_chars(text.data(), text.data() + text.size(), factor, std::chars_format::fixed);
  std::string written(text.data(), end.ptr);
  if (end.ec != std::errc() || written.empty()) return "1.0";
  return written.find('.') == std::string::npos ? written + ".0" : written;
}

Status AddSetting(std::string_view key, const YamlNode* node, std::string_view file,
                  std::vector<ManifestSetting>& settings) {
  const Result<std::string> value = OperatorMemoryText(ScalarText(node));
  if (!value.ok()) return At(file, node, value.error());
  settings.push_back({std::string(key), value.value(), ManifestSetting::Source::kOperatorResource,
                      node->at, node->at, ""});
  return std::nullopt;
}

bool Filled(const YamlNode* node) {
  return node != nullptr && node->IsMapping() && !node->entries.empty();
}

Status AddRole(const YamlNode* deployment, const RoleKeys& keys, std::string_view file,
               std::vector<ManifestSetting>& settings, std::vector<std::string>& notes) {
  const YamlNode* manager = FindPath(deployment, {"spec", keys.manager});
  const YamlNode* requests = FindPath(manager, {"resources", "requests"});
  const YamlNode* limits = FindPath(manager, {"resources", "limits"});
  const YamlNode* single = FindPath(manager, {"resource", "memory"});
  if (!Filled(requests) && !Filled(limits)) {
    if (single == nullptr || single->kind == YamlNode::Kind::kNull) return std::nullopt;
    return AddSetting(keys.process_size, single, file, settings);
  }
  if (single != nullptr) {
    notes.push_back("spec." + std::string(keys.manager) +
                    " has resources and resource: the operator ignores resource");
  }
  const YamlNode* request = FindKey(requests, "memory");
  const YamlNode* limit = FindKey(limits, "memory");
  if (const YamlNode* amount = request != nullptr ? request : limit) {
    if (Status problem = AddSetting(keys.process_size, amount, file, settings)) return problem;
  }
  if (request == nullptr || limit == nullptr) return std::nullopt;
  const Result<std::int64_t> asked = ParseQuantity(ScalarText(request));
  const Result<std::int64_t> most = ParseQuantity(ScalarText(limit));
  if (!asked.ok()) return At(file, request, asked.error());
  if (!most.ok()) return At(file, limit, most.error());
  if (asked.value() <= 0) return std::nullopt;
  settings.push_back(
      {std::string(keys.limit_factor),
       FactorText(static_cast<double>(most.value()) / static_cast<double>(asked.value())),
       ManifestSetting::Source::kOperatorResource, limit->at, limit->at, ""});
  return std::nullopt;
}

}  // namespace

std::optional<flink::Version> OperatorVersion(std::string_view text) {
  if (!text.starts_with('v')) return std::nullopt;
  std::string number(text.substr(1));
  for (char& c : number) {
    if (c == '_') c = '.';
  }
  const Result<flink::Version> version = flink::ParseVersion(number);
  if (!version.ok()) return std::nullopt;
  return version.value();
}

bool IsStandalone(const YamlNode* deployment) {
  return ScalarText(FindPath(deployment, {"spec", "mode"})) == "standalone";
}

const YamlNode* PodTemplateOf(const YamlNode* deployment, FlinkRole role,
                              YamlDocuments& documents) {
  const YamlNode* configuration = FindPath(deployment, {"spec", "flinkConfiguration"});
  const bool by_name =
      ScalarText(FindKey(configuration, "kubernetes.operator.pod-template.merge-arrays-by-name")) ==
      "true";
  const std::string_view manager =
      (role == FlinkRole::kTaskManager ? kTaskManagerKeys : kJobManagerKeys).manager;
  return MergeTrees(FindPath(deployment, {"spec", "podTemplate"}),
                    FindPath(deployment, {"spec", manager, "podTemplate"}), by_name, documents);
}

std::optional<OperatorResources> OperatorResourcesOf(const YamlNode* deployment, FlinkRole role) {
  const std::string_view manager =
      (role == FlinkRole::kTaskManager ? kTaskManagerKeys : kJobManagerKeys).manager;
  const YamlNode* resources = FindPath(deployment, {"spec", manager, "resources"});
  const YamlNode* requests = FindKey(resources, "requests");
  const YamlNode* limits = FindKey(resources, "limits");
  if (!Filled(requests) && !Filled(limits)) return std::nullopt;
  return OperatorResources{FindKey(requests, "memory") != nullptr,
                           FindKey(limits, "memory") != nullptr};
}

Status AddResourceSettings(const YamlNode* deployment, std::string_view file,
                           std::vector<ManifestSetting>& settings,
                           std::vector<std::string>& notes) {
  for (const RoleKeys& keys : {kTaskManagerKeys, kJobManagerKeys}) {
    if (Status problem = AddRole(deployment, keys, file, settings, notes)) return problem;
  }
  return std::nullopt;
}

}  // namespace wrackline::evidence
