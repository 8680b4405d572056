// How a container ended, by Kubernetes' word alone.
//
//   const PodEnd end = PodEndOf(evidence);
//   if (end.kind == PodEndKind::kOomKilled) ...
//
// Kubernetes says OOMKilled for whatever the kernel killed in the container's group, also for a child of its first process: the exit
// code then is not the killed process's. Pure; any thread.
#pragma once

#include <string>

#include "analyzer/evidence/evidence.h"

namespace wrackline::diagnosis {

enum class PodEndKind {
  kNotSaid,    // no pod status, or it says nothing of an end
  kRunning,    // the container runs, and never ended before
  kOomKilled,  // reason OOMKilled, and the exit code of a SIGKILL
  kChildKilled,  // reason OOMKilled, but its first process ended otherwise: another of its processes was killed
  kEvicted,    // the node was short of memory
  kNotMemory,  // preempted, drained, another resource, a probe, a node that went down
  kCompleted,  // exit code 0
  kFailed,     // another exit code or signal, 137 among them, and nothing says why
};

struct PodEnd {
  PodEndKind kind = PodEndKind::kNotSaid;
  const evidence::ContainerStatus* container = nullptr;  // that the evidence is about
  const evidence::ContainerEnd* end = nullptr;           // its newest
  bool probe = false;  // a liveness probe ended a container of this pod
  std::string why;     // one clause, as a sentence goes on: "the liveness probe of ... failed"
};

PodEnd PodEndOf(const evidence::Evidence& evidence);

// True when a kill in the container left its first process alive: it runs still and was not started again, or it ended by its probe
// or with a code that is no SIGKILL's. False where the pod's status is missing or does not say.
bool ContainerLivedOn(const evidence::Evidence& evidence, const PodEnd& end);

}  // namespace wrackline::diagnosis
