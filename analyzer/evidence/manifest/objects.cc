#include "analyzer/evidence/manifest/objects.h"

#include <algorithm>
#include <initializer_list>

namespace wrackline::evidence {
namespace {

// Where the pod (or pod template) stands in an object.
const YamlNode* PodOf(const YamlNode* node, std::string_view kind) {
  if (kind == "Pod") return node;
  if (kind == "PodTemplate") return FindKey(node, "template");
  if (kind == "CronJob") return FindPath(node, {"spec", "jobTemplate", "spec", "template"});
  for (const std::string_view known :
       {"Deployment", "StatefulSet", "ReplicaSet", "DaemonSet", "Job", "ReplicationController"}) {
    if (kind == known) return FindPath(node, {"spec", "template"});
  }
  return nullptr;
}

bool IsFlinks(const YamlNode* node) {
  return ScalarText(FindKey(node, "apiVersion")).starts_with("flink.apache.org/");
}

// `kind` is the list's element kind where the element does not name its own.
void Add(const YamlNode* node, std::string_view kind, std::vector<ManifestObject>& objects,
         std::vector<std::string>& notes, int depth) {
  if (node == nullptr || !node->IsMapping()) return;
  const YamlNode* named = FindKey(node, "kind");
  if (named != nullptr) kind = ScalarText(named);
  if (kind.ends_with("List") && FindKey(node, "items") != nullptr) {
    kind.remove_suffix(4);
    // A list in a list is nothing that Kubernetes makes.
    if (depth > 0) return;
    for (const YamlNode* item : ItemsOf(FindKey(node, "items")))
      Add(item, kind, objects, notes, depth + 1);
    return;
  }
  ManifestObject object;
  object.kind = kind;
  object.name = ScalarText(FindPath(node, {"metadata", "name"}));
  object.node = node;
  object.pod = PodOf(node, kind);
  object.at = named != nullptr ? named->at : node->at;
  const bool deployment = kind == "FlinkDeployment" && IsFlinks(node);
  if (object.pod != nullptr || kind == "ConfigMap" || deployment) {
    objects.push_back(std::move(object));
  } else if (kind.starts_with("Flink")) {
    notes.push_back("line " + std::to_string(object.at.line) + ": kind " + object.kind +
                    " is not read");
  }
}

}  // namespace

std::vector<ManifestObject> ObjectsOf(const YamlDocuments& documents,
                                      std::vector<std::string>& notes) {
  std::vector<ManifestObject> objects;
  for (const YamlNode* root : documents.roots) Add(root, "", objects, notes, 0);
  return objects;
}

}  // namespace wrackline::evidence
