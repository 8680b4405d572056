#include "analyzer/evidence/manifest_source.h"

#include "analyzer/evidence/pod_manifest.h"

namespace wrackline::evidence {

bool IsPodManifest(const SourceFile& file) {
  // A manifest of any size that a person keeps; a whole one is parsed to tell.
  constexpr std::size_t kMost = std::size_t{4} << 20;
  if (file.text.size() > kMost) return false;
  const std::string_view head = file.Head();
  if (head.find("apiVersion") == std::string_view::npos ||
      file.text.find("kind") == std::string_view::npos)
    return false;
  return LooksLikeManifest(file.text);
}

Result<std::string> AddPodManifest(const SourceFile& file, Evidence* evidence) {
  ManifestChoice choice;
  choice.role = FlinkRole::kTaskManager;
  choice.refused_is_error = false;
  const Result<PodManifest> pod = FlinkFromManifest(file.text, file.name, choice);
  if (!pod.ok()) return pod.error();
  std::string gave = pod.value().kind.empty() ? "a configuration" : pod.value().kind;
  if (!pod.value().name.empty()) gave += " " + pod.value().name;
  if (pod.value().memory_limit) {
    gave += ", limit " + FormatBytes(pod.value().memory_limit->bytes);
    if (!evidence->limit)
      evidence->limit = Figure{pod.value().memory_limit->bytes, file.modified, "manifest"};
  }
  return gave;
}

}  // namespace wrackline::evidence
