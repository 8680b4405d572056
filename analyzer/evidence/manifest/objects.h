// The objects of a manifest, lists taken apart.
#pragma once

#include <string>
#include <vector>

#include "analyzer/evidence/manifest/yaml_tree.h"

namespace wrackline::evidence {

struct ManifestObject {
  std::string kind;
  std::string name;
  const YamlNode* node = nullptr;
  const YamlNode* pod = nullptr;  // the Pod or pod template in it; nullptr for other kinds
  Spot at;                        // of its kind, or its beginning
};

// The kinds that are read. The others are named in `notes`, except Secrets and what has nothing to
// do with memory.
std::vector<ManifestObject> ObjectsOf(const YamlDocuments& documents,
                                      std::vector<std::string>& notes);

}  // namespace wrackline::evidence
