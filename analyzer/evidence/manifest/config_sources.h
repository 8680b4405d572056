// Flink's configuration where a manifest carries it: in a ConfigMap, in FLINK_PROPERTIES, in
// spec.flinkConfiguration.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "analyzer/evidence/manifest/yaml_tree.h"
#include "analyzer/evidence/pod_manifest.h"

namespace wrackline::evidence {

// True for keys whose values Flink's own log hides: password, secret, token, ...
bool IsSecretKey(std::string_view key);
// What stands for such a value.
inline constexpr std::string_view kHiddenValue = "hidden";

// The configuration files among a ConfigMap's data.
std::vector<ManifestConfigText> ConfigTextsOf(const YamlNode* config_map);

// The settings of a file's text, in its order; an Error with the manifest's line where Flink
// refuses the file.
Result<std::vector<ManifestSetting>> SettingsOf(const ManifestConfigText& text,
                                                std::string_view manifest_file);

// spec.flinkConfiguration, flat or nested, as the operator flattens it: joined with dots, lists
// joined with ";".
std::vector<ManifestSetting> OperatorSettings(const YamlNode* configuration);

// FLINK_PROPERTIES as the image of that version takes it: to 1.18 lines appended to
// flink-conf.yaml, later "key: value" without any white space.
std::vector<ManifestSetting> PropertiesSettings(const EnvironmentVariable& variable,
                                                std::optional<flink::Version> version);

}  // namespace wrackline::evidence
