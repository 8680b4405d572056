#include "analyzer/evidence/kubernetes_status.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "analyzer/evidence/kernel_log.h"
#include "analyzer/evidence/kubectl_describe.h"
#include "analyzer/evidence/kubernetes_events.h"
#include "analyzer/evidence/yarn_kill.h"
#include "tests/unit/analyzer/killed_files.h"

namespace wrackline::evidence {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

TEST(PodStatus, OfATaskManagerThatWasKilledThreeTimes) {
  const std::string text = ReadSample("kubernetes/taskmanager-oomkilled.yaml");
  ASSERT_TRUE(IsPodStatus(AsFile(text)));
  Evidence evidence;
  const auto added = AddPodStatus(AsFile(text), &evidence);
  ASSERT_TRUE(added.ok()) << added.error().Text();
  EXPECT_EQ(added.value(),
            "pod orders-taskmanager-1-3, container flink-main-container: running; the one before "
            "OOMKilled, exit code "
            "137 (2026-11-21T02:27:57Z), 3 restarts, limit 1.69 GiB");
  const PodStatus& pod = *evidence.pod;
  EXPECT_EQ(pod.uid, "6f3ba2c1-0d5e-4c55-9c3e-2f6b8f0a7c11");
  EXPECT_EQ(pod.namespace_, "streaming");
  EXPECT_EQ(pod.node, "node-7");
  EXPECT_EQ(pod.phase, "Running");
  EXPECT_EQ(pod.qos_class, "Burstable");
  EXPECT_THAT(pod.conditions, ElementsAre("Initialized=True",
                                          "Ready=False (ContainersNotReady): containers with "
                                          "unready status: [flink-main-container]"));
  ASSERT_EQ(pod.containers.size(), 3U);
  const ContainerStatus& main = pod.containers[0];
  EXPECT_EQ(main.name, "flink-main-container");
  EXPECT_THAT(main.id, HasSubstr("containerd://b2b2"));
  EXPECT_EQ(main.state, "running");
  EXPECT_FALSE(main.end);
  ASSERT_TRUE(main.last_end);
  EXPECT_EQ(main.last_end->reason, "OOMKilled");
  EXPECT_EQ(main.last_end->exit_code, 137);
  EXPECT_FALSE(main.last_end->signal);
  EXPECT_EQ(main.last_end->started, "2026-11-20T08:01:07Z");
  EXPECT_EQ(main.restarts, 3);
  EXPECT_EQ(main.memory_limit, 1728 * kMiB);
  EXPECT_EQ(main.memory_request, 1728 * kMiB);
  EXPECT_EQ(main.liveness_probe, "tcp-socket :6122 delay=30s timeout=1s period=10s #failure=3");
  EXPECT_EQ(pod.containers[1].name, "log-shipper");
  EXPECT_FALSE(pod.containers[1].last_end);  // an empty lastState
  EXPECT_TRUE(pod.containers[2].init);
  EXPECT_EQ(pod.containers[2].end->exit_code, 0);
  EXPECT_FALSE(pod.containers[2].memory_limit);
  EXPECT_EQ(evidence.limit->amount, 1728 * kMiB);
}

TEST(PodStatus, TheContainerOfTheRecordingIsMeant) {
  const std::string text = ReadSample("kubernetes/taskmanager-oomkilled.yaml");
  Evidence evidence;
  evidence.process.container_id = "c3c3c3c3c3c3c3c3";
  ASSERT_TRUE(AddPodStatus(AsFile(text), &evidence).ok());
  EXPECT_EQ(evidence.pod->containers[0].name, "log-shipper");
  EXPECT_EQ(evidence.limit->amount, 128 * kMiB);
}

TEST(PodStatus, OfAListTheTaskManagerThatWasEvicted) {
  const std::string text = ReadSample("kubernetes/evicted-list.json");
  ASSERT_TRUE(IsPodStatus(AsFile(text)));
  Evidence evidence;
  ASSERT_TRUE(AddPodStatus(AsFile(text), &evidence).ok());
  const PodStatus& pod = *evidence.pod;
  EXPECT_EQ(pod.name, "orders-taskmanager-1-1");
  EXPECT_EQ(pod.reason, "Evicted");
  EXPECT_THAT(pod.message, HasSubstr("was using 48458972Ki"));
  EXPECT_EQ(pod.pod_limit, 64 * kGiB);
  ASSERT_EQ(pod.containers.size(), 1U);
  EXPECT_EQ(pod.containers[0].end->reason, "ContainerStatusUnknown");
  EXPECT_EQ(pod.containers[0].end->exit_code, 137);
  EXPECT_EQ(pod.containers[0].end->finished, "");
  EXPECT_EQ(pod.containers[0].memory_request, 15 * kGiB);
  EXPECT_THAT(
      pod.conditions,
      ElementsAre(HasSubstr("DisruptionTarget=True (TerminationByKubelet): The node was low")));
}

TEST(PodStatus, AManifestHasNoStatus) {
  for (const char* text :
       {"apiVersion: v1\nkind: Pod\nmetadata:\n  name: x\nspec:\n  containers: []\n",
        "apiVersion: apps/v1\nkind: Deployment\nstatus:\n  replicas: 1\n",
        "apiVersion: flink.apache.org/v1beta1\nkind: FlinkDeployment\nstatus:\n  jobStatus: {}\n",
        "containerStatuses:\n", ""}) {
    EXPECT_FALSE(IsPodStatus(AsFile(std::string(text)))) << text;
    EXPECT_FALSE(ParsePodStatus(text, "x.yaml", "").ok()) << text;
  }
}

TEST(KubectlDescribe, WhatPeopleSee) {
  const std::string text = ReadSample("kubernetes/describe-oomkilled.txt");
  ASSERT_TRUE(IsKubectlDescribe(AsFile(text)));
  Evidence evidence;
  ASSERT_TRUE(AddKubectlDescribe(AsFile(text), &evidence).ok());
  const PodStatus& pod = *evidence.pod;
  EXPECT_EQ(pod.name, "flink-operator-controller-manager-6c8f4");
  EXPECT_EQ(pod.node, "ip-192-168-4-238.internal");
  EXPECT_EQ(pod.phase, "Running");
  EXPECT_EQ(pod.qos_class, "Burstable");
  EXPECT_EQ(pod.offending_containers, "manager");
  EXPECT_THAT(pod.conditions, Contains("ContainersReady=False"));
  ASSERT_EQ(pod.containers.size(), 3U);
  const ContainerStatus& main = pod.containers[0];
  EXPECT_EQ(main.name, "manager");
  EXPECT_EQ(main.state, "waiting");
  EXPECT_EQ(main.waiting_reason, "CrashLoopBackOff");
  ASSERT_TRUE(main.last_end);
  EXPECT_EQ(main.last_end->reason, "OOMKilled");
  EXPECT_EQ(main.last_end->exit_code, 137);
  EXPECT_EQ(main.last_end->finished, "Thu, 29 Jul 2021 18:16:36 +0530");
  EXPECT_EQ(main.restarts, 5);
  EXPECT_EQ(main.memory_limit, 30 * kMiB);
  EXPECT_EQ(main.memory_request, 20 * kMiB);
  EXPECT_THAT(main.liveness_probe, HasSubstr("exec [cat /tmp/healthy] delay=120s"));
  EXPECT_EQ(pod.containers[1].name, "kube-rbac-proxy");
  EXPECT_FALSE(pod.containers[1].last_end);
  EXPECT_TRUE(pod.containers[2].init);
  ASSERT_EQ(pod.events.size(), 3U);
  EXPECT_EQ(pod.events[1].reason, "BackOff");
  EXPECT_EQ(pod.events[1].count, 231);
  EXPECT_EQ(pod.events[1].source, "kubelet");
  EXPECT_EQ(pod.events[2].type, "Warning");
  EXPECT_EQ(pod.events[2].message, "Liveness probe failed: cat: /tmp/healthy: No such file");
}

TEST(KubernetesEvents, ATableForPeople) {
  const std::string text = ReadSample("kubernetes/events-table.txt");
  ASSERT_TRUE(IsKubernetesEvents(AsFile(text)));
  const auto events = ParseEvents(text, "events.txt");
  ASSERT_TRUE(events.ok());
  ASSERT_EQ(events.value().size(), 5U);
  EXPECT_EQ(events.value()[1].object, "orders-taskmanager-1-1");
  EXPECT_EQ(events.value()[1].event.reason, "Evicted");
  EXPECT_EQ(events.value()[1].event.age, "4m11s");
  EXPECT_THAT(events.value()[1].event.message, HasSubstr("was using 5053216Ki"));
  Evidence evidence;
  ASSERT_TRUE(AddKubernetesEvents(AsFile(text), &evidence).ok());
  EXPECT_EQ(evidence.pod->events.size(), 4U);  // not the scheduling of another pod
}

TEST(KubernetesEvents, OfBothApisWithWhatAnEvictionBlames) {
  const std::string text = ReadSample("kubernetes/events.yaml");
  ASSERT_TRUE(IsKubernetesEvents(AsFile(text)));
  EXPECT_FALSE(IsPodStatus(AsFile(text)));
  Evidence evidence;
  evidence.pod.emplace().name = "orders-taskmanager-1-1";
  const auto added = AddKubernetesEvents(AsFile(text), &evidence);
  ASSERT_TRUE(added.ok());
  EXPECT_EQ(added.value(), "2 of 3 events bear on it, the last: SystemOOM");
  const PodStatus& pod = *evidence.pod;
  EXPECT_EQ(pod.offending_containers, "flink-main-container,log-shipper");
  EXPECT_EQ(pod.offending_usage, "5053216Ki,1024Ki");
  EXPECT_EQ(pod.starved_resource, "memory");
  ASSERT_EQ(pod.events.size(), 2U);
  EXPECT_EQ(pod.events[0].last, "2026-11-21T02:27:01Z");
  EXPECT_EQ(pod.events[1].count, 4);
  EXPECT_EQ(pod.events[1].source, "kubelet");
  EXPECT_EQ(pod.events[1].message,
            "Node/node-3: System OOM encountered, victim process: java, pid: 470521");
}

TEST(KubernetesEvents, AndTheStatusOfTheSamePodMeet) {
  const std::string events = ReadSample("kubernetes/events.yaml"),
                    status = ReadSample("kubernetes/evicted-list.json");
  for (const bool events_first : {false, true}) {
    Evidence evidence;
    if (events_first) {
      ASSERT_TRUE(AddKubernetesEvents(AsFile(events), &evidence).ok());
    }
    ASSERT_TRUE(AddPodStatus(AsFile(status), &evidence).ok());
    if (!events_first) {
      ASSERT_TRUE(AddKubernetesEvents(AsFile(events), &evidence).ok());
    }
    EXPECT_EQ(evidence.pod->reason, "Evicted");
    EXPECT_EQ(evidence.pod->starved_resource, "memory");
    EXPECT_EQ(evidence.pod->events.size(), 2U);
  }
}

// Every sample is of one kind alone.
TEST(Killed, NoFileIsOfTwoKinds) {
  struct Case {
    const char* name;
    int kind;
  };
  for (const Case& c :
       {Case{"kubernetes/taskmanager-oomkilled.yaml", 0}, Case{"kubernetes/evicted-list.json", 0},
        Case{"kubernetes/events-table.txt", 1}, Case{"kubernetes/events.yaml", 1},
        Case{"kubernetes/describe-oomkilled.txt", 2}, Case{"yarn/jobmanager-1.12-physical.log", 3},
        Case{"yarn/nodemanager-2.x.log", 3}, Case{"yarn/yarn-logs-virtual.txt", 3},
        Case{"kernel/captures/pod.T.txt", 4}, Case{"kernel/field/journald-6.1-pod.json", 4},
        Case{"kernel/field/eks-messages-with-kubelet.txt", 4}}) {
    const std::string text = ReadSample(c.name);
    const SourceFile file = AsFile(text);
    const bool is[] = {IsPodStatus(file), IsKubernetesEvents(file), IsKubectlDescribe(file),
                       IsYarn(file), IsKernelLog(file)};
    for (int kind = 0; kind < 5; ++kind)
      EXPECT_EQ(is[kind], kind == c.kind) << c.name << " " << kind;
  }
}

}  // namespace
}  // namespace wrackline::evidence
