#include "lib/container/cpu.h"

#include <gtest/gtest.h>
#include <sched.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>

#include "fixture.h"

namespace wrackline::container {
namespace {

using Quota = std::optional<std::uint32_t>;

std::optional<std::string> Text(const std::optional<CpuBandwidth>& bandwidth) {
  if (!bandwidth) return std::nullopt;
  return std::to_string(bandwidth->quota_us) + "/" + std::to_string(bandwidth->period_us);
}
std::optional<std::string> Parse(const std::string& text) {
  return Text(ParseCpuMax(text.data(), text.size()));
}

TEST(ParseCpuMaxTest, QuotaAndPeriod) {
  EXPECT_EQ(Parse("150000 100000\n"), "150000/100000");
  EXPECT_EQ(Parse("1000 1000000\n"), "1000/1000000");
}

TEST(ParseCpuMaxTest, NoQuotaAndNonsenseAreEmpty) {
  for (const char* text :
       {"max 100000\n", "", "\n", "150000\n", "150000 \n", "150000 100000", "0 100000\n",
        "150000 0\n", "-1 100000\n", "1 2 3\n", "x y\n", "99999999999999999999999 100000\n"}) {
    EXPECT_EQ(Parse(text), std::nullopt) << text;
  }
}

struct Machine {
  const char* fixture;
  bool found;
  std::string folder;  // below the fixture
  Quota quota;
};
void PrintTo(const Machine& machine, std::ostream* out) { *out << machine.fixture; }

class CpuQuotaTest : public testing::TestWithParam<Machine> {};

TEST_P(CpuQuotaTest, IsTheLowestOnTheWayUp) {
  const Machine& machine = GetParam();
  const std::string root = Fixture(machine.fixture);
  ASSERT_TRUE(std::filesystem::exists(root)) << root;
  Cgroup cgroup;
  EXPECT_EQ(FindCpuCgroup(root.c_str(), "self", &cgroup), machine.found);
  EXPECT_EQ(cgroup.folder, machine.found ? root + machine.folder : "");
  EXPECT_EQ(ReadCpuQuota(cgroup), machine.quota);
}

const std::string kScope =
    "/sys/fs/cgroup/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod6d0c1f2e.slice/"
    "cri-containerd-" +
    kContainerId + ".scope";

INSTANTIATE_TEST_SUITE_P(
    Machines, CpuQuotaTest,
    testing::Values(
        // 125000 us of every 50000; cpu and cpuacct are one hierarchy, memory is another.
        Machine{"v1-cpu", true, "/sys/fs/cgroup/cpu,cpuacct/docker/" + kContainerId, Quota(2500)},
        Machine{"v2-container", true, "/sys/fs/cgroup", Quota(1500)},
        Machine{"v2-pod", true, kScope, Quota(2000)},              // the pod has 2500
        Machine{"v2-pod-limit-on-pod", true, kScope, Quota(500)},  // its own is "max"
        Machine{"v1-host", false, "", std::nullopt},               // in the root of the hierarchy
        Machine{"v2-systemd", false, "", std::nullopt},  // no cpu controller on the way up
        Machine{"no-memory-controller", false, "", std::nullopt}),
    [](const testing::TestParamInfo<Machine>& info) {
      std::string name = info.param.fixture;
      for (char& c : name) {
        if (c == '-') c = '_';
      }
      return name;
    });

TEST(CpuQuotaTest, WithoutACgroupThereIsNone) {
  EXPECT_EQ(ReadCpuQuota(Cgroup{}), std::nullopt);
  Cgroup gone;
  gone.version = 2;
  std::strcpy(gone.folder, "/nowhere/at/all");
  EXPECT_EQ(ReadCpuQuota(gone), std::nullopt);
}

TEST(UsableCpusTest, FollowsTheAffinityMask) {
  cpu_set_t before;
  ASSERT_EQ(sched_getaffinity(0, sizeof(before), &before), 0);
  EXPECT_EQ(UsableCpus(), static_cast<std::uint32_t>(CPU_COUNT(&before)));
  int first = 0;
  while (!CPU_ISSET(first, &before)) ++first;
  cpu_set_t one;
  CPU_ZERO(&one);
  CPU_SET(first, &one);
  ASSERT_EQ(sched_setaffinity(0, sizeof(one), &one), 0);
  EXPECT_EQ(UsableCpus(), 1u);
  ASSERT_EQ(sched_setaffinity(0, sizeof(before), &before), 0);
}

// On this machine's own kernel: a child in a cgroup with a quota of a processor and a half.
TEST(LiveCpuQuotaTest, AChildSeesItsQuota) {
  Cgroup own;
  const bool below_root = FindCpuCgroup("", "self", &own);
  const bool v1 = std::filesystem::exists("/sys/fs/cgroup/cpu/cpu.cfs_quota_us");
  if (!below_root && !v1) GTEST_SKIP() << "no cpu controller that a test could use";
  const std::string folder = std::string(below_root ? own.folder : "/sys/fs/cgroup/cpu") +
                             "/wrackline-test-" + std::to_string(getpid());
  if (mkdir(folder.c_str(), 0755) != 0)
    GTEST_SKIP() << "cannot make " << folder << ": " << std::strerror(errno) << " (run as root)";
  const auto write = [&folder](const char* name, const std::string& text) {
    std::ofstream file(folder + "/" + name);
    file << text;
    file.flush();
    return static_cast<bool>(file);
  };
  const bool set = v1 ? write("cpu.cfs_period_us", "20000") && write("cpu.cfs_quota_us", "30000")
                      : write("cpu.max", "30000 20000");
  int status = -1;
  if (set) {
    const pid_t child = fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      if (!write("cgroup.procs", std::to_string(getpid()))) _exit(1);
      Cgroup cgroup;
      if (!FindCpuCgroup("", "self", &cgroup) || cgroup.folder != folder) _exit(2);
      _exit(ReadCpuQuota(cgroup) == 1500u ? 0 : 3);
    }
    ASSERT_EQ(waitpid(child, &status, 0), child);
  }
  EXPECT_EQ(rmdir(folder.c_str()), 0) << std::strerror(errno);
  if (!set) GTEST_SKIP() << "cgroup v2 gives " << folder << " no cpu controller";
  EXPECT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

}  // namespace
}  // namespace wrackline::container
