// Real kills, each as dmesg prints it in four ways: the figures are the same in all.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "analyzer/evidence/kernel_log.h"
#include "tests/unit/analyzer/killed_files.h"

namespace wrackline::evidence {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

struct Expected {
  const char* name;
  const char* kernel;
  const char* invoker;
  std::uint32_t invoker_pid, pid;
  const char* victim;
  std::int64_t limit_kb, total_vm_kb, anon_kb, file_kb, page_tables_kb;
  std::uint64_t failures;
  std::size_t tasks;
  std::int64_t stats_anon, stats_file;
  std::uint64_t faults, major_faults;
};

constexpr Expected kExpected[] = {
    {"flink-6.18-v1", "6.18.44", "rocksdb:low0", 9573, 6517, "java", 1048576, 2710660, 1039028,
     24780, 2528, 1470088, 1, 1064165376, 3452928, 433027, 1772},
    {"group", "6.1.0-56-amd64", "eat", 147, 147, "eat", 131072, 133024, 130180, 1388, 300, 94, 3,
     133693440, 0, 32917, 0},
    {"java", "6.1.0-56-amd64", "java", 187, 186, "java", 196608, 2985400, 194920, 19624, 604, 60, 1,
     200278016, 32768, 48942, 0},
    {"k6.12-group", "6.12.95+deb12-amd64", "eat", 185, 185, "eat", 131072, 133024, 130176, 1444,
     300, 40, 3, 133689344, 0, 32914, 0},
    {"k6.12-pod", "6.12.95+deb12-amd64", "eat", 190, 190, "eat", 163840, 104240, 101376, 1216, 244,
     93, 2, 167284736, 0, 40909, 0},
    {"k6.12-single", "6.12.95+deb12-amd64", "eat", 186, 186, "eat", 131072, 134076, 130688, 1344,
     300, 34, 1, 133873664, 4096, 32732, 1},
    {"pod", "6.1.0-56-amd64", "eat", 148, 148, "eat", 163840, 104240, 101408, 1500, 244, 65, 2,
     167178240, 0, 40900, 0},
    {"psi", "6.1.0-56-amd64", "thrash", 163, 163, "thrash", 65536, 165920, 64792, 1264, 364, 18177,
     1, 66482176, 0, 53144, 18439},
    {"single", "6.1.0-56-amd64", "eat", 144, 144, "eat", 131072, 134076, 130676, 1396, 296, 95, 1,
     133840896, 45056, 32734, 4},
};

class Captures : public ::testing::TestWithParam<Expected> {};

TEST_P(Captures, FiguresAreEqualInEveryDress) {
  const Expected& expected = GetParam();
  int forms = 0;
  for (const char* form : {".txt", ".T.txt", ".raw.txt", ".decoded.txt"}) {
    const std::string log = ReadSample(std::string("kernel/captures/") + expected.name + form);
    if (log.empty()) continue;
    ++forms;
    SCOPED_TRACE(form);
    const std::vector<KernelKill> kills = AllKernelKills(log);
    ASSERT_EQ(kills.size(), 1U);
    const auto kill = ParseKernelKill(log, expected.pid, "");
    ASSERT_TRUE(kill && kill->report);
    EXPECT_EQ(kill->name, expected.victim);
    EXPECT_TRUE(kill->of_cgroup);
    EXPECT_EQ(kill->usage, expected.limit_kb * kKiB);
    EXPECT_EQ(kill->limit, expected.limit_kb * kKiB);
    EXPECT_EQ(kill->total_vm, expected.total_vm_kb * kKiB);
    EXPECT_EQ(kill->anon_rss, expected.anon_kb * kKiB);
    EXPECT_EQ(kill->file_rss, expected.file_kb * kKiB);
    EXPECT_EQ(kill->page_tables, expected.page_tables_kb * kKiB);
    const OomReport& report = *kill->report;
    EXPECT_EQ(report.constraint, OomConstraint::kCgroup);
    EXPECT_EQ(report.invoker, expected.invoker);
    EXPECT_EQ(report.invoker_pid, expected.invoker_pid);
    EXPECT_EQ(report.kernel_version, expected.kernel);
    EXPECT_EQ(report.failures, expected.failures);
    EXPECT_FALSE(report.swap_limit);  // the kernel's number for "none" is no limit
    EXPECT_EQ(report.tasks.size(), expected.tasks);
    ASSERT_TRUE(report.stats);
    EXPECT_EQ(report.stats->cgroup, report.oom_cgroup);
    EXPECT_EQ(report.stats->anon, Bytes{expected.stats_anon});
    EXPECT_EQ(report.stats->file, Bytes{expected.stats_file});
    EXPECT_EQ(report.stats->page_faults, expected.faults);
    EXPECT_EQ(report.stats->major_faults, expected.major_faults);
    if (std::string(form) == ".T.txt")
      EXPECT_THAT(report.wall_time, HasSubstr("2026"));
    else
      EXPECT_TRUE(report.seconds_since_boot);
    const std::string extract = ExtractKernelReport(log, expected.pid, "");
    EXPECT_THAT(extract, HasSubstr("invoked oom-killer"));
    EXPECT_THAT(extract, HasSubstr("Killed process " + std::to_string(expected.pid)));
  }
  EXPECT_GE(forms, 2);
}

INSTANTIATE_TEST_SUITE_P(Kernel, Captures, ::testing::ValuesIn(kExpected), [](const auto& test) {
  std::string name = test.param.name;
  for (char& c : name)
    if (c == '-' || c == '.') c = '_';
  return name;
});

TEST(KernelCaptures, ATableOfNewKernelsSplitsTheResidentSet) {
  const auto kill = ParseKernelKill(ReadSample("kernel/captures/k6.12-group.raw.txt"), 185, "");
  ASSERT_TRUE(kill);
  const OomTask& task = kill->report->tasks.at(2);
  EXPECT_EQ(task.pid, 185U);
  EXPECT_EQ(task.name, "eat");
  EXPECT_EQ(task.total_vm, 33256 * 4 * kKiB);
  EXPECT_EQ(task.resident, 32905 * 4 * kKiB);
  EXPECT_EQ(task.anon, 32544 * 4 * kKiB);
  EXPECT_EQ(task.file, 361 * 4 * kKiB);
  EXPECT_EQ(task.shmem, Bytes{});
  EXPECT_EQ(task.page_tables, Bytes{307200});
  EXPECT_EQ(task.score_adjust, 0);
  EXPECT_EQ(kill->report->stats->kernel, Bytes{528384});
  EXPECT_EQ(kill->report->stats->page_tables, Bytes{401408});
  EXPECT_EQ(kill->report->stats->slab, Bytes{63408});
  EXPECT_EQ(kill->report->stats->anon_thp, Bytes{2097152});
}

TEST(KernelCaptures, AnOlderTableDoesNot) {
  const auto kill = ParseKernelKill(ReadSample("kernel/captures/pod.txt"), 148, "");
  ASSERT_TRUE(kill);
  const OomTask& task = kill->report->tasks.at(1);
  EXPECT_EQ(task.resident, 25727 * 4 * kKiB);
  EXPECT_FALSE(task.anon);
  EXPECT_EQ(task.score_adjust, 985);
}

TEST(KernelCaptures, AGroupDiesTogether) {
  const std::string log = ReadSample("kernel/captures/k6.12-group.T.txt");
  for (const std::uint32_t pid : {182U, 184U, 185U}) {
    const auto kill = ParseKernelKill(log, pid, "");
    ASSERT_TRUE(kill) << pid;
    EXPECT_TRUE(kill->report->group_kill);
    EXPECT_EQ(kill->report->group, "/group");
    EXPECT_THAT(kill->report->killed, ElementsAre(185U, 182U, 184U));
  }
  EXPECT_EQ(ParseKernelKill(log, 182, "")->anon_rss, 256 * kKiB);
}

// As Debian's 6.1 printed it of a thread that had not ended yet.
TEST(KernelCaptures, AThreadIsNoProcessOfTheGroup) {
  std::string log = ReadSample("kernel/captures/k6.12-group.T.txt");
  const std::size_t at = log.rfind("Memory cgroup out of memory: Killed process ");
  ASSERT_NE(at, std::string::npos);
  const std::size_t begin = log.rfind('\n', at) + 1;
  std::string line = log.substr(begin, log.find('\n', at) + 1 - begin);
  const std::size_t pid = line.find("process ") + 8;
  line.replace(pid, line.find(' ', pid) - pid, "1999");
  log.insert(begin, line);
  const auto kill = ParseKernelKill(log, 182, "");
  ASSERT_TRUE(kill);
  EXPECT_THAT(kill->report->killed, ElementsAre(185U, 182U, 184U));
}

TEST(KernelCaptures, ThePodsLimitIsNotTheContainers) {
  const auto kill = ParseKernelKill(ReadSample("kernel/captures/k6.12-pod.raw.txt"), 190, "");
  ASSERT_TRUE(kill);
  EXPECT_THAT(kill->report->oom_cgroup, ::testing::EndsWith("2f6b8f0a7c11.slice"));
  EXPECT_THAT(kill->report->task_cgroup, ::testing::EndsWith("b2b2.scope"));
}

TEST(KernelCaptures, VersionOneOfTheStatistics) {
  const auto kill = ParseKernelKill(ReadSample("kernel/captures/flink-6.18-v1.T.txt"), 6517, "");
  ASSERT_TRUE(kill);
  const OomReport& report = *kill->report;
  EXPECT_EQ(report.stats->anon, Bytes{1064165376});
  EXPECT_EQ(report.stats->file, Bytes{3452928});
  EXPECT_EQ(report.stats->file_dirty, Bytes{12288});
  EXPECT_EQ(report.stats->inactive_file, Bytes{3448832});
  EXPECT_EQ(report.stats->workingset_refault_file, 1838343U);
  EXPECT_EQ(report.kernel_usage, 5980 * kKiB);
  EXPECT_EQ(report.swap_usage, Bytes{});
  EXPECT_EQ(report.wall_time, "Sat Nov 21 01:48:41 2026");
}

}  // namespace
}  // namespace wrackline::evidence
