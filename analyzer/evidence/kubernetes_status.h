// A pod's status as the API server gives it: `kubectl get pod X -o json` or `-o yaml`, one pod or a List of them.
// What is read and concluded: docs/evidence-kubernetes.md.
//
//   Result<PodStatus> pod = ParsePodStatus(text, "pod.yaml", "");
//   pod.value().containers[0].last_end->reason   -> "OOMKilled"
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "analyzer/evidence/source.h"

namespace wrackline::evidence {

// The containers of the result stand in the order of interest: PutMainFirst's. Of a List the pod that has the container
// `container_id` ("" for none), else the first TaskManager that was killed, else what comes next in that sense.
// Errors: not YAML, or no pod with a status in it.
Result<PodStatus> ParsePodStatus(std::string_view text, std::string_view file,
                                 std::string_view container_id);

// The container that is meant first: the one of that id, else Flink's main container, else one that was OOMKilled, else one that
// ended with another failure.
void PutMainFirst(std::string_view container_id, PodStatus* pod);
// How much a pod looks like the one that is meant; larger is more.
int InterestOf(const PodStatus& pod, std::string_view container_id);
// "container flink-main-container: before this one OOMKilled, exit code 137 (2026-...), 3 restarts, limit 1.00 GiB"
std::string DescribePod(const PodStatus& pod);
// Makes `pod` the evidence's: what other files said of it (events) is kept; a limit that nobody else knew is the container's.
void TakePod(PodStatus pod, Evidence* evidence);

bool IsPodStatus(const SourceFile& file);
Result<std::string> AddPodStatus(const SourceFile& file, Evidence* evidence);

}  // namespace wrackline::evidence
