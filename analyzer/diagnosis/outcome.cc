#include "analyzer/diagnosis/outcome.h"

#include <fmt/core.h>

#include <algorithm>
#include <csignal>

#include "analyzer/diagnosis/pod_end.h"

namespace wrackline::diagnosis {
namespace {

using evidence::Ending;
using evidence::Evidence;
using evidence::KernelKill;
using evidence::OomConstraint;

// The limit that the kernel enforced, whatever the report is asked to compare with.
std::optional<Bytes> EnforcedLimit(const Evidence& evidence) {
  for (auto point = evidence.timeline.rbegin(); point != evidence.timeline.rend(); ++point) {
    if (point->limit) return point->limit;
  }
  if (!evidence.limit || evidence.limit->origin == "assumed" || evidence.limit->origin == "--limit")
    return std::nullopt;
  return evidence.limit->amount;
}

// Page cache at the last tick, which the kernel drops before it kills: a healthy pod's charge is at its limit for it all day.
Bytes DroppableCache(const Evidence& evidence) {
  if (evidence.timeline.empty()) return {};
  const evidence::TimelinePoint& last = evidence.timeline.back();
  const Bytes kept = last.shmem.value_or(Bytes{}) + last.file_mapped.value_or(Bytes{});
  return std::max(Bytes{}, last.file.value_or(Bytes{}) - kept);
}

// A cgroup is killed when a charge does not fit: the last one recorded may be a few pages batches
// below the limit. Of what it holds without cache the last tick may be a second old.
bool ChargeAtLimit(const Evidence& evidence) {
  const std::optional<Bytes> limit = EnforcedLimit(evidence);
  if (!limit || !evidence.last_charge) return false;
  const Bytes charge = evidence.last_charge->amount;
  return charge.count / 95 >= limit->count / 100 &&
         (charge - DroppableCache(evidence)).count / 85 >= limit->count / 100;
}

std::optional<bool> OomCounterMoved(const Ending& ending) {
  if (!ending.oom_kill_before || !ending.oom_kill_after) return std::nullopt;
  return *ending.oom_kill_after > *ending.oom_kill_before;
}

// The counter counts kills for any limit, and the kernel's own peak says that this one was not reached.
void NoteUnreachedLimit(const Evidence& evidence, std::vector<std::string>* reasons) {
  const std::optional<Bytes> limit = EnforcedLimit(evidence);
  if (!limit || !evidence.ending.kernel_peak) return;
  const Bytes peak = *evidence.ending.kernel_peak;
  if (peak.count / 95 >= limit->count / 100) return;
  // cgroup v1 may have a limit of memory and swap together, and this is memory's mark.
  for (const evidence::TimelinePoint& point : evidence.timeline) {
    if (point.swap.value_or(Bytes{}).count > 0) return;
  }
  reasons->push_back(fmt::format(
      "its charge was never above {} of {}: the limit that was reached is one that it shares with "
      "others, or the machine had no memory left; the kernel's log says which",
      FormatBytes(peak), FormatBytes(*limit)));
}

// The name of a process as the kernel has it: 15 characters.
bool SameName(const std::string& executable, const std::string& kernel_name) {
  const std::size_t slash = executable.rfind('/');
  const std::string base = slash == std::string::npos ? executable : executable.substr(slash + 1);
  return !base.empty() && base.substr(0, 15) == kernel_name;
}

// A node's log has the kills of other pods too.
bool OfThePod(const Evidence& evidence, const KernelKill& kill) {
  return !evidence.pod || !kill.report || !OfAnotherPod(*kill.report, evidence.pod->uid);
}

// The kernel's report is of the process that the rest of the evidence is about. Without a recording there is no other, unless the
// pod's status says whose it is.
bool KilledIt(const Evidence& evidence) {
  if (!evidence.ending.kernel_kill) return false;
  const KernelKill& kill = *evidence.ending.kernel_kill;
  if (!HasRecording(evidence)) return OfThePod(evidence, kill);
  if (kill.pid == evidence.process.pid) return true;
  if (!kill.report) return false;
  const std::vector<std::uint32_t>& killed = kill.report->killed;
  if (std::find(killed.begin(), killed.end(), evidence.process.pid) != killed.end()) return true;
  // In a pid namespace of its own the process has another number: its group and its name tell.
  const std::string& group = kill.report->task_cgroup;
  const bool same_group =
      (!evidence.process.container_id.empty() &&
       group.find(evidence.process.container_id) != std::string::npos) ||
      (evidence.process.cgroup_path.size() > 1 && group.ends_with(evidence.process.cgroup_path));
  return same_group &&
         (kill.report->group_kill || SameName(evidence.process.executable, kill.name));
}

bool OfMachine(const KernelKill& kill) {
  if (kill.report && OfAllPods(*kill.report)) return true;
  if (kill.report && kill.report->constraint != OomConstraint::kUnknown)
    return kill.report->constraint != OomConstraint::kCgroup;
  return !kill.of_cgroup;
}

Outcome OomKilled(const Evidence& evidence, const PodEnd& pod, std::vector<std::string>* reasons) {
  if (!ContainerLivedOn(evidence, pod)) return Outcome::kOomKilled;
  reasons->push_back(pod.kind == PodEndKind::kRunning
                         ? "its container still runs, and Kubernetes never restarted it"
                         : "its container lived on: " + pod.why);
  return Outcome::kOomKilledContainerLived;
}

Outcome ByKernel(const Evidence& evidence, const PodEnd& pod, std::vector<std::string>* reasons) {
  const KernelKill& kill = *evidence.ending.kernel_kill;
  reasons->push_back(HasRecording(evidence)
                         ? "the kernel's log names the process"
                         : fmt::format("the kernel's log says that it killed process {} ({})",
                                       kill.pid, kill.name));
  if (OfMachine(kill)) {
    reasons->push_back(
        kill.report && OfAllPods(*kill.report)
            ? "the limit that was reached is that of all pods together: the node had no memory left"
            : "it names no cgroup's limit: the machine itself had no memory left");
    return Outcome::kNodeOutOfMemory;
  }
  return OomKilled(evidence, pod, reasons);
}

// It names neither the process nor its group, and the same limit was reached at that time.
Outcome ByKillAtItsLimit(std::vector<std::string>* reasons) {
  reasons->push_back(
      "the kernel's log has a kill at its limit and at that time, of a process that goes by "
      "another "
      "number there");
  return Outcome::kProbablyOomKilled;
}

Outcome WaitedForSignal(const Evidence& evidence, const PodEnd& pod,
                        std::vector<std::string>* reasons) {
  const Ending& ending = evidence.ending;
  if (ending.signal != SIGKILL) {
    reasons->push_back(fmt::format("ended by signal {}", *ending.signal));
    return Outcome::kKilledBySignal;
  }
  reasons->push_back("ended by SIGKILL");
  if (KilledIt(evidence)) return ByKernel(evidence, pod, reasons);
  const std::optional<bool> moved = OomCounterMoved(ending);
  if (moved && *moved) {
    reasons->push_back(fmt::format("the cgroup's oom_kill counter went from {} to {}",
                                   *ending.oom_kill_before, *ending.oom_kill_after));
    NoteUnreachedLimit(evidence, reasons);
    return OomKilled(evidence, pod, reasons);
  }
  if (moved) {
    reasons->push_back("the cgroup's oom_kill counter did not move: it was not the OOM killer");
    return Outcome::kKilledBySignal;
  }
  if (ending.kernel_kill_by_limit) return ByKillAtItsLimit(reasons);
  if (ChargeAtLimit(evidence)) {
    reasons->push_back("the charge was at the limit; no oom_kill counter could be read");
    return Outcome::kProbablyOomKilled;
  }
  reasons->push_back("no oom_kill counter could be read: who sent the signal is not known");
  return Outcome::kKilledBySignal;
}

// Of several the one that says most: a lack of heap makes others fail as well, so what is rarer counts more.
int Weight(evidence::JavaErrorKind kind) {
  using evidence::JavaErrorKind;
  switch (kind) {
    case JavaErrorKind::kMetaspace:
    case JavaErrorKind::kClassSpace:
      return 0;
    case JavaErrorKind::kDirectBuffers:
      return 1;
    case JavaErrorKind::kNativeThread:
      return 2;
    case JavaErrorKind::kNativeMemory:
      return 3;
    case JavaErrorKind::kHeap:
      return 4;
    default:
      return 5;
  }
}

const evidence::JavaError* CrashOf(const Evidence& evidence) {
  for (const evidence::JavaError& error : evidence.java_errors) {
    if (error.kind == evidence::JavaErrorKind::kCrash) return &error;
  }
  return nullptr;
}

bool AskedToEnd(std::optional<int> status) {
  return status == 128 + SIGTERM || status == 128 + SIGINT;
}

std::string ErrorText(const evidence::JavaError& error) {
  return fmt::format("{}: {}", error.source.empty() ? "the log" : error.source, error.message);
}

// What its log has was no end: a task failed on it and was started again.
bool Survived(const PodEnd& pod) {
  switch (pod.kind) {
    case PodEndKind::kRunning:
      return pod.container != nullptr && pod.container->restarts == 0;
    case PodEndKind::kCompleted:
      return true;
    case PodEndKind::kNotMemory:
      // A VM that collects without end does not answer its probe.
      return !pod.probe;
    case PodEndKind::kFailed:
      return pod.end != nullptr && AskedToEnd(pod.end->exit_code);
    default:
      return false;
  }
}

// By what others say, where nobody saw the end of the process itself.
std::optional<Outcome> ByOthers(const Evidence& evidence, const PodEnd& pod,
                                std::vector<std::string>* reasons) {
  switch (pod.kind) {
    case PodEndKind::kOomKilled:
      reasons->push_back(pod.why);
      return OomKilled(evidence, pod, reasons);
    case PodEndKind::kChildKilled:
      return OomKilled(evidence, pod, reasons);
    case PodEndKind::kEvicted:
      reasons->push_back(pod.why);
      return Outcome::kEvicted;
    default:
      break;
  }
  if (evidence.yarn) {
    reasons->push_back(
        fmt::format("YARN's NodeManager ended container {}",
                    evidence.yarn->container.empty() ? "(not named)" : evidence.yarn->container));
    return Outcome::kKilledByYarn;
  }
  const evidence::JavaError* error = WorstJavaError(evidence);
  if (error != nullptr && !Survived(pod)) {
    reasons->push_back(ErrorText(*error));
    return Outcome::kJavaOutOfMemory;
  }
  if (error = CrashOf(evidence); error != nullptr) {
    reasons->push_back(ErrorText(*error));
    return Outcome::kNotMemory;
  }
  switch (pod.kind) {
    case PodEndKind::kNotMemory:
      reasons->push_back(pod.why);
      return Outcome::kNotMemory;
    case PodEndKind::kCompleted:
      reasons->push_back(pod.why);
      return Outcome::kCleanExit;
    default:
      return std::nullopt;
  }
}

Outcome ByTraces(const Evidence& evidence, const PodEnd& pod, std::vector<std::string>* reasons) {
  const bool recorded = HasRecording(evidence);
  if (recorded) reasons->push_back("the recording has no clean-exit mark");
  // `wrackline run` waited for a parent of this process: the counter is still its cgroup's.
  const std::optional<bool> moved = OomCounterMoved(evidence.ending);
  if (moved && *moved) {
    reasons->push_back("its cgroup's oom_kill counter moved");
    NoteUnreachedLimit(evidence, reasons);
    return OomKilled(evidence, pod, reasons);
  }
  // A process that was killed in a container that lived on leaves a full group behind, and its container ends otherwise.
  if (recorded && ChargeAtLimit(evidence) &&
      (pod.kind == PodEndKind::kNotSaid || ContainerLivedOn(evidence, pod))) {
    reasons->push_back("the last charge was at the limit");
    return ContainerLivedOn(evidence, pod) ? OomKilled(evidence, pod, reasons)
                                           : Outcome::kProbablyOomKilled;
  }
  if (const std::optional<Outcome> outcome = ByOthers(evidence, pod, reasons)) return *outcome;
  if (recorded && ChargeAtLimit(evidence)) {
    reasons->push_back("the last charge was at the limit");
    if (!pod.why.empty()) reasons->push_back(pod.why);
    return Outcome::kProbablyOomKilled;
  }
  if (pod.kind == PodEndKind::kFailed) {
    reasons->push_back(pod.why);
    const bool killed = pod.end->exit_code == 128 + SIGKILL || pod.end->signal == SIGKILL;
    if (!killed) return Outcome::kEndedWithStatus;
    reasons->push_back("who sent the signal is not said, and Kubernetes did not call it OOMKilled");
  } else if (pod.kind == PodEndKind::kRunning && !recorded) {
    reasons->push_back("its container runs and was never restarted");
    return Outcome::kStillRunning;
  }
  if (!recorded && reasons->empty()) reasons->push_back("nothing here says that it ended");
  return Outcome::kUnknown;
}

}  // namespace

Outcome DecideOutcome(const Evidence& evidence, std::vector<std::string>* reasons) {
  const Ending& ending = evidence.ending;
  const PodEnd pod = PodEndOf(evidence);
  if (ending.stopped_at_limit) {
    reasons->push_back("it ended by itself where the limit would be; no limit was enforced");
    return Outcome::kStoppedAtLimit;
  }
  if (ending.signal) {
    const Outcome outcome = WaitedForSignal(evidence, pod, reasons);
    if (outcome != Outcome::kKilledBySignal || ending.signal != SIGABRT) return outcome;
    // -XX:+CrashOnOutOfMemoryError, and a VM that cannot get memory for itself.
    const evidence::JavaError* error = WorstJavaError(evidence);
    if (error == nullptr) return outcome;
    reasons->push_back(ErrorText(*error));
    return Outcome::kJavaOutOfMemory;
  }
  if (ending.clean_mark || ending.exit_status) {
    if (ending.exit_status.value_or(0) == 0) {
      reasons->push_back(ending.clean_mark ? "the recording ends with the clean-exit mark"
                                           : "exit status 0");
      return Outcome::kCleanExit;
    }
    reasons->push_back(fmt::format("exit status {}", *ending.exit_status));
    // Somebody asked it to end: an error that its log has was survived.
    const evidence::JavaError* error =
        AskedToEnd(ending.exit_status) ? nullptr : WorstJavaError(evidence);
    if (error == nullptr) return Outcome::kEndedWithStatus;
    reasons->push_back(ErrorText(*error));
    return Outcome::kJavaOutOfMemory;
  }
  if (ending.still_running) {
    reasons->push_back("a process of this id, started at that time, is alive");
    return Outcome::kStillRunning;
  }
  if (KilledIt(evidence)) return ByKernel(evidence, pod, reasons);
  if (ending.kernel_kill_by_limit) return ByKillAtItsLimit(reasons);
  if (evidence.metrics) {
    if (const std::optional<Outcome> outcome = ByOthers(evidence, pod, reasons)) return *outcome;
    reasons->push_back("metrics do not say how a process ended");
    return Outcome::kMetricsOnly;
  }
  return ByTraces(evidence, pod, reasons);
}

// A process id alone is no recording: the VM's own texts have it too, and of the container's namespace.
bool HasRecording(const Evidence& evidence) {
  return evidence.records != 0 || evidence.process.recording_start.has_value();
}

const evidence::JavaError* WorstJavaError(const Evidence& evidence) {
  const evidence::JavaError* worst = nullptr;
  for (const evidence::JavaError& error : evidence.java_errors) {
    if (error.kind == evidence::JavaErrorKind::kCrash ||
        error.kind == evidence::JavaErrorKind::kCodeCache)
      continue;
    if (worst == nullptr || Weight(error.kind) < Weight(worst->kind)) worst = &error;
  }
  return worst;
}

bool IsOomKill(Outcome outcome) {
  return outcome == Outcome::kOomKilled || outcome == Outcome::kProbablyOomKilled ||
         outcome == Outcome::kOomKilledContainerLived;
}

bool EndedByLimit(Outcome outcome) {
  return IsOomKill(outcome) || outcome == Outcome::kStoppedAtLimit ||
         outcome == Outcome::kKilledByYarn;
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
    case Outcome::kOomKilledContainerLived:
      return "oom_killed_container_lived";
    case Outcome::kNodeOutOfMemory:
      return "node_out_of_memory";
    case Outcome::kEvicted:
      return "evicted";
    case Outcome::kKilledByYarn:
      return "killed_by_yarn";
    case Outcome::kJavaOutOfMemory:
      return "java_out_of_memory";
    case Outcome::kNotMemory:
      return "not_memory";
  }
  return "unknown";
}

}  // namespace wrackline::diagnosis
