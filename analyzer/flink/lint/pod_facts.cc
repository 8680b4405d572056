#include "analyzer/flink/lint/pod_facts.h"

#include "analyzer/flink/lint/facts.h"
#include "analyzer/flink/lint/java_options.h"

namespace wrackline::flink::lint {
namespace {

// Lists of paths are written with commas, or the system's colon.
void AddFolders(const Context& context, std::string_view key, std::string_view what,
                std::vector<WrittenFolder>& folders) {
  const auto value = context.configuration.Get(key);
  if (!value) return;
  std::string_view rest = *value;
  while (!rest.empty()) {
    constexpr std::string_view kBetween = ",: []'\"|";
    const std::size_t start = rest.find_first_not_of(kBetween);
    if (start == std::string_view::npos) return;
    rest.remove_prefix(start);
    const std::string_view path = rest.substr(0, rest.find_first_of(kBetween));
    rest.remove_prefix(path.size());
    if (path.starts_with('/')) folders.push_back({std::string(path), what, context.ValueOf(key)});
  }
}

}  // namespace

const evidence::PodManifest* FlinkPod(const Context& context) {
  return context.pod != nullptr && context.pod->container ? context.pod : nullptr;
}

const evidence::PodManifest* TaskManagerPod(const Context& context) {
  const evidence::PodManifest* pod = FlinkPod(context);
  return pod != nullptr && pod->role == evidence::FlinkRole::kTaskManager ? pod : nullptr;
}

Location At(const evidence::PodManifest& pod, evidence::Spot spot) {
  return {pod.file, spot.line, spot.column, spot.length};
}

Location ResourcesOf(const evidence::PodManifest& pod) {
  if (pod.container && pod.container->resources_at.line > 0)
    return At(pod, pod.container->resources_at);
  return At(pod, pod.container && pod.container->at.line > 0 ? pod.container->at : pod.at);
}

std::string QuantityText(Bytes amount) {
  const std::int64_t mebibytes =
      amount.count / kMiB.count + (amount.count % kMiB.count > 0 ? 1 : 0);
  return mebibytes % 1024 == 0 ? std::to_string(mebibytes / 1024) + "Gi"
                               : std::to_string(mebibytes) + "Mi";
}

std::vector<WrittenFolder> WrittenFolders(const Context& context) {
  std::vector<WrittenFolder> folders;
  AddFolders(context, "state.backend.rocksdb.localdir", "RocksDB's local state", folders);
  AddFolders(context, "state.backend.forst.local-dir", "ForSt's local state", folders);
  AddFolders(context, "taskmanager.state.local.root-dirs", "local recovery", folders);
  const std::size_t before = folders.size();
  AddFolders(context, "io.tmp.dirs", "Flink's temporary files", folders);
  if (folders.size() == before)
    folders.push_back({"/tmp", "Flink's temporary files (io.tmp.dirs is /tmp where it is not set)",
                       context.document.Whole()});
  for (const JavaOption& option : JavaOptions(context)) {
    constexpr std::string_view kDump = "-XX:HeapDumpPath=";
    if (option.text.starts_with(kDump))
      folders.push_back({option.text.substr(kDump.size()), "the VM's heap dump", option.at});
  }
  return folders;
}

}  // namespace wrackline::flink::lint
