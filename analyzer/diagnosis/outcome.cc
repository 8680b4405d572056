#include "analyzer/diagnosis/outcome.h"

#include <fmt/core.h>
#include <csignal>

namespace wrackline::diagnosis {
namespace {

using evidence::Ending;
using evidence::Evidence;

// A cgroup is killed when a charge does not fit: the last one recorded may be a few pages batches
// below the limit.
bool ChargeAtLimit(const Evidence& evidence) {
  if (!evidence.limit || !evidence.last_charge) return false;
  return 100 * evidence.last_charge->amount >= 95 * evidence.limit->amount;
}

std::optional<bool> OomCounterMoved(const Ending& ending) {
  if (!ending.oom_kill_before || !ending.oom_kill_after) return std::nullopt;
  return *ending.oom_kill_after > *ending.oom_kill_before;
}

Outcome WaitedForSignal(const Evidence& evidence, std::vector<std::string>* reasons) {
  const Ending& ending = evidence.ending;
  if (ending.signal != SIGKILL) {
    reasons->push_back(fmt::format("ended by signal {}", *ending.signal));
    return Outcome::kKilledBySignal;
  }
  reasons->push_back("ended by SIGKILL");
  if (ending.kernel_kill && ending.kernel_kill->pid == evidence.process.pid) {
    reasons->push_back("the kernel's log names the process");
    return Outcome::kOomKilled;
  }
  const std::optional<bool> moved = OomCounterMoved(ending);
  if (moved && *moved) {
    reasons->push_back(fmt::format("the cgroup's oom_kill counter went from {} to {}",
                                   *ending.oom_kill_before, *ending.oom_kill_after));
    return Outcome::kOomKilled;
  }
  if (moved) {
    reasons->push_back("the cgroup's oom_kill counter did not move: it was not the OOM killer");
    return Outcome::kKilledBySignal;
  }
  if (ChargeAtLimit(evidence)) {
    reasons->push_back("the charge was at the limit; no oom_kill counter could be read");
    return Outcome::kProbablyOomKilled;
  }
  reasons->push_back("no oom_kill counter could be read: who sent the signal is not known");
  return Outcome::kKilledBySignal;
}

}  // namespace

Outcome DecideOutcome(const Evidence& evidence, std::vector<std::string>* reasons) {
  const Ending& ending = evidence.ending;
  if (evidence.metrics) {
    reasons->push_back("metrics do not say how a process ended");
    return Outcome::kMetricsOnly;
  }
  if (ending.stopped_at_limit) {
    reasons->push_back("it ended by itself where the limit would be; no limit was enforced");
    return Outcome::kStoppedAtLimit;
  }
  if (ending.signal) return WaitedForSignal(evidence, reasons);
  if (ending.clean_mark || ending.exit_status) {
    if (ending.exit_status.value_or(0) == 0) {
      reasons->push_back(ending.clean_mark ? "the recording ends with the clean-exit mark"
                                           : "exit status 0");
      return Outcome::kCleanExit;
    }
    reasons->push_back(fmt::format("exit status {}", *ending.exit_status));
    return Outcome::kEndedWithStatus;
  }
  if (ending.still_running) {
    reasons->push_back("a process of this id, started at that time, is alive");
    return Outcome::kStillRunning;
  }
  reasons->push_back("the recording has no clean-exit mark");
  // `wrackline run` waited for a parent of this process: the counter is still its cgroup's.
  const std::optional<bool> moved = OomCounterMoved(ending);
  if (moved && *moved) {
    reasons->push_back("its cgroup's oom_kill counter moved");
    return Outcome::kOomKilled;
  }
  if (ChargeAtLimit(evidence)) {
    reasons->push_back("the last charge was at the limit");
    return Outcome::kProbablyOomKilled;
  }
  return Outcome::kUnknown;
}

bool IsOomKill(Outcome outcome) {
  return outcome == Outcome::kOomKilled || outcome == Outcome::kProbablyOomKilled;
}

std::string_view Name(Outcome outcome) {
  switch (outcome) {
    case Outcome::kOomKilled:
      return "oom_killed";
    case Outcome::kProbablyOomKilled:
      return "probably_oom_killed";
    case Outcome::kKilledBySignal:
      return "killed_by_signal";
    case Outcome::kCleanExit:
      return "clean_exit";
    case Outcome::kEndedWithStatus:
      return "ended_with_status";
    case Outcome::kStillRunning:
      return "still_running";
    case Outcome::kStoppedAtLimit:
      return "stopped_at_limit";
    case Outcome::kMetricsOnly:
      return "metrics_only";
    case Outcome::kUnknown:
      return "unknown";
  }
  return "unknown";
}

}  // namespace wrackline::diagnosis
