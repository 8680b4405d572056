// What the rules about pods ask of a manifest.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "analyzer/evidence/pod_manifest.h"
#include "analyzer/flink/lint/rule.h"

namespace wrackline::flink::lint {

// The pod of a TaskManager in the manifest; nullptr without a manifest, without a pod in it, or for
// a JobManager's: the rules know a TaskManager's memory.
const evidence::PodManifest* TaskManagerPod(const Context& context);
// The same for any pod of Flink's.
const evidence::PodManifest* FlinkPod(const Context& context);

Location At(const evidence::PodManifest& pod, evidence::Spot spot);
// The container's resources, else the container, else the object.
Location ResourcesOf(const evidence::PodManifest& pod);

// "2Gi" or "1536Mi": the amount rounded up to whole MiB, as a quantity of Kubernetes.
std::string QuantityText(Bytes amount);

// A folder that Flink or the VM writes into, and where it is configured.
struct WrittenFolder {
  std::string path;
  std::string_view what;  // "RocksDB's local state", ...
  Location at;
};
// RocksDB's local folders, io.tmp.dirs (or /tmp, the default) and the heap dump's.
std::vector<WrittenFolder> WrittenFolders(const Context& context);

}  // namespace wrackline::flink::lint
