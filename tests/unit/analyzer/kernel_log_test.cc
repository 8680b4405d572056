#include "analyzer/evidence/kernel_log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace wrackline::evidence {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr const char* kLog =
    "other line\n"
    "sh invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=0, oom_score_adj=0\n"
    "memory: usage 1024kB, limit 1024kB, failcnt 7\n"
    "oom-kill:constraint=CONSTRAINT_MEMCG,oom_memcg=/a,task_memcg=/a/b,task=sh,pid=7,uid=0\n"
    "Memory cgroup out of memory: Killed process 7 (sh) total-vm:10kB, anon-rss:1kB, file-rss:2kB, "
    "shmem-rss:3kB\n"
    "java invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=0, oom_score_adj=0\n"
    "memory: usage 358400kB, limit 358400kB, failcnt 12\n"
    "oom-kill:constraint=CONSTRAINT_MEMCG,oom_memcg=/k,task_memcg=/k/pod/"
    "c1,task=java,pid=4711,uid=0\n"
    "Memory cgroup out of memory: Killed process 4711 (ja) va)) total-vm:849972kB, "
    "anon-rss:357004kB, file-rss:14816kB, "
    "shmem-rss:0kB, UID:0 pgtables:920kB oom_score_adj:0\n"
    "oom_reaper: reaped process 4711 (java), now anon-rss:0kB\n"
    "later line\n";

TEST(KernelLog, FindsTheKillOfThePid) {
  const auto kill = ParseKernelKill(kLog, 4711, "");
  ASSERT_TRUE(kill);
  EXPECT_EQ(kill->pid, 4711u);
  EXPECT_EQ(kill->name, "ja) va)");
  EXPECT_TRUE(kill->of_cgroup);
  EXPECT_EQ(kill->total_vm, 849972 * kKiB);
  EXPECT_EQ(kill->anon_rss, 357004 * kKiB);
  EXPECT_EQ(kill->file_rss, 14816 * kKiB);
  EXPECT_EQ(kill->shmem_rss, Bytes{});
  EXPECT_EQ(kill->page_tables, 920 * kKiB);
  EXPECT_EQ(kill->usage, 358400 * kKiB);
  EXPECT_EQ(kill->limit, 358400 * kKiB);
}

TEST(KernelLog, InAnotherPidNamespaceTheCgroupTells) {
  const auto kill = ParseKernelKill(kLog, 1, "/pod/c1");
  ASSERT_TRUE(kill);
  EXPECT_EQ(kill->pid, 4711u);
  EXPECT_FALSE(ParseKernelKill(kLog, 1, "/"));
  EXPECT_FALSE(ParseKernelKill(kLog, 1, "/pod/c2"));
}

TEST(KernelLog, SaysWhoseLimitItWasAndWhoDiedWithIt) {
  const auto pod = ParseKernelKill(kLog, 4711, "");
  ASSERT_TRUE(pod && pod->report);
  EXPECT_EQ(pod->report->oom_cgroup, "/k");
  EXPECT_EQ(pod->report->task_cgroup, "/k/pod/c1");
  EXPECT_FALSE(pod->report->group_kill);
  EXPECT_THAT(pod->report->killed, ::testing::ElementsAre(4711u));

  // As a 6.1 kernel writes it; the victim comes twice.
  const std::string log =
      "java invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=0, oom_score_adj=0\n"
      "oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=/,mems_allowed=0,oom_memcg=/g,"
      "task_memcg=/g,task=java,pid=96,uid=0\n"
      "Memory cgroup out of memory: Killed process 96 (java) total-vm:101kB, anon-rss:39kB\n"
      "Tasks in /g are going to be killed due to memory.oom.group set\n"
      "Memory cgroup out of memory: Killed process 96 (java) total-vm:101kB, anon-rss:39kB\n"
      "Memory cgroup out of memory: Killed process 97 (sh) total-vm:146kB, anon-rss:29kB\n"
      "Memory cgroup out of memory: Killed process 98 (sh) total-vm:114kB, anon-rss:25kB\n"
      "later line\n";
  for (const std::uint32_t pid : {96u, 97u, 98u}) {
    const std::string report = ExtractKernelReport(log, pid, "");
    EXPECT_THAT(report, Not(HasSubstr("later line")));
    const auto kill = ParseKernelKill(report, pid, "");
    ASSERT_TRUE(kill && kill->report);
    EXPECT_EQ(kill->pid, pid);
    EXPECT_TRUE(kill->report->group_kill);
    EXPECT_EQ(kill->report->group, "/g");
    EXPECT_THAT(kill->report->killed, ::testing::ElementsAre(96u, 97u, 98u));
  }
}

// A group is told from its threads by the table of tasks. Without the row of the one that was decided for, it was killed all the same.
TEST(KernelLog, AGroupsVictimWhoseRowIsLostWasKilled) {
  const std::string log =
      "java invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=0, oom_score_adj=0\n"
      "[  pid  ]   uid  tgid total_vm      rss pgtables_bytes swapents oom_score_adj name\n"
      "[     97]     0    97     1088      750    49152        0             0 sh\n"
      "oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=/,mems_allowed=0,oom_memcg=/g,"
      "task_memcg=/g,task=java,pid=96,uid=0\n"
      "Memory cgroup out of memory: Killed process 96 (java) total-vm:101kB, anon-rss:39kB\n"
      "Tasks in /g are going to be killed due to memory.oom.group set\n"
      "Memory cgroup out of memory: Killed process 96 (java) total-vm:101kB, anon-rss:39kB\n";
  const auto kill = ParseKernelKill(log, 96, "");
  ASSERT_TRUE(kill && kill->report);
  ASSERT_EQ(kill->report->tasks.size(), 1u);
  EXPECT_TRUE(kill->report->group_kill);
  EXPECT_THAT(kill->report->killed, ::testing::ElementsAre(96u));
}

TEST(KernelLog, ReportIsTheBlockOfThisKill) {
  const std::string report = ExtractKernelReport(kLog, 4711, "");
  EXPECT_THAT(report, ::testing::StartsWith("java invoked oom-killer"));
  EXPECT_THAT(report, HasSubstr("oom_reaper"));
  EXPECT_THAT(report, Not(HasSubstr("later line")));
  EXPECT_THAT(report, Not(HasSubstr("process 7 ")));
}

TEST(KernelLog, LongReportKeepsItsEndsWithinTheBound) {
  std::string log = "x invoked oom-killer: y\n";
  for (int i = 0; i < 5000; ++i) log += "[ 123] task line " + std::to_string(i) + "\n";
  log += "Killed process 9 (x) total-vm:1kB, anon-rss:1kB\n";
  const std::string report = ExtractKernelReport(log, 9, "", 4096);
  EXPECT_LE(report.size(), 4096u);
  EXPECT_THAT(report, HasSubstr("invoked oom-killer"));
  EXPECT_THAT(report, HasSubstr("Killed process 9"));
}

TEST(KernelLog, BeforeFiveZero) {
  const auto kill = ParseKernelKill(
      "x invoked oom-killer: y\nMemory cgroup out of memory: Kill process 9 (x) score 99 or "
      "sacrifice child\n"
      "Killed process 9 (x) total-vm:8kB, anon-rss:4kB, file-rss:0kB, shmem-rss:0kB\n",
      9, "");
  ASSERT_TRUE(kill);
  EXPECT_EQ(kill->anon_rss, 4 * kKiB);
}

TEST(KernelLog, NothingOfTheKindIsNothing) {
  for (const char* text : {"", "\n\n", "Killed process", "Killed process x (y",
                           "Killed process 99999999999999999999 (y)"})
    EXPECT_FALSE(ParseKernelKill(text, 9, "/a")) << text;
}

}  // namespace
}  // namespace wrackline::evidence
