#include "analyzer/diagnosis/outcome.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>

#include "tests/unit/analyzer/diagnosis/look.h"

namespace wrackline::diagnosis {
namespace {

using evidence::Evidence;
using evidence::OomConstraint;
using testing::DiagnosisOf;
using ::testing::HasSubstr;

Outcome OutcomeOf(const Evidence& evidence) {
  std::vector<std::string> reasons;
  const Outcome outcome = DecideOutcome(evidence, &reasons);
  EXPECT_FALSE(reasons.empty());
  return outcome;
}

Evidence KernelReport(OomConstraint constraint = OomConstraint::kCgroup) {
  Evidence evidence;
  evidence::KernelKill& kill = evidence.ending.kernel_kill.emplace();
  kill.pid = 4242;
  kill.name = "java";
  kill.of_cgroup = constraint == OomConstraint::kCgroup;
  kill.anon_rss = 1015 * kMiB;
  kill.usage = 1024 * kMiB;
  kill.limit = 1024 * kMiB;
  kill.report.emplace().constraint = constraint;
  kill.report->task_cgroup = "/kubepods/podabc/cafe";
  kill.report->killed = {4242};
  return evidence;
}

evidence::ContainerStatus& Container(Evidence* evidence, const std::string& reason,
                                     std::optional<int> code) {
  if (!evidence->pod) evidence->pod.emplace();
  evidence::ContainerStatus& container = evidence->pod->containers.emplace_back();
  container.name = "flink-main-container";
  container.state = reason.empty() ? "running" : "terminated";
  if (!reason.empty()) {
    container.end.emplace().reason = reason;
    container.end->exit_code = code;
  }
  return container;
}

void Event(Evidence* evidence, const char* reason, const char* message) {
  evidence::PodEvent& event = evidence->pod->events.emplace_back();
  event.reason = reason;
  event.message = message;
}

Evidence Recorded(Bytes charge) {
  Evidence evidence;
  evidence.process.pid = 17;
  evidence.process.executable = "/opt/java/bin/java";
  evidence.process.container_id = "cafe";
  evidence.records = 100;
  evidence.limit = evidence::Figure{1024 * kMiB, {}, "cgroup"};
  evidence.last_charge = evidence::Figure{charge, {}, "heartbeat"};
  return evidence;
}

TEST(OutcomeOfKernelReport, AloneDecides) {
  const Diagnosis diagnosis = DiagnosisOf(KernelReport());
  EXPECT_EQ(diagnosis.outcome, Outcome::kOomKilled);
  EXPECT_THAT(diagnosis.verdict,
              HasSubstr("Killed by the kernel's OOM killer at 1.00 of 1.00 GiB."));
  EXPECT_THAT(diagnosis.verdict, HasSubstr("1015.0 MiB"));
}

TEST(OutcomeOfKernelReport, OfTheMachineIsNotThePodsLimit) {
  const Diagnosis diagnosis = DiagnosisOf(KernelReport(OomConstraint::kMachine));
  EXPECT_EQ(diagnosis.outcome, Outcome::kNodeOutOfMemory);
  EXPECT_FALSE(IsOomKill(diagnosis.outcome));
  EXPECT_THAT(diagnosis.verdict, HasSubstr("the machine had no memory left"));
  Evidence old = KernelReport();
  old.ending.kernel_kill->report.reset();
  old.ending.kernel_kill->of_cgroup = false;
  EXPECT_EQ(OutcomeOf(old), Outcome::kNodeOutOfMemory);
}

// The kubelet's limit of all pods: no pod's own helps.
TEST(OutcomeOfKernelReport, AtTheLimitOfAllPodsIsTheNodes) {
  for (const char* group :
       {"/kubepods", "/kubepods.slice", "/kubepods/burstable",
        "/kubepods.slice/kubepods-besteffort.slice", "/kubelet.slice/kubelet-kubepods.slice"}) {
    Evidence evidence = KernelReport();
    evidence.ending.kernel_kill->report->oom_cgroup = group;
    EXPECT_EQ(OutcomeOf(evidence), Outcome::kNodeOutOfMemory) << group;
  }
  for (const char* group : {"/kubepods/podabc", "/kubepods.slice/kubepods-burstable-podabc.slice",
                            "/user.slice", "", "/system.slice/notkubepods"}) {
    Evidence evidence = KernelReport();
    evidence.ending.kernel_kill->report->oom_cgroup = group;
    EXPECT_EQ(OutcomeOf(evidence), Outcome::kOomKilled) << group;
  }
}

// Neither its number nor its group, but its limit and its time.
TEST(OutcomeOfKernelReport, AtItsLimitAndItsTimeIsProbablyIts) {
  Evidence evidence = Recorded(500 * kMiB);
  evidence.process.container_id.clear();
  evidence.ending = KernelReport().ending;
  EXPECT_EQ(OutcomeOf(evidence), Outcome::kUnknown);
  evidence.ending.kernel_kill_by_limit = true;
  EXPECT_EQ(OutcomeOf(evidence), Outcome::kProbablyOomKilled);
  evidence.ending.signal = SIGKILL;
  EXPECT_EQ(OutcomeOf(evidence), Outcome::kProbablyOomKilled);
  evidence.ending.oom_kill_before = evidence.ending.oom_kill_after = 3;
  EXPECT_EQ(OutcomeOf(evidence), Outcome::kKilledBySignal);
  evidence.ending.signal.reset();
  evidence.ending.clean_mark = true;
  EXPECT_EQ(OutcomeOf(evidence), Outcome::kCleanExit);
}

// The counter counts kills for a parent's limit and for the machine too; the kernel's high-water mark tells.
TEST(OutcomeOfCounter, SaysThatTheLimitWasNeverReached) {
  Evidence evidence = Recorded(500 * kMiB);
  evidence.ending.oom_kill_before = 0;
  evidence.ending.oom_kill_after = 1;
  for (const std::optional<int> signal : {std::optional<int>(SIGKILL), std::optional<int>()}) {
    evidence.ending.signal = signal;
    evidence.ending.kernel_peak = 510 * kMiB;
    std::vector<std::string> reasons;
    EXPECT_EQ(DecideOutcome(evidence, &reasons), Outcome::kOomKilled);
    EXPECT_THAT(reasons, ::testing::Contains(HasSubstr("never above 510.0 MiB of 1.00 GiB")));
    reasons.clear();
    evidence.ending.kernel_peak = 1023 * kMiB;
    EXPECT_EQ(DecideOutcome(evidence, &reasons), Outcome::kOomKilled);
    EXPECT_THAT(reasons, ::testing::Not(::testing::Contains(HasSubstr("never above"))));
  }
}

// A healthy pod's charge is at its limit for page cache.
TEST(OutcomeOfTraces, ChargeOfPageCacheIsNotAtTheLimit) {
  Evidence evidence = Recorded(1020 * kMiB);
  EXPECT_EQ(OutcomeOf(evidence), Outcome::kProbablyOomKilled);
  evidence::TimelinePoint& last = evidence.timeline.emplace_back();
  last.limit = 1024 * kMiB;
  last.file = 500 * kMiB;
  EXPECT_EQ(OutcomeOf(evidence), Outcome::kUnknown);
  last.shmem = 300 * kMiB;  // which the kernel cannot drop
  last.file_mapped = 150 * kMiB;
  EXPECT_EQ(OutcomeOf(evidence), Outcome::kProbablyOomKilled);
}

// The report is asked to compare with another limit: what was enforced decides.
TEST(OutcomeOfTraces, TheLimitThatWasEnforcedDecides) {
  Evidence evidence = Recorded(2048 * kMiB);
  evidence.limit = evidence::Figure{1024 * kMiB, {}, "--limit"};
  evidence.timeline.emplace_back().limit = 4096 * kMiB;
  evidence.ending.signal = SIGKILL;
  EXPECT_EQ(OutcomeOf(evidence), Outcome::kKilledBySignal);
  evidence.limit->amount = 8192 * kMiB;
  evidence.last_charge->amount = 4090 * kMiB;
  EXPECT_EQ(OutcomeOf(evidence), Outcome::kProbablyOomKilled);
}

// Nothing was enforced that anybody knows of.
TEST(OutcomeOfTraces, TheLimitToCompareWithEndsNothing) {
  Evidence evidence = Recorded(3072 * kMiB);
  evidence.limit = evidence::Figure{2048 * kMiB, {}, "--limit"};
  EXPECT_EQ(OutcomeOf(evidence), Outcome::kUnknown);
}

// In its own pid namespace the process has another number than in the kernel's log.
TEST(OutcomeOfKernelReport, IsOfTheRecordedProcessByGroupAndName) {
  Evidence same = Recorded(500 * kMiB);
  same.ending = KernelReport().ending;
  EXPECT_EQ(OutcomeOf(same), Outcome::kOomKilled);
  Evidence child = same;
  child.ending.kernel_kill->name = "python3";
  EXPECT_EQ(OutcomeOf(child), Outcome::kUnknown);
  Evidence together = child;
  together.ending.kernel_kill->report->group_kill = true;
  EXPECT_EQ(OutcomeOf(together), Outcome::kOomKilled);
  Evidence elsewhere = same;
  elsewhere.ending.kernel_kill->report->task_cgroup = "/kubepods/podxyz/beef";
  EXPECT_EQ(OutcomeOf(elsewhere), Outcome::kUnknown);
}

TEST(OutcomeOfPod, OomKilled) {
  Evidence evidence;
  Container(&evidence, "OOMKilled", 137);
  EXPECT_EQ(OutcomeOf(evidence), Outcome::kOomKilled);
}

// bash is the first process: it saw its child killed, and ended by itself.
TEST(OutcomeOfPod, OomKilledWithAnotherCodeIsAChild) {
  for (const int code : {0, 1, 143}) {
    Evidence evidence;
    Container(&evidence, "OOMKilled", code);
    const Diagnosis diagnosis = DiagnosisOf(evidence);
    EXPECT_EQ(diagnosis.outcome, Outcome::kOomKilledContainerLived) << code;
    EXPECT_THAT(diagnosis.verdict, HasSubstr("its container lived on"));
    EXPECT_TRUE(IsOomKill(diagnosis.outcome));
  }
}

// The counter moved, the process left no mark, and the probe ended the container later.
TEST(OutcomeOfPod, ChildKilledAndTheProbeEndedItLater) {
  Evidence evidence = Recorded(1020 * kMiB);
  evidence.ending.oom_kill_before = 0;
  evidence.ending.oom_kill_after = 1;
  Container(&evidence, "Error", 137);
  Event(&evidence, "Killing",
        "Container flink-main-container failed liveness probe, will be restarted");
  const Diagnosis diagnosis = DiagnosisOf(evidence);
  EXPECT_EQ(diagnosis.outcome, Outcome::kOomKilledContainerLived);
  EXPECT_THAT(diagnosis.verdict, HasSubstr("liveness probe"));
}

TEST(OutcomeOfPod, ChildKilledAndTheContainerRunsStill) {
  Evidence evidence = KernelReport();
  Container(&evidence, "", std::nullopt).restarts = 0;
  EXPECT_EQ(OutcomeOf(evidence), Outcome::kOomKilledContainerLived);
  evidence.pod->containers[0].restarts = 1;  // it was restarted: the kill ended it
  EXPECT_EQ(OutcomeOf(evidence), Outcome::kOomKilled);
}

// 137 alone: the probe, and a process far from its limit.
TEST(OutcomeOfPod, ProbeIsNoMemoryKill) {
  Evidence evidence = Recorded(300 * kMiB);
  Container(&evidence, "Error", 137);
  Event(&evidence, "Killing", "Container x failed liveness probe, will be restarted");
  const Diagnosis diagnosis = DiagnosisOf(evidence);
  EXPECT_EQ(diagnosis.outcome, Outcome::kNotMemory);
  EXPECT_THAT(diagnosis.verdict, HasSubstr("Not a memory kill: its liveness probe failed"));
}

// Of a sidecar, or of the time before: it says nothing of how this container ended.
TEST(OutcomeOfPod, TheProbeOfAnotherContainerIsNot) {
  Evidence other;
  Container(&other, "Error", 137);
  Container(&other, "", std::nullopt).name = "flink-main-container-proxy";
  Event(&other, "Killing", "Container flink-main-container-proxy failed liveness probe");
  EXPECT_EQ(OutcomeOf(other), Outcome::kUnknown);
  Evidence before;
  Container(&before, "OOMKilled", 137);
  Event(&before, "Killing", "Container flink-main-container failed liveness probe");
  EXPECT_EQ(OutcomeOf(before), Outcome::kOomKilled);
}

TEST(OutcomeOfPod, ADeletionThatWasCalledOffIsNoEnd) {
  Evidence evidence;
  Container(&evidence, "Error", 137);
  Event(&evidence, "TaintManagerEviction", "Cancelling deletion of Pod flink/tm-1");
  EXPECT_EQ(OutcomeOf(evidence), Outcome::kUnknown);
  Event(&evidence, "TaintManagerEviction", "Marking for deletion Pod flink/tm-1");
  EXPECT_EQ(OutcomeOf(evidence), Outcome::kNotMemory);
}

// A task failed on it and was started again.
TEST(OutcomeOfPod, AnErrorThatWasSurvivedIsNoEnd) {
  const auto after = [](const char* reason, std::optional<int> code) {
    Evidence evidence;
    evidence::JavaError& error = evidence.java_errors.emplace_back();
    error.kind = evidence::JavaErrorKind::kDirectBuffers;
    error.message = "Direct buffer memory";
    Container(&evidence, reason, code).restarts = 0;
    return evidence;
  };
  EXPECT_EQ(OutcomeOf(after("", std::nullopt)), Outcome::kStillRunning);
  EXPECT_EQ(OutcomeOf(after("Completed", 0)), Outcome::kCleanExit);
  EXPECT_EQ(OutcomeOf(after("Error", 143)), Outcome::kEndedWithStatus);
  EXPECT_EQ(OutcomeOf(after("Error", 239)), Outcome::kJavaOutOfMemory);
  Evidence restarted = after("", std::nullopt);
  restarted.pod->containers[0].restarts = 1;
  EXPECT_EQ(OutcomeOf(restarted), Outcome::kJavaOutOfMemory);
}

// What the verdict names is what the cause is about.
TEST(OutcomeOfPod, OfSeveralErrorsTheRarestIsNamedThroughout) {
  Evidence evidence;
  for (const auto& [kind, message] : {std::pair{evidence::JavaErrorKind::kHeap, "Java heap space"},
                                      {evidence::JavaErrorKind::kMetaspace, "Metaspace"}}) {
    evidence::JavaError& error = evidence.java_errors.emplace_back();
    error.kind = kind;
    error.message = message;
  }
  const Diagnosis diagnosis = DiagnosisOf(evidence);
  EXPECT_EQ(diagnosis.outcome, Outcome::kJavaOutOfMemory);
  EXPECT_THAT(diagnosis.verdict, HasSubstr("ran out of memory: Metaspace"));
  EXPECT_THAT(diagnosis.findings.at(0).summary, HasSubstr("metaspace"));
}

TEST(OutcomeOfPod, CodeOfASigkillWithoutAReasonIsNotKnown) {
  Evidence evidence;
  Container(&evidence, "Error", 137);
  const Diagnosis diagnosis = DiagnosisOf(evidence);
  EXPECT_EQ(diagnosis.outcome, Outcome::kUnknown);
  EXPECT_THAT(diagnosis.verdict, HasSubstr("How it ended is not known"));
}

TEST(OutcomeOfPod, Evictions) {
  Evidence memory, disk;
  for (Evidence* evidence : {&memory, &disk}) {
    Container(evidence, "Error", 137);
    evidence->pod->reason = "Evicted";
  }
  memory.pod->message = "The node was low on resource: memory. Threshold quantity: 100Mi";
  disk.pod->message = "The node was low on resource: ephemeral-storage.";
  disk.pod->starved_resource = "ephemeral-storage";
  EXPECT_EQ(OutcomeOf(memory), Outcome::kEvicted);
  EXPECT_EQ(OutcomeOf(disk), Outcome::kNotMemory);
  EXPECT_THAT(DiagnosisOf(disk).verdict, HasSubstr("short of ephemeral-storage"));
}

TEST(OutcomeOfPod, EvictionByItsEventAlone) {
  Evidence evidence;
  evidence.pod.emplace();
  Event(&evidence, "Evicted", "The node was low on resource: memory.");
  EXPECT_EQ(OutcomeOf(evidence), Outcome::kEvicted);
}

// Texts of the VM carry a process id of the container's namespace.
TEST(OutcomeOfKernelReport, IdOfAnotherNamespaceIsNoContradiction) {
  Evidence evidence = KernelReport();
  evidence.process.pid = 7;
  EXPECT_EQ(OutcomeOf(evidence), Outcome::kOomKilled);
}

// A node's log names the kills of all its pods.
TEST(OutcomeOfKernelReport, OfAnotherPodDecidesNothing) {
  Evidence evidence = KernelReport();
  Container(&evidence, "Completed", 0);
  evidence.pod->uid = "6f1c-22";
  evidence.ending.kernel_kill->report->task_cgroup = "/kubepods.slice/kubepods-pod6f1c_22.slice/x";
  EXPECT_EQ(OutcomeOf(evidence), Outcome::kOomKilled);
  evidence.ending.kernel_kill->report->task_cgroup = "/kubepods/pod6f1c-22/x";
  EXPECT_EQ(OutcomeOf(evidence), Outcome::kOomKilled);
  evidence.ending.kernel_kill->report->task_cgroup = "/kubepods/podbeef-11/x";
  EXPECT_EQ(OutcomeOf(evidence), Outcome::kCleanExit);
}

TEST(OutcomeOfPod, PreemptedAndDrained) {
  for (const char* condition :
       {"DisruptionTarget=True (PreemptionByScheduler): preempted by a pod",
        "DisruptionTarget=True (EvictionByEvictionAPI): Eviction API: evicting"}) {
    Evidence evidence;
    Container(&evidence, "Error", 137);
    evidence.pod->conditions.emplace_back(condition);
    EXPECT_EQ(OutcomeOf(evidence), Outcome::kNotMemory) << condition;
  }
  Evidence node;
  Container(&node, "Error", 137);
  node.pod->reason = "NodeShutdown";
  EXPECT_EQ(OutcomeOf(node), Outcome::kNotMemory);
}

// Kubernetes' word for what became of the pod later does not undo what the kernel did.
TEST(OutcomeOfPod, OomKilledStaysThatWhenThePodIsDeleted) {
  Evidence evidence;
  Container(&evidence, "OOMKilled", 137);
  evidence.pod->conditions.emplace_back("DisruptionTarget=True (EvictionByEvictionAPI): drain");
  EXPECT_EQ(OutcomeOf(evidence), Outcome::kOomKilled);
}

TEST(OutcomeOfPod, TakesTheRecordedContainer) {
  Evidence evidence = Recorded(300 * kMiB);
  Container(&evidence, "OOMKilled", 137).name = "sidecar";
  evidence.pod->containers[0].id = "containerd://beef";
  evidence::ContainerStatus& own = Container(&evidence, "Completed", 0);
  own.name = "main";
  own.id = "containerd://cafe";
  EXPECT_EQ(OutcomeOf(evidence), Outcome::kCleanExit);
}

// Of the pod that took the place of the one that was killed.
TEST(OutcomeOfPod, AnotherContainerThatRunsDoesNotSayThatItsOwnLivedOn) {
  const std::string killed(64, 'a'), other(64, 'b');
  Evidence evidence = KernelReport();
  evidence.ending.kernel_kill->report->task_cgroup = "/kubepods/podabc/" + killed;
  evidence::ContainerStatus& container = Container(&evidence, "", std::nullopt);
  container.restarts = 0;
  container.id = "containerd://" + other;
  EXPECT_EQ(OutcomeOf(evidence), Outcome::kOomKilled);
  evidence.pod->containers[0].id = "containerd://" + killed;
  EXPECT_EQ(OutcomeOf(evidence), Outcome::kOomKilledContainerLived);
}

TEST(OutcomeOfYarn, Killed) {
  Evidence evidence;
  evidence::YarnKill& kill = evidence.yarn.emplace();
  kill.container = "container_1_0001_01_000002";
  kill.physical_used = 8294 * kMiB;
  kill.physical_limit = 8192 * kMiB;
  const Diagnosis diagnosis = DiagnosisOf(evidence);
  EXPECT_EQ(diagnosis.outcome, Outcome::kKilledByYarn);
  EXPECT_TRUE(EndedByLimit(diagnosis.outcome));
  EXPECT_THAT(diagnosis.verdict, HasSubstr("Killed by YARN at 8.10 of 8.00 GiB of physical"));
}

evidence::JavaError Error(evidence::JavaErrorKind kind, const char* message) {
  evidence::JavaError error;
  error.kind = kind;
  error.message = message;
  error.source = "tm.log";
  return error;
}

// It was asked to end: an error in its log was survived.
TEST(OutcomeOfJavaError, SurvivedIsNotTheEndOfOneThatWasAskedTo) {
  Evidence evidence = Recorded(500 * kMiB);
  evidence.java_errors.push_back(
      Error(evidence::JavaErrorKind::kHeap, "java.lang.OutOfMemoryError: Java heap space"));
  evidence.ending.exit_status = 143;
  EXPECT_EQ(OutcomeOf(evidence), Outcome::kEndedWithStatus);
  evidence.ending.exit_status = 3;
  EXPECT_EQ(OutcomeOf(evidence), Outcome::kJavaOutOfMemory);
}

TEST(OutcomeOfJavaError, IsNoKernelKill) {
  Evidence evidence;
  evidence.java_errors.push_back(
      Error(evidence::JavaErrorKind::kMetaspace, "java.lang.OutOfMemoryError: Metaspace"));
  const Diagnosis diagnosis = DiagnosisOf(evidence);
  EXPECT_EQ(diagnosis.outcome, Outcome::kJavaOutOfMemory);
  EXPECT_THAT(diagnosis.verdict, HasSubstr("OutOfMemoryError: Metaspace"));
}

TEST(OutcomeOfJavaError, YieldsToAKillAndToACleanEnd) {
  Evidence killed = KernelReport();
  killed.java_errors.push_back(Error(evidence::JavaErrorKind::kHeap, "Java heap space"));
  EXPECT_EQ(OutcomeOf(killed), Outcome::kOomKilled);
  Evidence clean = Recorded(300 * kMiB);
  clean.ending.clean_mark = true;
  clean.java_errors = killed.java_errors;
  EXPECT_EQ(OutcomeOf(clean), Outcome::kCleanExit);
  Evidence failed = clean;
  failed.ending.exit_status = 3;  // -XX:+ExitOnOutOfMemoryError
  EXPECT_EQ(OutcomeOf(failed), Outcome::kJavaOutOfMemory);
  Evidence aborted = clean;
  aborted.ending.clean_mark = false;
  aborted.ending.signal = SIGABRT;  // -XX:+CrashOnOutOfMemoryError
  EXPECT_EQ(OutcomeOf(aborted), Outcome::kJavaOutOfMemory);
}

TEST(OutcomeOfJavaError, CrashAndFullCodeCacheAreNone) {
  Evidence crash, code;
  crash.java_errors.push_back(Error(evidence::JavaErrorKind::kCrash, "SIGSEGV (0xb)"));
  code.java_errors.push_back(Error(evidence::JavaErrorKind::kCodeCache, "CodeCache is full"));
  EXPECT_EQ(OutcomeOf(crash), Outcome::kNotMemory);
  EXPECT_EQ(OutcomeOf(code), Outcome::kUnknown);
}

TEST(OutcomeOfNothing, IsNotKnown) {
  const Diagnosis diagnosis = DiagnosisOf(Evidence{});
  EXPECT_EQ(diagnosis.outcome, Outcome::kUnknown);
  EXPECT_THAT(diagnosis.verdict, HasSubstr("not in the evidence"));
}

TEST(OutcomeOfMetrics, OthersSayHowItEnded) {
  Evidence evidence = KernelReport();
  evidence.metrics.emplace();
  EXPECT_EQ(OutcomeOf(evidence), Outcome::kOomKilled);
  evidence.ending.kernel_kill.reset();
  EXPECT_EQ(OutcomeOf(evidence), Outcome::kMetricsOnly);
}

TEST(OutcomeNames, AreDistinct) {
  std::vector<std::string> names;
  for (int i = 0; i <= static_cast<int>(Outcome::kNotMemory); ++i)
    names.emplace_back(Name(static_cast<Outcome>(i)));
  std::sort(names.begin(), names.end());
  EXPECT_EQ(std::adjacent_find(names.begin(), names.end()), names.end());
}

}  // namespace
}  // namespace wrackline::diagnosis
