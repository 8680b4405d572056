// On the machine's own cgroups: nothing here is a fixture.
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>

#include "lib/container/cgroup.h"
#include "lib/container/pressure.h"

namespace wrackline::container {
namespace {

bool WriteFile(const std::string& path, const std::string& text) {
  std::ofstream file(path);
  file << text;
  file.flush();
  return static_cast<bool>(file);
}

// A cgroup of the test's own below the one it runs in, removed at the end.
class LiveCgroupTest : public testing::Test {
 protected:
  void SetUp() override {
    if (!FindMemoryCgroup("", "self", &own_)) {
      GTEST_SKIP() << "this process is in no memory cgroup but the root";
    }
    folder_ = std::string(own_.folder) + "/wrackline-test-" + std::to_string(getpid());
    if (mkdir(folder_.c_str(), 0755) != 0) {
      GTEST_SKIP() << "cannot make " << folder_ << ": " << std::strerror(errno) << " (run as root)";
    }
    made_ = true;
    if (own_.version == 2 && !std::filesystem::exists(folder_ + "/memory.max")) {
      GTEST_SKIP() << "cgroup v2 gives " << folder_
                   << " no memory controller while processes are in its parent";
    }
  }
  void TearDown() override {
    if (made_) {
      EXPECT_EQ(rmdir(folder_.c_str()), 0) << folder_ << ": " << std::strerror(errno);
    }
  }

  std::string File(const char* v1, const char* v2) const {
    return folder_ + "/" + (own_.version == 1 ? v1 : v2);
  }

  Cgroup own_;
  std::string folder_;
  bool made_ = false;
};

// Room for a sanitizer's shadow of what is touched.
constexpr std::uint64_t kLimit = 256 << 20;
constexpr std::size_t kTouched = 24 << 20;

// What a child process in the new cgroup saw of itself.
struct Seen {
  bool entered, found;
  Cgroup cgroup;
  CgroupMemory before, after;
};

TEST_F(LiveCgroupTest, AChildSeesItsLimitAndWhatItTouches) {
  ASSERT_TRUE(WriteFile(File("memory.limit_in_bytes", "memory.max"), std::to_string(kLimit)));
  auto* const seen = static_cast<Seen*>(
      mmap(nullptr, sizeof(Seen), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
  ASSERT_NE(seen, MAP_FAILED);
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    seen->entered = WriteFile(folder_ + "/cgroup.procs", std::to_string(getpid()));
    seen->found = FindMemoryCgroup("", "self", &seen->cgroup);
    seen->before = ReadCgroupMemory(seen->cgroup);
    void* const memory =
        mmap(nullptr, kTouched, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    std::memset(memory, 1, kTouched);
    // The kernel brings the per-CPU counters of memory.stat together every two seconds.
    for (int i = 0; i < 50; ++i) {
      seen->after = ReadCgroupMemory(seen->cgroup);
      if (seen->after.anon && *seen->after.anon >= kTouched) break;
      usleep(100'000);
    }
    _exit(0);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  ASSERT_TRUE(seen->entered);
  ASSERT_TRUE(seen->found);
  EXPECT_EQ(seen->cgroup.version, own_.version);
  EXPECT_EQ(seen->cgroup.folder, folder_);
  EXPECT_EQ(seen->after.limit, kLimit);
  ASSERT_TRUE(seen->before.charge && seen->after.charge && seen->after.anon && seen->after.peak);
  EXPECT_GE(*seen->after.charge, kTouched);
  // The charge runs ahead of use by up to 64 pages that each CPU holds in stock (MEMCG_CHARGE_BATCH
  // in mm/memcontrol.c); what was in stock before was charged before.
  const auto stock =
      static_cast<std::uint64_t>(64 * sysconf(_SC_PAGESIZE) * sysconf(_SC_NPROCESSORS_CONF));
  EXPECT_GE(*seen->after.charge - *seen->before.charge + stock, kTouched);
  EXPECT_LE(*seen->after.charge, kLimit);
  EXPECT_GE(*seen->after.anon, kTouched);
  EXPECT_GE(*seen->after.peak, kTouched);
  EXPECT_EQ(seen->after.oom_kill, 0u);
  EXPECT_EQ(seen->after.limit_hits, 0u);
  munmap(seen, sizeof(Seen));
}

TEST_F(LiveCgroupTest, AKillIsCounted) {
  ASSERT_TRUE(WriteFile(File("memory.limit_in_bytes", "memory.max"), std::to_string(kLimit)));
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    WriteFile("/proc/self/oom_score_adj", "1000");
    if (!WriteFile(folder_ + "/cgroup.procs", std::to_string(getpid()))) _exit(1);
    void* const memory =
        mmap(nullptr, 4 * kLimit, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    std::memset(memory, 1, 4 * kLimit);
    _exit(0);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFSIGNALED(status)) << status;
  EXPECT_EQ(WTERMSIG(status), SIGKILL);
  Cgroup cgroup = own_;
  std::strcpy(cgroup.folder, folder_.c_str());
  const CgroupMemory memory = ReadCgroupMemory(cgroup);
  EXPECT_EQ(memory.oom_kill, 1u);
  ASSERT_TRUE(memory.limit_hits && memory.peak);
  EXPECT_GT(*memory.limit_hits, 0u);
  EXPECT_EQ(memory.limit, kLimit);
  EXPECT_GE(*memory.peak, kLimit - (1 << 20));
}

TEST_F(LiveCgroupTest, WithoutALimitOfItsOwnItHasItsParents) {
  Cgroup cgroup = own_;
  std::strcpy(cgroup.folder, folder_.c_str());
  EXPECT_EQ(ReadCgroupMemory(cgroup).limit, ReadCgroupMemory(own_).limit);
}

TEST(LivePressureTest, IsThatOfTheMachineOrTheCgroup) {
  Cgroup cgroup;
  FindMemoryCgroup("", "self", &cgroup);
  const Pressure pressure = ReadMemoryPressure("", cgroup);
  const bool machine_has = std::filesystem::exists("/proc/pressure/memory");
  EXPECT_EQ(pressure.some_total_us.has_value(), machine_has);
  EXPECT_EQ(pressure.full_avg10.has_value(), machine_has);
}

}  // namespace
}  // namespace wrackline::container
