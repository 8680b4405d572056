// What a container's command and arguments say to Flink.
//
//   ReadCommandLine({"bash", "-c", "kubernetes-taskmanager.sh -D taskmanager.memory.managed.size=1g"})
//     -> TaskManager, one property
//
// Pure; thread-safe.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "analyzer/evidence/pod_manifest.h"

namespace wrackline::evidence {

// One element of `command` or `args`.
struct CommandWord {
  std::string text;
  Spot at;
};

struct CommandProperty {
  std::string key;
  std::string value;
  Spot at;  // of the element
};

struct CommandLine {
  std::optional<FlinkRole> role;  // by the script, the image's own word or the main class
  bool other_part = false;        // history server, SQL gateway or client: neither of the two
  bool native = false;            // kubernetes-taskmanager.sh, KubernetesTaskExecutorRunner, ...
  // -Dkey=value and -D key=value behind the script or class: before it they are the VM's.
  std::vector<CommandProperty> properties;
  std::vector<std::string> jvm_options;  // -X...
};

// An element behind "-c", or with several words, is split as a shell does: quotes and backslashes
// are understood, variables are kept as they stand.
CommandLine ReadCommandLine(const std::vector<CommandWord>& words);

// The words of a shell's text. Never fails: an open quote ends with the text.
std::vector<std::string> SplitShellWords(std::string_view text);

}  // namespace wrackline::evidence
