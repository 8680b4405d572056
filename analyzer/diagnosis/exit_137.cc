// Exit code 137 says that a SIGKILL ended it, and not who sent that: the kernel at a limit, the kubelet after a probe, a node that
// was drained.
#include <fmt/core.h>

#include <csignal>

#include "analyzer/diagnosis/held.h"
#include "analyzer/diagnosis/pod_end.h"
#include "analyzer/diagnosis/rules.h"

namespace wrackline::diagnosis {
namespace {

bool KilledBySigkill(const PodEnd& pod) {
  return pod.end != nullptr && (pod.end->exit_code == 128 + SIGKILL || pod.end->signal == SIGKILL);
}

// Memory was, or was not, near the limit.
void AddMemory(const Case& c, Finding* finding) {
  const std::optional<Bytes> limit = LimitOf(c.evidence);
  const std::optional<Bytes> total = TotalOf(c);
  if (!limit || !total) {
    finding->against.emplace_back("how full its memory was is not known");
    return;
  }
  const std::string text =
      fmt::format("{} of {} were charged", FormatBytes(*total), FormatBytes(*limit));
  (10 * *total < 9 * *limit ? finding->evidence : finding->against).push_back(text);
}

}  // namespace

std::optional<Finding> Exit137NotOom(const Case& c) {
  const PodEnd pod = PodEndOf(c.evidence);
  Finding finding;
  if (c.outcome == Outcome::kNotMemory && pod.kind == PodEndKind::kNotMemory) {
    finding.role = Role::kCause;
    finding.confidence = Confidence::kHigh;
    finding.summary = KilledBySigkill(pod) ? "Exit code 137, and no OOM kill: " + pod.why
                                           : "No OOM kill: " + pod.why;
    AddMemory(c, &finding);
    if (!finding.against.empty()) finding.confidence = Confidence::kMedium;
    if (pod.probe)
      finding.advice.emplace_back(
          "look at what the probe waits for: a long collection or a stalled disk answers late; "
          "failureThreshold and timeoutSeconds give it time");
    return finding;
  }
  if (c.outcome != Outcome::kUnknown || !KilledBySigkill(pod)) return std::nullopt;
  finding.role = Role::kInformation;
  finding.confidence = Confidence::kLow;
  finding.summary = "Exit code 137 says SIGKILL, and nothing here says who sent it";
  finding.evidence.push_back(pod.why);
  AddMemory(c, &finding);
  finding.advice.emplace_back(
      "the pod's events (kubectl get events, kept for an hour) and the node's kernel log say who "
      "it "
      "was");
  return finding;
}

std::optional<Finding> ChildKilledContainerLived(const Case& c) {
  if (c.outcome != Outcome::kOomKilledContainerLived) return std::nullopt;
  const PodEnd pod = PodEndOf(c.evidence);
  Finding finding;
  finding.role = Role::kContributor;
  finding.confidence = Confidence::kHigh;
  finding.summary =
      "The kernel killed a child of the container's first process: the container went on without "
      "it, "
      "and Kubernetes noticed late or not at all";
  if (!pod.why.empty()) finding.evidence.push_back(pod.why);
  const auto& kill = c.evidence.ending.kernel_kill;
  if (kill)
    finding.evidence.push_back(fmt::format("killed: process {} ({})", kill->pid, kill->name));
  if (c.evidence.ending.oom_kill_before && c.evidence.ending.oom_kill_after)
    finding.evidence.push_back(fmt::format("the group's oom_kill counter: {}, then {}",
                                           *c.evidence.ending.oom_kill_before,
                                           *c.evidence.ending.oom_kill_after));
  if (!kill && !c.evidence.ending.oom_kill_after)
    finding.against.emplace_back("the kernel's log is not here: which process it was is not known");
  finding.advice.emplace_back(
      "start the program with exec, so that it is the container's first process and its end is the "
      "container's");
  finding.advice.emplace_back(
      "on cgroup v2 the kubelet kills the whole container together unless singleProcessOOMKill is "
      "set");
  return finding;
}

}  // namespace wrackline::diagnosis
