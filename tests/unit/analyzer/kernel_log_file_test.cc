// Which kill a folder's evidence gets, and what follows from the kernel's report alone.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>

#include "analyzer/evidence/kernel_log.h"
#include "analyzer/evidence/kernel_log_dress.h"
#include "analyzer/evidence/kernel_reports.h"
#include "tests/unit/analyzer/killed_files.h"

namespace wrackline::evidence {
namespace {

using ::testing::HasSubstr;

TEST(KernelLogFile, TheReportAloneMakesAMomentOfDeath) {
  const std::string log = ReadSample("kernel/captures/flink-6.18-v1.T.txt");
  ASSERT_TRUE(IsKernelLog(AsFile(log)));
  Evidence evidence;
  const auto added = AddKernelLog(AsFile(log), &evidence);
  ASSERT_TRUE(added.ok());
  EXPECT_THAT(added.value(), HasSubstr("process 6517 (java) killed at the limit of 1.00 GiB"));
  ASSERT_TRUE(evidence.ending.kernel_kill);
  EXPECT_EQ(evidence.ending.signal, SIGKILL);
  EXPECT_EQ(evidence.process.pid, 6517U);
  EXPECT_EQ(evidence.limit->amount, kGiB);
  EXPECT_EQ(evidence.last_charge->amount, kGiB);
  EXPECT_THAT(evidence.ending.kernel_log, HasSubstr("Killed process 6517"));
  ASSERT_EQ(evidence.timeline.size(), 1U);
  const TimelinePoint& point = evidence.timeline[0];
  EXPECT_EQ(point.charge, kGiB);
  EXPECT_EQ(point.anon, Bytes{1064165376});
  EXPECT_EQ(point.file, Bytes{3452928});
  EXPECT_EQ(point.inactive_file, Bytes{3448832});
  EXPECT_EQ(point.kernel, 5980 * kKiB);
  EXPECT_EQ(point.resident, Bytes{265952 * 4096});
  EXPECT_EQ(point.resident_shared, Bytes{6195 * 4096});
  EXPECT_EQ(point.ProcessAnonymous(), 1039028 * kKiB);
  EXPECT_EQ(point.time, *ParseWallTime("2026-11-21T01:48:41Z"));
}

TEST(KernelLogFile, OfAnOldTableTheKillSplitsTheResidentSet) {
  const auto kill = ParseKernelKill(ReadSample("kernel/captures/pod.txt"), 148, "");
  const auto point = PointOfDeath(*kill, Time{});
  ASSERT_TRUE(point);
  EXPECT_EQ(point->resident, Bytes{25727 * 4096});
  EXPECT_EQ(point->resident_shared, 1500 * kKiB);
  EXPECT_EQ(point->ProcessAnonymous(), 101408 * kKiB);
  EXPECT_EQ(point->slab, Bytes{22936});
}

TEST(KernelLogFile, ARecordingsTimelineIsKept) {
  const std::string log = ReadSample("kernel/captures/flink-6.18-v1.txt");
  Evidence evidence;
  evidence.records = 100;
  evidence.process.pid = 6517;
  evidence.limit = Figure{2 * kGiB, Time{}, "memory.max"};
  evidence.timeline.resize(3);
  ASSERT_TRUE(AddKernelLog(AsFile(log), &evidence).ok());
  EXPECT_TRUE(evidence.ending.kernel_kill);
  EXPECT_EQ(evidence.timeline.size(), 3U);
  EXPECT_EQ(evidence.limit->amount, 2 * kGiB);
}

TEST(KernelLogFile, AnothersKillIsNotTheRecordedProcesss) {
  const std::string log = ReadSample("kernel/captures/flink-6.18-v1.txt");
  Evidence evidence;
  evidence.records = 100;
  evidence.process.pid = 1;
  evidence.process.cgroup_path = "/kubepods/other";
  const auto added = AddKernelLog(AsFile(log), &evidence);
  ASSERT_TRUE(added.ok());
  EXPECT_THAT(added.value(), HasSubstr("none of this process"));
  EXPECT_FALSE(evidence.ending.kernel_kill);
  EXPECT_FALSE(evidence.ending.signal);
  // In a container neither pid nor cgroup are the kernel's, but the limit is.
  evidence.process.cgroup_path = "/";
  evidence.limit = Figure{kGiB, Time{}, "memory.max"};
  Evidence twice = evidence;
  ASSERT_TRUE(AddKernelLog(AsFile(log), &evidence).ok());
  EXPECT_TRUE(evidence.ending.kernel_kill);
  EXPECT_TRUE(evidence.ending.kernel_kill_by_limit);
  EXPECT_FALSE(evidence.ending.signal) << "that it is this process's is likely and no more";
  // Two that are alike tell nothing.
  std::string second = log;
  for (std::size_t at = second.find("6517"); at != std::string::npos; at = second.find("6517", at))
    second.replace(at, 4, "7517");
  ASSERT_TRUE(AddKernelLog(AsFile(log + second), &twice).ok());
  EXPECT_FALSE(twice.ending.kernel_kill);
}

// A node's log has every pod's kills.
TEST(KernelLogFile, AnotherPodsKillIsNotThePods) {
  const std::string log = ReadSample("kernel/captures/pod.txt");
  Evidence evidence;
  evidence.pod.emplace().uid = "00000000-0d5e-4c55-9c3e-2f6b8f0a7c11";
  const auto added = AddKernelLog(AsFile(log), &evidence);
  ASSERT_TRUE(added.ok());
  EXPECT_THAT(added.value(), HasSubstr("none of this process"));
  EXPECT_FALSE(evidence.ending.kernel_kill);
  EXPECT_FALSE(evidence.limit);
}

// A machine's log beside the files of a process that lives: the kill was of one at another limit, or of the one before it.
TEST(KernelLogFile, AnothersKillIsNotThatOfALiveProcess) {
  const std::string log = ReadSample("kernel/captures/flink-6.18-v1.txt");
  Evidence live;
  live.recorded = false;
  live.process.pid = 4711;
  live.process.executable = "java";
  ASSERT_TRUE(AddKernelLog(AsFile(log), &live).ok());
  EXPECT_FALSE(live.ending.kernel_kill) << "no limit is known";
  live.limit = Figure{2 * kGiB, Time{}, "memory.max"};
  const auto added = AddKernelLog(AsFile(log), &live);
  ASSERT_TRUE(added.ok());
  EXPECT_THAT(added.value(), HasSubstr("none of this process"));
  EXPECT_FALSE(live.ending.kernel_kill);
  EXPECT_TRUE(live.timeline.empty());
  live.limit->amount = kGiB;
  ASSERT_TRUE(AddKernelLog(AsFile(log), &live).ok());
  ASSERT_TRUE(live.ending.kernel_kill) << "the container was started again";
  EXPECT_EQ(live.ending.kernel_kill->pid, 6517U);
}

TEST(KernelLogFile, ThePodsContainerTells) {
  const std::string log = ReadSample("kernel/captures/flink-6.18-v1.txt") +
                          ReadSample("kernel/captures/pod.txt") +
                          ReadSample("kernel/captures/java.txt");
  Evidence evidence;
  evidence.pod.emplace();
  std::string id = "containerd://";
  for (int i = 0; i < 32; ++i) id += "b2";
  evidence.pod->containers.emplace_back().id = id;
  ASSERT_TRUE(AddKernelLog(AsFile(log), &evidence).ok());
  EXPECT_EQ(evidence.ending.kernel_kill->pid, 148U);
  Evidence nothing;
  ASSERT_TRUE(AddKernelLog(AsFile(log), &nothing).ok());
  EXPECT_EQ(nothing.ending.kernel_kill->pid, 186U);  // the last java
  Evidence by_uid;
  by_uid.pod.emplace();
  by_uid.pod->uid = "6f3ba2c1-0d5e-4c55-9c3e-2f6b8f0a7c11";
  ASSERT_TRUE(AddKernelLog(AsFile(log), &by_uid).ok());
  EXPECT_EQ(by_uid.ending.kernel_kill->pid, 148U);
}

TEST(KernelLogFile, ALogWithoutAKillSaysSo) {
  const std::string log =
      "[    0.000000] Linux version 6.1.0\n[    0.000000] Command line: quiet\n"
      "[    1.200000] EXT4-fs (vda1): mounted filesystem\n[    1.300000] eth0: link becomes "
      "ready\n";
  EXPECT_TRUE(IsKernelLog(AsFile(log)));
  Evidence evidence;
  const auto added = AddKernelLog(AsFile(log), &evidence);
  ASSERT_TRUE(added.ok());
  EXPECT_EQ(added.value(), "no OOM kill in it");
  EXPECT_FALSE(evidence.ending.kernel_kill);
}

TEST(KernelLogFile, OthersThatQuoteTheKernelAreNotItsLog) {
  for (const char* text : {
           "",
           "Killed",
           "[0.005s][info][gc] Using G1\n[0.006s][info][gc] x\n[0.1s][info][gc] y\n",
           "{\n  \"kind\": \"EventList\",\n  \"message\": \"Memory cgroup out of memory: Killed "
           "process 5 (java) total-vm:1kB\"\n}\n",
           "apiVersion: v1\nmessage: |\n  Memory cgroup out of memory: Killed process 5 (java) "
           "total-vm:1kB\n",
           "Name: pod\nEvents:\n  Warning OOMKilling Memory cgroup out of memory: Killed process 5 "
           "(java)\n",
           "2026-11-28 10:00:00,000 INFO  org.apache.flink.X [] - the log said: Killed process 5 "
           "(java) total-vm\n",
       })
    EXPECT_FALSE(IsKernelLog(AsFile(std::string(text)))) << text;
}

TEST(KernelLogDress, OfALine) {
  struct Case {
    const char *line, *text, *wall, *host, *caller;
    double seconds;
  };
  for (const Case& c : {
           Case{"<4>[    6.194037] a b", "a b", "", "", "", 6.194037},
           Case{"[    6.194037][  T185] a", "a", "", "", "T185", 6.194037},
           Case{"kern  :warn  : [    6.194037] a", "a", "", "", "", 6.194037},
           Case{"[Sat Nov 21 02:47:47 2026] a", "a", "Sat Nov 21 02:47:47 2026", "", "", -1},
           Case{"Nov 28 10:00:00 host kernel: [12.5] a", "a", "Nov 28 10:00:00", "host", "", 12.5},
           Case{"Nov 28 10:00:00.123456 host kernel: a", "a", "Nov 28 10:00:00.123456", "host", "",
                -1},
           Case{"2026-11-28T10:00:00+0100 host kernel: a", "a", "2026-11-28T10:00:00+0100", "host",
                "", -1},
           Case{"6,30,3000000,-;a", "a", "", "", "", 3},
           Case{"6,30,3000000,-,caller=T12;a", "a", "", "", "T12", 3},
           Case{"[ 6517] 0 6517 1", "[ 6517] 0 6517 1", "", "", "", -1},
           Case{"kernel: a", "a", "", "", "", -1},
       }) {
    SCOPED_TRACE(c.line);
    const DressedLine line = PeelDress(c.line);
    EXPECT_EQ(line.text, c.text);
    EXPECT_EQ(line.wall, c.wall);
    EXPECT_EQ(line.host, c.host);
    EXPECT_EQ(line.caller, c.caller);
    EXPECT_EQ(line.seconds.value_or(-1), c.seconds);
  }
}

TEST(KernelLogDress, WallTimes) {
  using namespace std::chrono;
  const auto noon = sys_days{year{2026} / 11 / 28} + hours{12};
  EXPECT_EQ(ParseWallTime("Sat Nov 28 12:00:00 2026"), noon);
  EXPECT_EQ(ParseWallTime("2026-11-28T12:00:00Z"), noon);
  EXPECT_EQ(ParseWallTime("2026-11-28T13:00:00,500+01:00"), noon + milliseconds{500});
  EXPECT_EQ(ParseWallTime("2026-11-28T07:30:00-0430"), noon);
  EXPECT_FALSE(ParseWallTime("Nov 28 12:00:00"));
  EXPECT_FALSE(ParseWallTime("2026-13-28T12:00:00Z"));
  EXPECT_FALSE(ParseWallTime(""));
}

TEST(KernelReports, ALongLogKeepsTheLastOnes) {
  std::string log;
  for (int i = 1; i <= 3000; ++i)
    log += "Memory cgroup out of memory: Killed process " + std::to_string(i) +
           " (java) total-vm:1kB\n";
  EXPECT_EQ(AllKernelKills(log).size(), kMostKernelReports);
  EXPECT_TRUE(ParseKernelKill(log, 3000, ""));
}

}  // namespace
}  // namespace wrackline::evidence
