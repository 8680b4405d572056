// cgroup v2 for real: a machine with a kernel of its own is booted once, two processes are killed in it, and the reports are read here.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "lib/units/bytes.h"
#include "tests/support/profiled_process.h"

namespace wrackline::test {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;
using ::testing::Not;

std::string ReadAll(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

// scripts/setup.sh check puts it there.
std::string Kernel() {
  const char* cache = std::getenv("XDG_CACHE_HOME");
  const char* home = std::getenv("HOME");
  const std::string folder = cache != nullptr && *cache != '\0'
                                 ? cache
                                 : std::string(home != nullptr ? home : "/tmp") + "/.cache";
  return folder + "/wrackline/vm-kernel/vmlinuz";
}

class Vm : public ::testing::Test {
 protected:
  // One boot for all tests. Not in the constructor of a static: it may take minutes.
  static void SetUpTestSuite() {
    out_ = new TemporaryFolder;
    ProcessOptions options;
    options.command = {WRACKLINE_VM_BOOT,    Kernel(),          out_->path() + "/vm",
                       WRACKLINE_VM_SCRIPT,  WRACKLINE_COMMAND, WRACKLINE_PRELOAD_LIBRARY,
                       WRACKLINE_SHIM_TARGET};
    boot_ = RunProcess(options);
    std::cout << "kernel " << File("guest.txt").substr(0, File("guest.txt").find('\n')) << '\n';
  }
  static void TearDownTestSuite() { delete out_; }

  void SetUp() override {
    ASSERT_TRUE(boot_.exited(0)) << boot_.err << File("guest.txt") << File("console.txt");
  }

  static std::string File(const std::string& name) { return ReadAll(out_->path() + "/vm/" + name); }

  // The reports of `name`'s folder, by process.
  static std::map<int, json> Reports(const std::string& name) {
    std::map<int, json> reports;
    std::stringstream text(File(name + ".json"));
    // The objects follow each other.
    while (text >> std::ws && text.peek() != EOF) {
      json report;
      text >> report;
      reports[report["process"]["pid"].get<int>()] = report;
    }
    return reports;
  }

  static TemporaryFolder* out_;
  static ProcessEnd boot_;
};
TemporaryFolder* Vm::out_ = nullptr;
ProcessEnd Vm::boot_;

int Count(const std::string& text, const std::string& what) {
  int count = 0;
  for (std::size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + 1))
    ++count;
  return count;
}

TEST_F(Vm, AGroupIsKilledAsAWhole) {
  EXPECT_THAT(File("group.memory.events"), HasSubstr("oom_group_kill 1"));
  const std::map<int, json> reports = Reports("group");
  ASSERT_EQ(reports.size(), 3u) << File("guest.txt");
  for (const auto& [pid, report] : reports) {
    SCOPED_TRACE(pid);
    EXPECT_EQ(report["process"]["cgroup_version"], 2);
    EXPECT_EQ(report["ending"]["outcome"], "oom_killed") << report["ending"];
    EXPECT_EQ(report["ending"]["kernel_kill"]["pid"], pid);
    EXPECT_EQ(report["limit"]["bytes"], (96 * kMiB).count);
    EXPECT_EQ(report["ending"]["kernel_kill"]["limit"], (96 * kMiB).count);
    const std::string verdict = report["verdict"];
    EXPECT_THAT(verdict, HasSubstr("OOM killer"));
    EXPECT_THAT(verdict, HasSubstr("all 3 processes of group with it (memory.oom.group)"));
    EXPECT_THAT(verdict, Not(HasSubstr("limit that was reached")));
  }
  EXPECT_GE(Count(File("group.txt"), "memory.oom.group"), 3);
}

TEST_F(Vm, APodsLimitIsNamedAndNotTheContainers) {
  EXPECT_THAT(File("pod.memory.events"), HasSubstr("oom_kill 1"));
  const std::map<int, json> reports = Reports("pod");
  ASSERT_EQ(reports.size(), 1u) << File("guest.txt");
  const json& report = reports.begin()->second;
  EXPECT_EQ(report["process"]["cgroup_version"], 2);
  EXPECT_EQ(report["ending"]["outcome"], "oom_killed") << report["ending"];
  EXPECT_EQ(report["ending"]["signal"], 9);
  EXPECT_EQ(report["ending"]["kernel_kill"]["limit"], (96 * kMiB).count);
  // The container was well below its own.
  EXPECT_LT(report["last_charge"]["bytes"].get<std::int64_t>(), (90 * kMiB).count);
  const std::string verdict = report["verdict"];
  EXPECT_THAT(verdict, HasSubstr("that of pod"));
  EXPECT_THAT(verdict, HasSubstr(" of 96.0 MiB, the group"));
  EXPECT_THAT(verdict, HasSubstr("its own, grower"));
  EXPECT_THAT(verdict, Not(HasSubstr("memory.oom.group")));
}

}  // namespace
}  // namespace wrackline::test
