// The node ran out of memory, not the pod: a larger limit would have made it worse.
#include <fmt/core.h>

#include "analyzer/diagnosis/held.h"
#include "analyzer/diagnosis/pod_end.h"
#include "analyzer/diagnosis/rules.h"

namespace wrackline::diagnosis {
namespace {

bool Contains(const std::string& text, const char* part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

std::optional<Finding> NodeOom(const Case& c) {
  const bool evicted = c.outcome == Outcome::kEvicted;
  std::string event;
  if (c.evidence.pod) {
    for (const evidence::PodEvent& one : c.evidence.pod->events) {
      if (one.reason == "SystemOOM" || one.reason == "NodeHasInsufficientMemory" ||
          (one.reason == "EvictionThresholdMet" && Contains(one.message, "memory")))
        event = one.reason + (one.message.empty() ? "" : ": " + one.message);
    }
  }
  const bool killed = c.outcome == Outcome::kNodeOutOfMemory;
  if (!evicted && !killed && event.empty()) return std::nullopt;
  Finding finding;
  finding.role = evicted || killed ? Role::kCause : Role::kInformation;
  finding.confidence = evicted || killed ? Confidence::kHigh : Confidence::kMedium;
  finding.summary =
      killed    ? "The machine itself had no memory left: the kernel took the process with the "
                  "highest score"
      : evicted ? "Kubernetes evicted the pod because its node was short of memory"
                : "The node was short of memory around that time";
  if (!event.empty()) finding.evidence.push_back("event " + event);
  const auto& kill = c.evidence.ending.kernel_kill;
  if (killed && kill && kill->anon_rss) {
    finding.amount = *kill->anon_rss;
    finding.evidence.push_back(fmt::format("the killed process held {} of anonymous memory",
                                           FormatBytes(*kill->anon_rss)));
  }
  if (c.evidence.pod) {
    const evidence::PodStatus& pod = *c.evidence.pod;
    if (!pod.message.empty()) finding.evidence.push_back(pod.message);
    if (!pod.offending_containers.empty())
      finding.evidence.push_back(fmt::format(
          "over its request: {}{}", pod.offending_containers,
          pod.offending_usage.empty() ? std::string() : " (" + pod.offending_usage + ")"));
    if (!pod.qos_class.empty()) finding.evidence.push_back("QoS class " + pod.qos_class);
    const PodEnd end = PodEndOf(c.evidence);
    if (end.container != nullptr && end.container->memory_request && end.container->memory_limit &&
        *end.container->memory_request < *end.container->memory_limit)
      finding.advice.push_back(fmt::format(
          "a memory request of {}, as large as the limit (it is {}): the scheduler then keeps that "
          "much free, and the pod is the last to go",
          FormatBytes(*end.container->memory_limit), FormatBytes(*end.container->memory_request)));
  }
  const std::optional<Bytes> limit = LimitOf(c.evidence);
  if (!evicted && !killed && IsOomKill(c.outcome) && limit)
    finding.against.push_back(
        fmt::format("the kernel killed at the pod's own limit of {}", FormatBytes(*limit)));
  if (finding.advice.empty())
    finding.advice.emplace_back(
        "memory requests as large as the limits for the pods of that node, so that the scheduler "
        "does not promise its memory twice");
  return finding;
}

}  // namespace wrackline::diagnosis
