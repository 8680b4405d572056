// What Kubernetes (or YARN) says of the container's end.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "lib/units/bytes.h"

namespace wrackline::evidence {

// One end of a container: state.terminated or lastState.terminated.
struct ContainerEnd {
  std::string reason;  // "OOMKilled", "Error", "Completed", "ContainerStatusUnknown", "StartError"
  std::string message;
  std::optional<int> exit_code, signal;
  std::string started, finished;  // as printed (RFC 3339)
};

struct ContainerStatus {
  std::string name, id;
  bool init = false;
  std::string state;  // "running", "waiting", "terminated"; empty: not said
  std::string waiting_reason;
  std::optional<ContainerEnd> end, last_end;  // of the present instance; of the one before
  std::optional<int> restarts;
  std::optional<Bytes> memory_limit, memory_request;
  std::string liveness_probe;  // as described; empty: none, or not said
};

struct PodEvent {
  std::string type, reason, message, source;
  std::string age;          // as printed
  std::string first, last;  // times as printed
  std::optional<int> count;
};

struct PodStatus {
  std::string name, namespace_, node, uid;
  std::string phase, reason,
      message;  // reason "Evicted", "Preempting", "NodeShutdown", "Terminated"
  std::string qos_class;
  std::vector<std::string> conditions;  // "DisruptionTarget=True (PreemptionByScheduler): ..."
  std::vector<ContainerStatus> containers;
  std::vector<PodEvent> events;
  // The containers that an eviction blamed (annotation offending_containers), and their usage as printed.
  std::string offending_containers, offending_usage, starved_resource;
  std::optional<Bytes> pod_limit;  // of the pod as a whole (spec.resources), where set
};

// "Container [pid=...] is running beyond physical memory limits"
struct YarnKill {
  std::string container;
  std::optional<std::uint32_t> pid;
  bool virtual_memory = false;  // the virtual limit was the reason
  std::optional<Bytes> physical_used, physical_limit, virtual_used, virtual_limit;
  std::optional<int> exit_code;
  struct Process {
    std::uint32_t pid = 0;
    std::string name, command_line;
    Bytes resident;  // the dump counts pages
  };
  std::vector<Process> processes;
};

}  // namespace wrackline::evidence
