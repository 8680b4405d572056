#include "analyzer/flink/lint/pod_facts.h"

namespace wrackline::flink::lint {
namespace {

void Check(const Context& context, Findings& findings) {
  const evidence::PodManifest* pod = FlinkPod(context);
  if (pod == nullptr) return;
  for (const WrittenFolder& folder : WrittenFolders(context)) {
    const evidence::ManifestVolume* volume = pod->VolumeAt(folder.path);
    if (volume == nullptr || volume->kind != evidence::ManifestVolume::Kind::kMemory) continue;
    findings.push_back(
        {Severity::kWarning, "", At(*pod, volume->at),
         "Volume " + volume->name + " is memory (emptyDir, medium Memory) and holds " +
             std::string(folder.what) + ": " + folder.path,
         std::string("Each byte written there counts against the pod's limit, beside the process "
                     "size, and cannot be reclaimed") +
             (volume->size_limit ? ", up to " + FormatBytes(volume->size_limit->bytes) : "") + ".",
         "Leave medium out, so that the volume is a disk, or give the pod's limit the volume's "
         "size on top of the process size."});
  }
}

}  // namespace

extern const Rule kFilesInMemory;
const Rule kFilesInMemory{
    .id = "files-in-memory",
    .severity = Severity::kWarning,
    .title = "A heap dump, RocksDB's files or temporary files on a volume of memory",
    .explanation =
        "An emptyDir with medium Memory is a tmpfs: its files are the pod's memory, charged to "
        "its limit. RocksDB's local folder grows with the state; a heap dump is as large as the "
        "heap and is written when memory is short already.",
    .wrong = {.config = "taskmanager.memory.process.size: 4g\n"
                        "state.backend.rocksdb.localdir: /data/rocksdb\n",
              .manifest = "apiVersion: v1\nkind: Pod\nspec:\n  containers:\n  - name: taskmanager\n"
                          "    image: flink:1.20.1\n    args: [taskmanager]\n    volumeMounts:\n"
                          "    - {name: data, mountPath: /data}\n  volumes:\n"
                          "  - name: data\n    emptyDir: {medium: Memory}\n"},
    .right = {.config = "taskmanager.memory.process.size: 4g\n"
                        "state.backend.rocksdb.localdir: /data/rocksdb\n",
              .manifest = "apiVersion: v1\nkind: Pod\nspec:\n  containers:\n  - name: taskmanager\n"
                          "    image: flink:1.20.1\n    args: [taskmanager]\n    volumeMounts:\n"
                          "    - {name: data, mountPath: /data}\n  volumes:\n"
                          "  - name: data\n    emptyDir: {}\n"},
    .check = Check,
};

}  // namespace wrackline::flink::lint
