#include "analyzer/diagnosis/pod_end.h"

#include <fmt/core.h>

#include <algorithm>
#include <csignal>

namespace wrackline::diagnosis {
namespace {

using evidence::ContainerEnd;
using evidence::ContainerStatus;
using evidence::Evidence;
using evidence::PodEvent;
using evidence::PodStatus;

// What a shell and Kubernetes make of a process that a signal ended.
constexpr int kKilledCode = 128 + SIGKILL;

bool Contains(const std::string& text, const char* part) {
  return text.find(part) != std::string::npos;
}

const ContainerEnd* NewestEnd(const ContainerStatus& container) {
  if (container.end) return &*container.end;
  return container.last_end ? &*container.last_end : nullptr;
}

bool IsOomKilled(const ContainerStatus& container) {
  const ContainerEnd* end = NewestEnd(container);
  return end != nullptr && end->reason == "OOMKilled";
}

bool Failed(const ContainerStatus& container) {
  const ContainerEnd* end = NewestEnd(container);
  return end != nullptr && (end->exit_code.value_or(0) != 0 || end->signal.value_or(0) != 0);
}

// By the recorded container id; else the name that Flink's own images use; else the one that was killed, the one that failed, the
// only one.
const ContainerStatus* ContainerOf(const Evidence& evidence, const PodStatus& pod) {
  const auto first = [&pod](auto&& wanted) -> const ContainerStatus* {
    const auto found = std::find_if(pod.containers.begin(), pod.containers.end(), wanted);
    return found == pod.containers.end() ? nullptr : &*found;
  };
  const std::string& id = evidence.process.container_id;
  if (!id.empty()) {
    if (const auto* found = first([&](const auto& c) { return Contains(c.id, id.c_str()); }))
      return found;
  }
  if (const auto* found = first([](const auto& c) { return c.name == "flink-main-container"; }))
    return found;
  for (const bool init : {false, true}) {
    if (const auto* found = first([&](const auto& c) { return c.init == init && IsOomKilled(c); }))
      return found;
    if (const auto* found = first([&](const auto& c) { return c.init == init && Failed(c); }))
      return found;
    if (const auto* found = first([&](const auto& c) { return c.init == init; })) return found;
  }
  return nullptr;
}

// Of the containers that the pod's status has, the one that the message names; null: none.
const ContainerStatus* ContainerIn(const std::string& message, const PodStatus& pod) {
  const ContainerStatus* named = nullptr;
  for (const ContainerStatus& container : pod.containers) {
    // "Container flink-main-container failed liveness probe, will be restarted".
    if (Contains(message + " ", ("ontainer " + container.name + " ").c_str())) named = &container;
  }
  return named;
}

// "" when no such event of that container is there.
std::string ProbeText(const PodStatus& pod, const ContainerStatus* container) {
  for (const PodEvent& event : pod.events) {
    const ContainerStatus* const named = ContainerIn(event.message, pod);
    if (named != nullptr && container != nullptr && named != container) continue;
    if (event.reason == "Killing" && Contains(event.message, "liveness probe"))
      return "its liveness probe failed and Kubernetes ended it (\"" + event.message + "\")";
  }
  return {};
}

// What ends whole pods, memory aside. "" when nothing of the kind is said.
std::string ElsewhereText(const PodStatus& pod) {
  static constexpr const char* kReasons[][2] = {
      {"Preempting", "the node needed its place for a pod of higher priority"},
      {"Preempted", "the scheduler needed its place for a pod of higher priority"},
      {"NodeShutdown", "its node was shut down"},
      {"Terminated", "its node was shut down"},
      {"Shutdown", "its node was shut down"},
      {"NodeLost", "its node was lost"},
      {"NodeAffinity", "its node no longer fitted it"},
      {"UnexpectedAdmissionError", "its node refused it"},
      {"DeadlineExceeded", "its deadline had passed"}};
  for (const auto& [reason, text] : kReasons) {
    if (pod.reason == reason) return text;
  }
  static constexpr const char* kConditions[][2] = {
      {"PreemptionByScheduler", "the scheduler preempted it for a pod of higher priority"},
      {"EvictionByEvictionAPI", "somebody evicted it, as a drain of its node does"},
      {"DeletionByTaintManager", "its node was tainted and it does not tolerate that"},
      {"DeletionByPodGC", "its node was gone"}};
  for (const std::string& condition : pod.conditions) {
    if (!Contains(condition, "DisruptionTarget=True")) continue;
    for (const auto& [name, text] : kConditions) {
      if (Contains(condition, name)) return text;
    }
  }
  static constexpr const char* kEvents[][2] = {
      {"Preempted", "it was preempted for a pod of higher priority"},
      {"Preempting", "it was preempted for a pod of higher priority"},
      {"TaintManagerEviction", "its node was tainted and it does not tolerate that"},
      {"NodeShutdown", "its node was shut down"}};
  for (const PodEvent& event : pod.events) {
    // The same reason calls it off.
    if (event.message.starts_with("Cancelling deletion")) continue;
    for (const auto& [reason, text] : kEvents) {
      if (event.reason == reason) return text;
    }
  }
  return {};
}

std::string CodeText(const ContainerEnd& end) {
  if (end.exit_code) return fmt::format("exit code {}", *end.exit_code);
  if (end.signal) return fmt::format("signal {}", *end.signal);
  return "no exit code";
}

void DecideEviction(const PodStatus& pod, const std::string& message, PodEnd* result) {
  const bool memory =
      pod.starved_resource.empty() ? Contains(message, "memory") : pod.starved_resource == "memory";
  if (memory) {
    result->kind = PodEndKind::kEvicted;
    result->why = "the node was short of memory and Kubernetes evicted the pod";
  } else {
    result->kind = PodEndKind::kNotMemory;
    result->why =
        fmt::format("Kubernetes evicted the pod: {}",
                    !pod.starved_resource.empty() ? "the node was short of " + pod.starved_resource
                    : message.empty()             ? "the reason is not known"
                                                  : message);
  }
}

void DecideContainer(const PodStatus& pod, PodEnd* result) {
  const ContainerStatus& container = *result->container;
  if (result->end == nullptr) {
    if (container.state == "running") result->kind = PodEndKind::kRunning;
    return;
  }
  const ContainerEnd& end = *result->end;
  const bool killed = end.exit_code == kKilledCode || end.signal == SIGKILL;
  if (end.reason == "OOMKilled") {
    // Without a code there is nothing that speaks against it.
    const bool first_process = killed || (!end.exit_code && !end.signal);
    result->kind = first_process ? PodEndKind::kOomKilled : PodEndKind::kChildKilled;
    result->why = fmt::format("container {}: reason OOMKilled, {}", container.name, CodeText(end));
    return;
  }
  if (end.exit_code.value_or(0) == 0 && end.signal.value_or(0) == 0 && end.exit_code) {
    result->kind = PodEndKind::kCompleted;
    result->why = fmt::format("container {}: {}, exit code 0", container.name,
                              end.reason.empty() ? "no reason" : end.reason);
    return;
  }
  if (const std::string probe = ProbeText(pod, &container); !probe.empty()) {
    result->kind = PodEndKind::kNotMemory;
    result->why = probe;
    return;
  }
  result->kind = PodEndKind::kFailed;
  result->why = fmt::format("container {}: {}, reason {}", container.name, CodeText(end),
                            end.reason.empty() ? "not given" : end.reason);
}

}  // namespace

PodEnd PodEndOf(const Evidence& evidence) {
  PodEnd result;
  if (!evidence.pod) return result;
  const PodStatus& pod = *evidence.pod;
  result.container = ContainerOf(evidence, pod);
  if (result.container != nullptr) result.end = NewestEnd(*result.container);
  result.probe = !ProbeText(pod, result.container).empty();
  // A container that the kernel killed stays that, whatever became of its pod.
  if (result.container != nullptr) DecideContainer(pod, &result);
  if (result.kind == PodEndKind::kOomKilled || result.kind == PodEndKind::kChildKilled)
    return result;
  const auto evicted = std::find_if(pod.events.begin(), pod.events.end(),
                                    [](const auto& event) { return event.reason == "Evicted"; });
  if (pod.reason == "Evicted") {
    DecideEviction(pod, pod.message, &result);
  } else if (pod.reason.empty() && evicted != pod.events.end()) {
    DecideEviction(pod, evicted->message, &result);
  } else if (std::string text = ElsewhereText(pod); !text.empty()) {
    result.kind = PodEndKind::kNotMemory;
    result.why = std::move(text);
  }
  return result;
}

namespace {

// The status is of another container than the one that was killed: of the pod that took its place, mostly.
bool OfAnother(const Evidence& evidence, const ContainerStatus& container) {
  std::string_view id = container.id;
  if (const std::size_t scheme = id.find("://"); scheme != std::string_view::npos)
    id.remove_prefix(scheme + 3);
  if (id.empty()) return false;
  const std::string& own = evidence.process.container_id;
  if (!own.empty() && id.find(own) == std::string_view::npos) return true;
  const auto& kill = evidence.ending.kernel_kill;
  return kill && kill->report &&
         (OfAnotherContainer(*kill->report, id) || OfAnotherPod(*kill->report, evidence.pod->uid));
}

}  // namespace

bool ContainerLivedOn(const Evidence& evidence, const PodEnd& end) {
  if (!evidence.pod || end.container == nullptr) return false;
  if (end.kind == PodEndKind::kRunning && OfAnother(evidence, *end.container)) return false;
  if (end.kind == PodEndKind::kChildKilled) return true;
  // Of an earlier end of a container that then was killed itself the event may be, too.
  if (end.probe && end.kind != PodEndKind::kRunning && end.kind != PodEndKind::kOomKilled &&
      end.end != nullptr)
    return true;
  return end.kind == PodEndKind::kRunning && end.container->restarts == 0;
}

}  // namespace wrackline::diagnosis
