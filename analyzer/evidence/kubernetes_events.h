// Kubernetes events: `kubectl get events` as JSON, as YAML, or as its table (also `-A` and `-o wide`).
//
// An event says what the kubelet, the scheduler or a controller did: "Evicted", "Preempted", "SystemOOM", "Unhealthy". A container
// that the kernel kills at its own limit makes no event of its own; its absence says nothing.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "analyzer/evidence/source.h"

namespace wrackline::evidence {

struct NamedEvent {
  std::string kind,
      object;  // "Pod", "flink-taskmanager-1-1"; of the table the kind is lower case, as printed
  PodEvent event;
  // Of an eviction (annotations), comma-separated where there are several.
  std::string offending_containers, offending_usage, starved_resource;
};

// At most 20,000. Errors: not YAML; no event in it.
Result<std::vector<NamedEvent>> ParseEvents(std::string_view text, std::string_view file);

// The table at the beginning of `text`: the rows below a header of column names. Also of describe's "Events:" (indented, with a
// rule below the header). Empty when the first line is no such header.
std::vector<NamedEvent> ParseEventTable(std::string_view text);

bool IsKubernetesEvents(const SourceFile& file);
// Adds those of the evidence's pod, where one is known, and those of nodes and others that bear on memory.
Result<std::string> AddKubernetesEvents(const SourceFile& file, Evidence* evidence);

}  // namespace wrackline::evidence
