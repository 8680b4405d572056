#include "analyzer/flink/lint/pod_facts.h"

namespace wrackline::flink::lint {
namespace {

// Host folders that are a tmpfs on common systems: files in them are memory.
bool IsMemoryOnHost(std::string_view path) {
  for (const std::string_view folder : {"/dev/shm", "/run", "/var/run"}) {
    if (path.starts_with(folder) && (path.size() == folder.size() || path[folder.size()] == '/'))
      return true;
  }
  return false;
}

void Check(const Context& context, Findings& findings) {
  const evidence::PodManifest* pod = FlinkPod(context);
  if (pod == nullptr) return;
  for (const WrittenFolder& folder : WrittenFolders(context)) {
    const evidence::ManifestVolume* volume = pod->VolumeAt(folder.path);
    if (volume == nullptr || volume->kind != evidence::ManifestVolume::Kind::kHostPath) continue;
    const bool memory = IsMemoryOnHost(volume->host_path);
    findings.push_back(
        {memory ? Severity::kWarning : Severity::kInfo, "", At(*pod, volume->at),
         "Volume " + volume->name + " is the node's " + volume->host_path + " and holds " +
             std::string(folder.what) + ": " + folder.path,
         memory ? "That folder is memory (a tmpfs) on most nodes: what the pod writes there counts "
                  "against its limit."
                : "Nothing bounds its size, files of a killed pod stay, and pods on one node share "
                  "the folder.",
         memory
             ? "Use a folder on a disk."
             : "Use an emptyDir or an ephemeral volume, or clean the folder up when a pod starts; "
               "for dumps that shall outlive the pod hostPath is fine."});
  }
}

}  // namespace

extern const Rule kHostPath;
const Rule kHostPath{
    .id = "host-path",
    .severity = Severity::kWarning,
    .title = "Flink's files in a folder of the node",
    .explanation =
        "A hostPath outlives the pod: leftovers of killed TaskManagers fill the node's disk, and "
        "all pods of the node meet in the same folder. Below /dev/shm or /run it is memory, which "
        "is charged to the pod.",
    .wrong = {.config = "taskmanager.memory.process.size: 4g\nio.tmp.dirs: /scratch\n",
              .manifest = "apiVersion: v1\nkind: Pod\nspec:\n  containers:\n  - name: taskmanager\n"
                          "    image: flink:1.20.1\n    args: [taskmanager]\n    volumeMounts:\n"
                          "    - {name: scratch, mountPath: /scratch}\n  volumes:\n"
                          "  - name: scratch\n    hostPath: {path: /dev/shm/flink}\n"},
    .right = {.config = "taskmanager.memory.process.size: 4g\nio.tmp.dirs: /scratch\n",
              .manifest = "apiVersion: v1\nkind: Pod\nspec:\n  containers:\n  - name: taskmanager\n"
                          "    image: flink:1.20.1\n    args: [taskmanager]\n    volumeMounts:\n"
                          "    - {name: scratch, mountPath: /scratch}\n  volumes:\n"
                          "  - name: scratch\n    emptyDir: {}\n"},
    .check = Check,
};

}  // namespace wrackline::flink::lint
