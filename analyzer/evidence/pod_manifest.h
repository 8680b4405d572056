// A Kubernetes manifest, read as the cluster, Flink's operator and Flink's image read it: what the
// Flink container of a pod gets (memory, volumes, environment) and the configuration that reaches
// Flink through it.
//
//   Result<PodManifest> pod = FlinkFromManifest(text, "taskmanager.yaml", {});
//   pod.value().memory_limit->bytes                                         -> 2 GiB
//   pod.value().configuration.Get("taskmanager.memory.process.size")        -> "2147483648 bytes"
//   pod.value().mode, pod.value().role, pod.value().version
//
// Text: YAML or JSON, one or many documents. Kinds: Pod, Deployment, StatefulSet, ReplicaSet,
// DaemonSet, Job, CronJob, PodTemplate, ConfigMap, List (and PodList, ...), FlinkDeployment
// (flink.apache.org); others are skipped. What `kubectl get -o yaml` and `-o json` print is fine too.
// What each field means and what wins over what: docs/manifests.md.
//
// Secrets: a Secret, a value taken from one and the value of a key that Flink itself hides
// (password, token, ...) are not kept. Of the environment only the variables named in
// kKnownVariables keep their value.
//
// Pure; thread-safe. Hostile text gives an error, never a crash: size, depth, number of values and
// aliases are bounded.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "analyzer/flink/configuration.h"
#include "analyzer/flink/memory_model.h"
#include "analyzer/flink/version.h"
#include "lib/base/result.h"
#include "lib/units/bytes.h"

namespace wrackline::evidence {

// A place in the manifest. Columns count characters.
struct Spot {
  int line = 0;    // from 1; 0: not written anywhere, a default or derived
  int column = 0;  // from 1
  int length = 0;  // characters; 0 when unknown

  bool operator==(const Spot&) const = default;
};

enum class FlinkRole { kTaskManager, kJobManager };

// Who makes the pod and starts the process.
enum class FlinkStarter {
  kScripts,   // a Deployment of the user's with taskmanager.sh or the image's "taskmanager"
  kNative,    // Flink's native Kubernetes integration; a pod that it made
  kOperator,  // a FlinkDeployment, mode native (the default)
  kOperatorStandalone,  // a FlinkDeployment, mode standalone
  kUnknown,             // only a configuration: no pod in the manifest
};

// "3Gi" as written, and what it is. A fraction of a byte counts as a whole one, as in Kubernetes.
struct MemoryQuantity {
  Bytes bytes;
  std::string text;  // "" when derived
  Spot at;
};

// What Flink's image, glibc and jemalloc look at.
inline constexpr std::string_view kKnownVariables[] = {
    "DISABLE_JEMALLOC",  "FLINK_PROPERTIES",
    "JAVA_TOOL_OPTIONS", "JVM_ARGS",
    "LD_PRELOAD",        "MALLOC_ARENA_MAX",
    "MALLOC_CONF",       "TASK_MANAGER_NUMBER_OF_TASK_SLOTS"};

struct EnvironmentVariable {
  std::string name;
  std::optional<std::string> value;  // none: another variable, or valueFrom
  Spot at;
};

struct VolumeMount {
  std::string volume;
  std::string path;
  bool read_only = false;
  Spot at;
};

struct ManifestVolume {
  enum class Kind {
    kEmptyDir,
    kMemory /* emptyDir with medium Memory */,
    kHostPath,
    kConfigMap,
    kPersistent,
    kOther
  };
  std::string name;
  Kind kind = Kind::kOther;
  std::optional<MemoryQuantity> size_limit;  // of an emptyDir
  std::string host_path;
  std::vector<std::string> config_maps;  // also those of a projected volume
  Spot at;
};

struct ContainerTermination {
  std::string reason;  // "OOMKilled", "Error", ...
  int exit_code = 0;
  Spot at;
};

struct ManifestContainer {
  std::string name;
  std::string image;
  std::optional<MemoryQuantity> memory_request;  // as written; see PodManifest for what counts
  std::optional<MemoryQuantity> memory_limit;
  std::vector<EnvironmentVariable> environment;
  std::vector<VolumeMount> mounts;
  std::vector<std::string> jvm_options;  // -X... in its command line
  bool has_command = false;              // "command" replaces the image's entry point
  // First word of command, or the image's own where that is among its words; "" without one.
  std::string entry_point;
  std::optional<ContainerTermination> last_end;  // of a live pod's status
  Spot at;
  Spot resources_at;  // the key "resources"; line 0 when there is none

  // The last one of that name; nullptr when it is not set.
  const EnvironmentVariable* FindVariable(std::string_view name) const;
};

// One key of Flink's configuration in the manifest.
struct ManifestSetting {
  enum class Source {
    kConfigMap,           // flink-conf.yaml or config.yaml in a ConfigMap
    kFlinkConfiguration,  // spec.flinkConfiguration
    kOperatorResource,    // spec.taskManager.resource(s).memory, as the operator writes it
    kEnvironment,         // FLINK_PROPERTIES, TASK_MANAGER_NUMBER_OF_TASK_SLOTS
    kArguments,           // -Dkey=value
  };
  std::string key;
  std::string value;
  Source source = Source::kConfigMap;
  Spot key_at;
  Spot value_at;
  std::string ignored;  // why it does not count; "" when it does
};

// A configuration file in a ConfigMap.
struct ManifestConfigText {
  std::string file;  // the data key: "flink-conf.yaml", "config.yaml"
  std::string config_map;
  std::string text;
  Spot at;  // the data key
  // Line n of the text is line n + first_line - 1 of the manifest, column c is c + indent; 0 when
  // the text's lines are not lines of the manifest (a quoted text): then everything is at `at`.
  int first_line = 0;
  int indent = 0;
};

// What a FlinkDeployment says of a role's memory in spec.taskManager.resources (or spec.jobManager.resources), beside which the operator
// ignores `resource`.
struct OperatorResources {
  bool request = false, limit = false;  // requests.memory, limits.memory
};

struct PodManifest {
  std::string file;
  std::string kind;  // of the object that makes the pod: "FlinkDeployment"; "" without a pod
  std::string name;
  Spot at;

  FlinkRole role = FlinkRole::kTaskManager;
  FlinkStarter starter = FlinkStarter::kUnknown;
  // Containerized, except for pods that run Flink's own scripts.
  flink::Mode mode = flink::Mode::kContainerized;
  // spec.flinkVersion, or the tag of an image called flink.
  std::optional<flink::Version> version;
  Spot version_at;

  // What Flink reads in the end. Origins have this manifest's name and line.
  flink::Configuration configuration;
  std::vector<ManifestSetting> settings;  // a later one wins over an earlier one of the same key
  std::vector<ManifestConfigText> texts;  // where settings of kConfigMap come from
  // false: this version of Flink does not read that file, and nothing of it is in `settings`.
  bool text_is_read = true;
  std::optional<OperatorResources> operator_resources;  // of this role; none: `resource` counts

  // Flink's container; none without a pod.
  std::optional<ManifestContainer> container;
  std::vector<ManifestContainer> others;  // beside it, without init containers
  std::vector<ManifestVolume> volumes;
  // What Flink's container gets: as written, or, where Flink makes the pod, process size times
  // limit factor in whole MiB (a pod template's memory is overwritten by Flink).
  std::optional<MemoryQuantity> memory_limit;
  std::optional<MemoryQuantity> memory_request;

  std::vector<std::string> notes;  // what was left out or could not be decided; one line each

  // The effective setting of a key; nullptr when the manifest does not set it.
  const ManifestSetting* Find(std::string_view key) const;
  // The settings that win over a configuration file: all but the ConfigMap's.
  flink::Configuration Additions() const;
  // True where Flink or its operator decides the container's memory, not the pod's text.
  bool FlinkMakesThePod() const;
  // What Flink then multiplies the process size by: kubernetes.taskmanager.memory.limit-factor (or jobmanager), 1 by default.
  double LimitFactor() const;
  // The volume that is mounted at a path or at the nearest folder above it; nullptr: the
  // container's own file system.
  const ManifestVolume* VolumeAt(std::string_view path) const;
};

struct ManifestChoice {
  std::optional<FlinkRole> role;          // default: a TaskManager, else a JobManager
  std::optional<flink::Version> version;  // what was asked for: it wins over the manifest's
  // A ConfigMap's file that Flink refuses is an error; false: it has a text and no settings.
  bool refused_is_error = true;
};

// Errors, with file and line: not YAML or JSON, no Kubernetes object, nothing of Flink in it, a
// quantity that Kubernetes refuses, a configuration that Flink refuses.
Result<PodManifest> FlinkFromManifest(std::string_view text, std::string_view file,
                                      const ManifestChoice& choice);

// True when a text is a manifest rather than a Flink configuration: a document with the keys
// apiVersion and kind on its top level.
bool LooksLikeManifest(std::string_view text);

}  // namespace wrackline::evidence
