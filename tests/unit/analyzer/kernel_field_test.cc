// Forms that others met (tests/data/kernel/README.md says where): older kernels, other dress, logs that begin or end in the middle.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "analyzer/evidence/kernel_log.h"
#include "tests/unit/analyzer/killed_files.h"

namespace wrackline::evidence {
namespace {

using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::IsEmpty;
using ::testing::StartsWith;

constexpr Bytes kPage{4096};

std::vector<KernelKill> Kills(const std::string& name) {
  const std::string log = ReadSample("kernel/field/" + name);
  EXPECT_FALSE(log.empty()) << name;
  EXPECT_TRUE(IsKernelLog(AsFile(log, name))) << name;
  return AllKernelKills(log);
}

TEST(KernelField, Rhel6NamesTheUser) {
  const auto kills = Kills("rhel6-2.6.32.txt");
  ASSERT_EQ(kills.size(), 1U);
  EXPECT_EQ(kills[0].pid, 215701U);
  EXPECT_EQ(kills[0].name, "java");
  EXPECT_TRUE(kills[0].of_cgroup);
  EXPECT_EQ(kills[0].total_vm, 11017300 * kKiB);
  EXPECT_EQ(kills[0].anon_rss, 7152432 * kKiB);
  EXPECT_EQ(kills[0].file_rss, 1232 * kKiB);
  EXPECT_FALSE(kills[0].shmem_rss);
  EXPECT_EQ(kills[0].report->oom_cgroup, "/LXC011175068174");
  EXPECT_EQ(kills[0].report->invoker, "java");
}

TEST(KernelField, Rhel7KillsTheChildAndTheLogHasNoBeginning) {
  const auto kills = Kills("rhel7-3.10-dmesg-T.txt");
  ASSERT_EQ(kills.size(), 2U);
  const KernelKill& first = kills[0];
  EXPECT_EQ(first.pid, 28438U);
  EXPECT_EQ(first.anon_rss, 466160 * kKiB);
  EXPECT_TRUE(first.of_cgroup);
  EXPECT_THAT(first.report->invoker, IsEmpty());
  EXPECT_EQ(first.report->wall_time, "Thu Dec  7 00:05:14 2017");
  EXPECT_EQ(first.report->stats->anon, 524188 * kKiB);
  EXPECT_EQ(first.report->stats->swap, 524356 * kKiB);
  EXPECT_EQ(first.report->stats->anon_thp, 370688 * kKiB);
  ASSERT_EQ(first.report->tasks.size(), 1U);
  EXPECT_EQ(first.report->tasks[0].resident, 119961 * kPage);
  EXPECT_EQ(first.report->tasks[0].page_tables, 1661 * kPage);
  EXPECT_EQ(first.report->tasks[0].swapped, 136409 * kPage);
  EXPECT_EQ(first.report->tasks[0].score_adjust, -998);
  const KernelKill& second = kills[1];
  EXPECT_EQ(second.pid, 3068U);  // decided for; who died in its place is not in the log
  EXPECT_FALSE(second.anon_rss);
  EXPECT_EQ(second.usage, 524092 * kKiB);
  EXPECT_EQ(second.limit, 524288 * kKiB);
  EXPECT_EQ(second.report->failures, 164324U);
  EXPECT_EQ(second.report->swap_usage, 524484 * kKiB);
  EXPECT_EQ(second.report->swap_limit, 524288 * kKiB);
  EXPECT_EQ(second.report->kernel_usage, Bytes{});
  EXPECT_EQ(second.report->kernel_version, "3.10.0-327.4.5.el7.x86_64");
  EXPECT_EQ(second.report->invoker_pid, 14881U);
  EXPECT_EQ(second.report->stats->file, 32 * kKiB);
  EXPECT_EQ(second.report->stats->file_mapped, 12 * kKiB);
}

TEST(KernelField, SyslogOf310) {
  const auto kills = Kills("syslog-3.10-container.txt");
  ASSERT_EQ(kills.size(), 1U);
  EXPECT_EQ(kills[0].pid, 21284U);
  EXPECT_EQ(kills[0].usage, 1048576 * kKiB);
  EXPECT_EQ(kills[0].report->failures, 189U);
  EXPECT_EQ(kills[0].report->stats->anon, 1048552 * kKiB);
  EXPECT_EQ(kills[0].report->tasks.at(0).name, "envoy");
  EXPECT_EQ(kills[0].report->wall_time, "Jan  5 02:12:02");
  EXPECT_THAT(kills[0].report->task_cgroup, EndsWith("da1a5a8a.scope"));
}

TEST(KernelField, ALogThatBeginsBehindTheTablesHeader) {
  const auto kills = Kills("ubuntu-3.19-syslog-truncated.txt");
  ASSERT_EQ(kills.size(), 1U);  // the second report has no end
  EXPECT_EQ(kills[0].pid, 19715U);
  EXPECT_EQ(kills[0].total_vm, 3216536 * kKiB);
  EXPECT_EQ(kills[0].anon_rss, 299136 * kKiB);
  EXPECT_TRUE(kills[0].of_cgroup);
  EXPECT_THAT(kills[0].report->tasks, IsEmpty());
  EXPECT_THAT(kills[0].report->invoker, IsEmpty());
}

TEST(KernelField, PageCacheFillsTheLimitAndTheChildDies) {
  const auto kills = Kills("child-sacrificed-4.19.txt");
  ASSERT_EQ(kills.size(), 1U);
  EXPECT_EQ(kills[0].pid, 62769U);
  EXPECT_EQ(kills[0].name, "cp");
  EXPECT_THAT(kills[0].report->killed, ElementsAre(62769U));
  EXPECT_EQ(kills[0].anon_rss, 232 * kKiB);
  const OomGroupStats& stats = *kills[0].report->stats;
  EXPECT_EQ(stats.file, 507172 * kKiB);
  EXPECT_EQ(stats.anon, 448 * kKiB);
  EXPECT_EQ(stats.file_dirty, 503316 * kKiB);
  EXPECT_EQ(stats.inactive_file, 253596 * kKiB);
  EXPECT_EQ(kills[0].report->kernel_usage, 16560 * kKiB);
  EXPECT_EQ(kills[0].report->tasks.size(), 2U);
  EXPECT_EQ(kills[0].report->tasks[1].page_tables, Bytes{77824});
}

TEST(KernelField, VmwaresLogOfAGuest) {
  const auto kills = Kills("photon-4.19-vmware-guest.txt");
  ASSERT_EQ(kills.size(), 2U);
  EXPECT_EQ(kills[0].pid, 30411U);
  EXPECT_EQ(kills[0].anon_rss, 488444 * kKiB);
  EXPECT_EQ(kills[0].report->seconds_since_boot, 39261111.880892);
  EXPECT_EQ(kills[1].pid, 19388U);
  // The report that began half a minute before is another one.
  EXPECT_THAT(kills[1].report->invoker, IsEmpty());
  EXPECT_EQ(kills[1].report->stats->anon, 613460 * kKiB);
  ASSERT_EQ(kills[1].report->tasks.size(), 4U);
  EXPECT_EQ(kills[1].report->tasks[1].name, "npm start");
  EXPECT_EQ(kills[1].report->tasks[3].resident, 138005 * kPage);
}

TEST(KernelField, RecordsOfDevKmsgWithOneLineAGroup) {
  const auto kills = Kills("kmsg-4.19-pod-limit.txt");
  ASSERT_EQ(kills.size(), 1U);
  EXPECT_EQ(kills[0].pid, 2292670U);  // only the reaper's line names it here
  EXPECT_EQ(kills[0].name, "main");
  EXPECT_EQ(kills[0].limit, 20480 * kKiB);
  const OomReport& report = *kills[0].report;
  EXPECT_NEAR(report.seconds_since_boot.value_or(0), 3816544.225424, 1e-6);
  // Of the pod, and of each container in it: the sum is the pod's.
  EXPECT_EQ(report.stats->cgroup,
            "/kubepods.slice/kubepods-pod9eb0e64e_6e1a_43e4_b372_2603a3cc2941.slice");
  EXPECT_EQ(report.stats->anon, 19800 * kKiB);
  EXPECT_EQ(report.stats->inactive_anon, 19800 * kKiB);
  EXPECT_EQ(report.stats->file, Bytes{});
  EXPECT_THAT(report.task_cgroup, EndsWith("d61e2650.scope"));
  EXPECT_EQ(report.oom_cgroup, report.stats->cgroup);
}

TEST(KernelField, OneRecordOfManyLinesOnVersionOne) {
  const auto kills = Kills("kata-5.x-v1-one-record.txt");
  ASSERT_EQ(kills.size(), 1U);
  EXPECT_EQ(kills[0].pid, 40713U);
  EXPECT_EQ(kills[0].usage, 1048576 * kKiB);
  const OomReport& report = *kills[0].report;
  EXPECT_EQ(report.stats->anon, Bytes{1062739968});
  EXPECT_EQ(report.stats->anon_thp, Bytes{1040187392});
  EXPECT_EQ(report.stats->slab, Bytes{2801664});
  EXPECT_EQ(report.stats->slab_unreclaimable, Bytes{1953792});
  EXPECT_EQ(report.stats->page_faults, 25609U);
  EXPECT_EQ(report.kernel_usage, 10568 * kKiB);
  EXPECT_EQ(report.failures, 153U);
}

TEST(KernelField, JournaldsIndentedLines) {
  const auto kills = Kills("journald-short-5.14.txt");
  ASSERT_EQ(kills.size(), 1U);
  EXPECT_EQ(kills[0].pid, 2211U);
  const OomGroupStats& stats = *kills[0].report->stats;
  EXPECT_EQ(stats.shmem, Bytes{34080047104});
  EXPECT_EQ(stats.anon, Bytes{49160192});
  EXPECT_EQ(stats.page_tables, Bytes{131559424});
  EXPECT_EQ(stats.slab_reclaimable, Bytes{205646640});
}

TEST(KernelField, JournaldsJson) {
  const auto kills = Kills("journald-6.1-pod.json");
  const auto plain = AllKernelKills(ReadSample("kernel/captures/pod.raw.txt"));
  ASSERT_EQ(kills.size(), 1U);
  ASSERT_EQ(plain.size(), 1U);
  EXPECT_EQ(kills[0].pid, 148U);
  EXPECT_EQ(kills[0].anon_rss, plain[0].anon_rss);
  const OomReport &json = *kills[0].report, &text = *plain[0].report;
  EXPECT_EQ(json.invoker, text.invoker);
  EXPECT_EQ(json.invoker_pid, 148U);  // of the entry that is an array of bytes
  EXPECT_EQ(json.stats->anon, Bytes{167178240});
  EXPECT_EQ(json.stats->kernel, text.stats->kernel);
  EXPECT_EQ(json.stats->slab, text.stats->slab);
  EXPECT_EQ(json.tasks.size(), 2U);
  EXPECT_EQ(json.oom_cgroup, text.oom_cgroup);
  EXPECT_EQ(json.wall_time, "2025-11-21T02:27:57.816589Z");
  EXPECT_EQ(json.seconds_since_boot, 10.816589);
}

TEST(KernelField, TalosPutsAddressFacilityAndTimeBefore) {
  const auto kills = Kills("talos-6.12.txt");
  ASSERT_EQ(kills.size(), 1U);
  EXPECT_EQ(kills[0].usage, 4194304 * kKiB);
  EXPECT_EQ(kills[0].report->invoker, "StreamTrans #72");
  EXPECT_EQ(kills[0].report->invoker_pid, 38055U);
  EXPECT_EQ(kills[0].report->failures, 2084326U);
  EXPECT_EQ(kills[0].report->stats->anon, Bytes{4280025088});
  EXPECT_EQ(kills[0].report->stats->kernel_stack, Bytes{1294336});
  EXPECT_EQ(kills[0].report->stats->file_mapped, Bytes{8192});
  EXPECT_EQ(kills[0].report->wall_time, "2025-06-04T04:51:57.572200906Z");
}

TEST(KernelField, TheKubeletsLineIsTheSameKill) {
  const auto kills = Kills("eks-messages-with-kubelet.txt");
  ASSERT_EQ(kills.size(), 1U);
  EXPECT_EQ(kills[0].pid, 2908U);
  EXPECT_EQ(kills[0].anon_rss, 64296 * kKiB);
  EXPECT_EQ(kills[0].page_tables, 296 * kKiB);
  EXPECT_EQ(kills[0].report->tasks.size(), 4U);
  EXPECT_EQ(kills[0].report->tasks[2].resident, 18550 * kPage);
  EXPECT_NE(kills[0].report->oom_cgroup, kills[0].report->task_cgroup);
}

TEST(KernelField, AKubeletAlone) {
  const auto kills = AllKernelKills(
      "I0401 10:00:00.000000    4813 oom_watcher_linux.go:82] \"Got sys oom event\" "
      "event=\"&{Pid:470521 "
      "ProcessName:java TimeOfDeath:2026-04-01 10:00:00 ContainerName:/ VictimContainerName:/ "
      "Constraint:CONSTRAINT_NONE}\"\n"
      "Warning SystemOOM System OOM encountered, victim process: java, pid: 470522\n");
  ASSERT_EQ(kills.size(), 2U);
  EXPECT_EQ(kills[0].pid, 470521U);
  EXPECT_EQ(kills[0].name, "java");
  EXPECT_FALSE(kills[0].of_cgroup);
  EXPECT_EQ(kills[1].pid, 470522U);
}

TEST(KernelField, KillsOfTheMachineOneAfterAnother) {
  const auto kills = Kills("names-with-parentheses.txt");
  ASSERT_EQ(kills.size(), 3U);
  EXPECT_EQ(kills[1].name, "(resolved)");
  EXPECT_EQ(kills[1].pid, 15925U);
  EXPECT_EQ(kills[1].report->constraint, OomConstraint::kMachine);
  EXPECT_FALSE(kills[1].of_cgroup);
}

TEST(KernelField, WhatAGrepLeaves) {
  const auto kills = Kills("containerd-shmem-grep.txt");
  ASSERT_EQ(kills.size(), 1U);
  EXPECT_EQ(kills[0].name, "qemu-system-x86");
  EXPECT_EQ(kills[0].shmem_rss, 100848 * kKiB);
  EXPECT_EQ(kills[0].page_tables, 692 * kKiB);
  EXPECT_THAT(kills[0].report->oom_cgroup,
              EndsWith("kubepods-burstable-pode682fb95_1246_48b1_a8c4_b8e8e5e7fd88.slice"));
  const auto machine = Kills("machine-out-of-memory.txt");
  ASSERT_EQ(machine.size(), 1U);
  EXPECT_EQ(machine[0].pid, 7134U);
  EXPECT_EQ(machine[0].name, "java");
  EXPECT_FALSE(machine[0].of_cgroup);
  EXPECT_EQ(machine[0].report->constraint, OomConstraint::kMachine);
  EXPECT_THAT(machine[0].report->task_cgroup, StartsWith("/system.slice/docker-00748bf4"));
}

TEST(KernelField, AGroupWhenItWasNew) {
  const auto kills = Kills("group-kill-before-5.0.txt");
  ASSERT_EQ(kills.size(), 1U);
  EXPECT_TRUE(kills[0].report->group_kill);
  EXPECT_EQ(kills[0].report->group, "/A1");
  EXPECT_THAT(kills[0].report->killed, ElementsAre(1221U, 1217U, 1218U, 1219U, 1220U, 1222U));
}

TEST(KernelField, TwoReportsAtTheSameTime) {
  const std::string log = ReadSample("kernel/field/interleaved-3.10.txt");
  const auto java = ParseKernelKill(log, 500, ""), node = ParseKernelKill(log, 700, "");
  ASSERT_TRUE(java && node);
  EXPECT_EQ(java->limit, 1048576 * kKiB);
  EXPECT_EQ(node->limit, 524288 * kKiB);
  EXPECT_EQ(java->report->task_cgroup, "/kubepods/podA/a");
  EXPECT_EQ(node->report->task_cgroup, "/kubepods/podB/b");
  EXPECT_EQ(java->report->invoker_pid, 501U);
  EXPECT_EQ(node->report->invoker_pid, 701U);
  EXPECT_EQ(java->report->stats->anon, 1047000 * kKiB);
  EXPECT_EQ(node->report->stats->anon, 523000 * kKiB);
  ASSERT_EQ(java->report->tasks.size(), 1U);
  EXPECT_EQ(java->report->tasks[0].resident, 262000 * kPage);
  EXPECT_EQ(java->report->tasks[0].page_tables, 610 * kPage);
  ASSERT_EQ(node->report->tasks.size(), 1U);
  EXPECT_EQ(node->report->tasks[0].pid, 700U);
  EXPECT_EQ(AllKernelKills(log).size(), 2U);
}

// printk.caller tells two reports apart whatever their order; so do the hosts of a log of many.
TEST(KernelField, CallersAndHostsTellReportsApart) {
  const std::string first = ReadSample("kernel/captures/pod.txt");
  const std::string second = ReadSample("kernel/captures/k6.12-group.txt");
  for (const bool hosts : {false, true}) {
    std::string mixed;
    std::string_view a = first, b = second;
    auto take = [&](std::string_view* rest, const char* host, const char* caller) {
      if (rest->empty()) return;
      const std::size_t end = rest->find('\n');
      const std::string line(rest->substr(0, end));
      rest->remove_prefix(end + 1);
      const std::size_t close = line.find(']');
      const bool stamped = line[0] == '[';
      const std::string text = stamped ? line.substr(close + 2) : line;
      if (hosts)
        mixed += std::string("Nov 28 10:00:00 ") + host + " kernel: [    9.000001] " + text + "\n";
      else
        mixed += std::string("[    9.000001][") + caller + "] " + text + "\n";
    };
    while (!a.empty() || !b.empty()) {
      take(&a, "node-1", "  T148");
      take(&b, "node-2", "  T185");
      take(&b, "node-2", "  T185");
    }
    const auto pod = ParseKernelKill(mixed, 148, ""), group = ParseKernelKill(mixed, 185, "");
    ASSERT_TRUE(pod && group);
    EXPECT_EQ(pod->limit, 163840 * kKiB);
    EXPECT_EQ(group->limit, 131072 * kKiB);
    EXPECT_EQ(pod->report->stats->anon, Bytes{167178240});
    EXPECT_EQ(group->report->stats->anon, Bytes{133689344});
    EXPECT_EQ(pod->report->tasks.size(), 2U);
    EXPECT_EQ(group->report->tasks.size(), 3U);
    EXPECT_EQ(group->report->killed.size(), 3U);
    EXPECT_EQ(pod->report->invoker_pid, 148U);
  }
}

}  // namespace
}  // namespace wrackline::evidence
