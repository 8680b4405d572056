// A FlinkDeployment (flink.apache.org/v1beta1), as Flink's Kubernetes operator reads it.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "analyzer/evidence/manifest/yaml_tree.h"
#include "analyzer/evidence/pod_manifest.h"

namespace wrackline::evidence {

// "v1_20" -> 1.20.0; nothing for what is no version.
std::optional<flink::Version> OperatorVersion(std::string_view text);

// spec.mode: standalone (native is the default).
bool IsStandalone(const YamlNode* deployment);

// spec.podTemplate with the role's own laid over it; nullptr when there is neither.
const YamlNode* PodTemplateOf(const YamlNode* deployment, FlinkRole role, YamlDocuments& documents);

// What of a role's `resources` names memory; nothing where `resource` counts.
std::optional<OperatorResources> OperatorResourcesOf(const YamlNode* deployment, FlinkRole role);

// What spec.taskManager and spec.jobManager say of memory, as settings. `resources` (newer operators)
// wins over `resource`; both win over flinkConfiguration. Errors, with file and line: an
// amount that the operator refuses.
Status AddResourceSettings(const YamlNode* deployment, std::string_view file,
                           std::vector<ManifestSetting>& settings, std::vector<std::string>& notes);

}  // namespace wrackline::evidence
