// The memory limit did not end this process: said plainly, so that nobody sizes a pod for nothing.
#include <fmt/core.h>

#include "analyzer/diagnosis/rules.h"

namespace wrackline::diagnosis {

std::optional<Finding> NotAKill(const Case& c) {
  Finding finding;
  finding.role = Role::kInformation;
  finding.confidence = Confidence::kHigh;
  switch (c.outcome) {
    case Outcome::kCleanExit:
      finding.summary = "Not a kill: the process ended cleanly";
      break;
    case Outcome::kStillRunning:
      finding.summary = "Not a kill: the process is still running";
      break;
    case Outcome::kStoppedAtLimit:
      finding.summary = "Not a kill: the process ended by itself where the limit would be";
      break;
    case Outcome::kEndedWithStatus:
      finding.summary = fmt::format("Not a kill: the process ended with status {}",
                                    c.evidence.ending.exit_status.value_or(-1));
      break;
    case Outcome::kKilledBySignal:
      finding.summary = fmt::format("Not an OOM kill as far as is known: signal {}",
                                    c.evidence.ending.signal.value_or(0));
      if (!c.evidence.ending.oom_kill_after) finding.confidence = Confidence::kLow;
      break;
    default:
      return std::nullopt;
  }
  return finding;
}

}  // namespace wrackline::diagnosis
