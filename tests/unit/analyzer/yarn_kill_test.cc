#include "analyzer/evidence/yarn_kill.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/analyzer/killed_files.h"

namespace wrackline::evidence {
namespace {

using ::testing::HasSubstr;

YarnKill Only(const std::string& name) {
  const std::string log = ReadSample("yarn/" + name);
  EXPECT_TRUE(IsYarn(AsFile(log))) << name;
  std::vector<YarnKill> kills = ParseYarnKills(log);
  EXPECT_EQ(kills.size(), 1U) << name;
  return kills.empty() ? YarnKill{} : kills[0];
}

TEST(YarnKill, InAJobManagersLog) {
  const YarnKill kill = Only("jobmanager-1.12-physical.log");
  EXPECT_EQ(kill.container, "container_e10_1634010428940_125776_01_000003");
  EXPECT_EQ(kill.pid, 122806U);
  EXPECT_FALSE(kill.virtual_memory);
  EXPECT_EQ(kill.physical_used, 4 * kGiB);
  EXPECT_EQ(kill.physical_limit, 4 * kGiB);
  EXPECT_EQ(kill.virtual_limit, ParseBytes("8.4 GB").value());
  EXPECT_EQ(kill.exit_code, 143);
  ASSERT_EQ(kill.processes.size(), 1U);
  EXPECT_EQ(kill.processes[0].pid, 122920U);
  EXPECT_EQ(kill.processes[0].name, "java");
  EXPECT_EQ(kill.processes[0].resident, Bytes{std::int64_t{1048262} * 4096});
  EXPECT_THAT(kill.processes[0].command_line, HasSubstr("-XX:MaxDirectMemorySize=493921243"));
}

TEST(YarnKill, Hadoop3SaysHowFarBeyond) {
  const YarnKill kill = Only("jobmanager-1.13-hadoop3.log");
  EXPECT_EQ(kill.physical_limit, 2 * kGiB);
  EXPECT_EQ(kill.physical_used, 2 * kGiB + 64 * kKiB);
  EXPECT_EQ(kill.exit_code, 143);
  ASSERT_EQ(kill.processes.size(), 2U);
  EXPECT_EQ(kill.processes[0].name, "bash");
  EXPECT_EQ(kill.processes[0].resident, Bytes{369 * 4096});
}

TEST(YarnKill, TheNodeManagerKnowsTheBytes) {
  const YarnKill kill = Only("nodemanager-2.x.log");
  EXPECT_EQ(kill.physical_used, Bytes{1125031936});
  EXPECT_EQ(kill.physical_limit, kGiB);
  EXPECT_EQ(kill.pid, 2477U);
  EXPECT_FALSE(kill.exit_code);
  EXPECT_EQ(kill.processes.at(0).resident, Bytes{std::int64_t{274360} * 4096});
}

TEST(YarnKill, BehindAnothersDress) {
  const YarnKill kill = Only("scheduler-log.txt");
  EXPECT_EQ(kill.physical_used, kGiB + Bytes{94359552});
  EXPECT_EQ(kill.processes.at(0).pid, 1169U);
}

TEST(YarnKill, TheVirtualLimit) {
  const std::string log = ReadSample("yarn/yarn-logs-virtual.txt");
  ASSERT_TRUE(IsYarn(AsFile(log)));
  Evidence evidence;
  const auto added = AddYarn(AsFile(log), &evidence);
  ASSERT_TRUE(added.ok());
  const YarnKill& kill = *evidence.yarn;
  EXPECT_TRUE(kill.virtual_memory);
  EXPECT_EQ(kill.container, "container_e07_1669378398064_0904_01_000002");
  EXPECT_EQ(kill.physical_used, 2 * kGiB);
  EXPECT_EQ(kill.physical_limit, 6 * kGiB);
  EXPECT_EQ(kill.exit_code, -103);
  EXPECT_EQ(evidence.limit->amount, 6 * kGiB);
  EXPECT_THAT(added.value(), HasSubstr("virtual memory, exit code -103"));
}

TEST(YarnKill, FarInsideALongLog) {
  std::string log;
  for (int i = 0; i < 20000; ++i)
    log += "2026-11-28 10:00:00,000 INFO  org.apache.flink.X [] - checkpoint " + std::to_string(i) +
           "\n";
  EXPECT_FALSE(IsYarn(AsFile(log)));
  log += ReadSample("yarn/jobmanager-1.13-hadoop3.log");
  EXPECT_TRUE(IsYarn(AsFile(log)));
  log += ReadSample("yarn/nodemanager-2.x.log");
  Evidence evidence;
  ASSERT_TRUE(AddYarn(AsFile(log), &evidence).ok());
  // The TaskManager's, not the last.
  EXPECT_EQ(evidence.yarn->container, "container_e48_1655606936581_0285_01_000006");
}

TEST(YarnKill, OnlyAnExitCode) {
  const auto kills = ParseYarnKills(
      "INFO Worker container_1634010428940_125776_01_000007 is terminated. Diagnostics: Container "
      "killed on request. Exit code is 137\n");
  ASSERT_EQ(kills.size(), 1U);
  EXPECT_EQ(kills[0].container, "container_1634010428940_125776_01_000007");
  EXPECT_EQ(kills[0].exit_code, 137);
  EXPECT_FALSE(kills[0].physical_limit);
}

TEST(YarnKill, NothingOfTheKind) {
  for (const char* text :
       {"", "Container [pid=", "Container [pid=1,containerID=x] is running", "Exit code is 143",
        "container_ Exit code is 143", "process finished with exit code 1"})
    EXPECT_FALSE(IsYarn(AsFile(std::string(text)))) << text;
}

}  // namespace
}  // namespace wrackline::evidence
