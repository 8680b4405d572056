// A pod's specification: containers and volumes as typed facts.
#pragma once

#include <string>
#include <vector>

#include "analyzer/evidence/manifest/command_line.h"
#include "analyzer/evidence/manifest/yaml_tree.h"
#include "analyzer/evidence/pod_manifest.h"

namespace wrackline::evidence {

struct SpecContainer {
  ManifestContainer facts;
  CommandLine command;
};

struct PodSpec {
  std::vector<SpecContainer> containers;  // without init containers
  std::vector<ManifestVolume> volumes;
};

// `pod`: a Pod or a pod template (metadata, spec[, status]). Errors, with file and line: a quantity
// that Kubernetes refuses.
Result<PodSpec> ReadPodSpec(const YamlNode* pod, std::string_view file);

// The container that Flink runs in: "flink-main-container", else the one whose command line starts
// Flink, else the one whose image is called flink, else the only one. Nothing when none fits.
std::optional<std::size_t> FindFlinkContainer(const PodSpec& spec);

// "registry/apache/flink:1.20.5-java17" -> "flink", "1.20.5-java17".
struct ImageName {
  std::string_view name;
  std::string_view tag;  // "" without one
};
ImageName SplitImage(std::string_view image);

// A pod template laid over another, as Flink's operator does it: mappings key by key, lists element
// by element, or by the elements' "name" with `by_name`. The result lives in `documents`.
const YamlNode* MergeTrees(const YamlNode* base, const YamlNode* over, bool by_name,
                           YamlDocuments& documents);

}  // namespace wrackline::evidence
