// The memory limit did not end this process: said plainly, so that nobody sizes a pod for nothing.
#include <fmt/core.h>

#include "analyzer/diagnosis/pod_end.h"
#include "analyzer/diagnosis/rules.h"

namespace wrackline::diagnosis {
namespace {

std::string StatusSentence(const evidence::Evidence& evidence) {
  if (evidence.ending.exit_status)
    return fmt::format("Not a kill: the process ended with status {}",
                       *evidence.ending.exit_status);
  return "Not a kill: " + PodEndOf(evidence).why;
}

}  // namespace

std::optional<Finding> NotAKill(const Case& c) {
  Finding finding;
  finding.role = Role::kInformation;
  finding.confidence = Confidence::kHigh;
  switch (c.outcome) {
    case Outcome::kCleanExit:
      finding.summary = "Not a kill: the process ended cleanly";
      break;
    case Outcome::kStillRunning:
      finding.summary = c.evidence.recorded
                            ? "Not a kill: the process is still running"
                            : "Not a kill: the process was running when it was last seen";
      break;
    case Outcome::kStoppedAtLimit:
      finding.summary = "Not a kill: the process ended by itself where the limit would be";
      break;
    case Outcome::kEndedWithStatus:
      finding.summary = StatusSentence(c.evidence);
      break;
    case Outcome::kKilledBySignal:
      finding.summary = fmt::format("Not an OOM kill as far as is known: signal {}",
                                    c.evidence.ending.signal.value_or(0));
      if (!c.evidence.ending.oom_kill_after) finding.confidence = Confidence::kLow;
      break;
    case Outcome::kNotMemory:
      finding.summary = "Not a memory kill: nothing here has to be made larger for it";
      break;
    default:
      return std::nullopt;
  }
  return finding;
}

}  // namespace wrackline::diagnosis
