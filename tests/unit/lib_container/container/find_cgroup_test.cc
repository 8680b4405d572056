#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "fixture.h"
#include "lib/container/cgroup.h"

namespace wrackline::container {
namespace {

using testing::StartsWith;

// One machine a row: where its process's figures are.
struct Machine {
  const char* fixture;
  int version;  // 0: no memory cgroup
  std::string path;
  std::string folder;  // below the fixture
  std::string container_id;
};

void PrintTo(const Machine& machine, std::ostream* out) { *out << machine.fixture; }

class FindMemoryCgroupTest : public testing::TestWithParam<Machine> {};

TEST_P(FindMemoryCgroupTest, FindsTheFolderThatTheKernelCharges) {
  const Machine& machine = GetParam();
  const std::string root = Fixture(machine.fixture);
  ASSERT_TRUE(std::filesystem::exists(root)) << root;
  Cgroup cgroup;
  EXPECT_EQ(FindMemoryCgroup(root.c_str(), "self", &cgroup), machine.version != 0);
  EXPECT_EQ(cgroup.version, machine.version);
  EXPECT_EQ(cgroup.path, machine.path);
  EXPECT_EQ(cgroup.folder, machine.version == 0 ? "" : root + machine.folder);
  EXPECT_EQ(cgroup.container_id, machine.container_id);
}

const std::string kPod =
    "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod6d0c1f2e.slice";
const std::string kScope = kPod + "/cri-containerd-" + kContainerId + ".scope";

INSTANTIATE_TEST_SUITE_P(
    Machines, FindMemoryCgroupTest,
    testing::Values(
        Machine{"v1-host", 1, "/tasks/unmanaged-1g", "/sys/fs/cgroup/memory/tasks/unmanaged-1g",
                ""},
        Machine{"v1-root", 0, "", "", ""},
        Machine{"v1-docker", 1, "/docker/" + kContainerId, "/sys/fs/cgroup/memory", kContainerId},
        Machine{"v1-kubepods", 1,
                "/kubepods/burstable/pod6d0c1f2e-58c1-4a39-9b8c-0f6a2f3f9f10/" + kContainerId,
                "/sys/fs/cgroup/memory", kContainerId},
        Machine{"v1-space", 1, "/my pods/app", "/sys/fs/cgroup/me mory/app", ""},
        Machine{"v2-systemd", 2, "/system.slice/app.service",
                "/sys/fs/cgroup/system.slice/app.service", ""},
        Machine{"v2-container", 2, "/", "/sys/fs/cgroup", ""},
        Machine{"v2-pod", 2, kScope, "/sys/fs/cgroup" + kScope, kContainerId},
        Machine{"v2-own-mount", 2, kScope, "/sys/fs/cgroup", kContainerId},
        Machine{"v2-undelegated", 2, "/user.slice/session-1.scope/worker",
                "/sys/fs/cgroup/user.slice", ""},
        Machine{"v2-escaped", 2, "/../sibling", "/sys/fs/cgroup", ""},
        Machine{"v2-root", 0, "", "", ""},
        Machine{"hybrid", 1, "/app", "/sys/fs/cgroup/memory/app", ""},
        Machine{"no-memory-controller", 0, "", "", ""}, Machine{"proc/taskmanager", 0, "", "", ""}),
    [](const testing::TestParamInfo<Machine>& info) {
      std::string name = info.param.fixture;
      for (char& c : name) {
        if (c == '-' || c == '/') c = '_';
      }
      return name;
    });

// A tree that a test writes itself.
class WrittenTreeTest : public testing::Test {
 protected:
  WrittenTreeTest() {
    std::string pattern = testing::TempDir() + "wrackline-cgroup-XXXXXX";
    root_ = mkdtemp(pattern.data());
  }
  ~WrittenTreeTest() override { std::filesystem::remove_all(root_); }

  void Write(const std::string& path, const std::string& text) {
    std::filesystem::create_directories(std::filesystem::path(root_ + path).parent_path());
    std::ofstream(root_ + path, std::ios::binary) << text;
  }
  bool Find(const char* pid = "self") { return FindMemoryCgroup(root_.c_str(), pid, &cgroup_); }

  std::string root_;
  Cgroup cgroup_;
};

constexpr char kV2Mount[] = "30 23 0:26 / /cg rw - cgroup2 cgroup2 rw\n";

TEST_F(WrittenTreeTest, ContainerIdComesFromEveryRuntimesPath) {
  Write("/proc/self/mountinfo", kV2Mount);
  const std::string outer(64, 'a');
  for (const std::string& path :
       {"/docker/" + kContainerId, "/system.slice/docker-" + kContainerId + ".scope",
        "/kubepods.slice/x.slice/cri-containerd-" + kContainerId + ".scope",
        "/kubepods/besteffort/podX/crio-" + kContainerId + ".scope",
        "/machine.slice/libpod-" + kContainerId + ".scope/container",
        "/docker/" + outer + "/kubelet/kubepods/podX/" + kContainerId}) {
    Write("/proc/self/cgroup", "0::" + path + "\n");
    Write("/cg" + path + "/memory.current", "1\n");
    ASSERT_TRUE(Find()) << path;
    EXPECT_EQ(cgroup_.container_id, kContainerId) << path;
  }
  for (const std::string& path :
       {std::string("/docker/") + std::string(63, 'a'), "/docker/" + std::string(65, 'a'),
        std::string("/x/") + std::string(64, 'G')}) {
    Write("/proc/self/cgroup", "0::" + path + "\n");
    Write("/cg" + path + "/memory.current", "1\n");
    ASSERT_TRUE(Find()) << path;
    EXPECT_STREQ(cgroup_.container_id, "") << path;
  }
}

TEST_F(WrittenTreeTest, AMountWhoseRootIsOnlyAPrefixOfTheNameIsNotTaken) {
  Write("/proc/self/mountinfo",
        "30 23 0:26 /pods/a /wrong rw - cgroup2 cgroup2 rw\n31 23 0:26 /pods/ab /right rw - "
        "cgroup2 cgroup2 rw\n");
  Write("/proc/self/cgroup", "0::/pods/ab\n");
  Write("/wrong/memory.current", "1\n");
  Write("/wrong/b/memory.current", "1\n");
  Write("/right/memory.current", "2\n");
  ASSERT_TRUE(Find());
  EXPECT_EQ(cgroup_.folder, root_ + "/right");
}

TEST_F(WrittenTreeTest, AnotherProcessIsNeverTakenForTheMountItself) {
  Write("/proc/self/mountinfo", "30 23 0:26 /pods/a /cg rw - cgroup2 cgroup2 rw\n");
  Write("/proc/17/cgroup", "0::/pods/b\n");
  Write("/proc/self/cgroup", "0::/pods/b\n");
  Write("/cg/memory.current", "1\n");
  EXPECT_FALSE(Find("17"));
  EXPECT_TRUE(Find("self"));
}

TEST_F(WrittenTreeTest, LongLinesOfOtherMountsArePassedOver) {
  Write("/proc/self/mountinfo",
        "1 2 0:1 / / rw - overlay overlay rw,lowerdir=" + std::string(100000, 'x') + "\n" +
            kV2Mount + "5 6 0:1 / /x rw - tmpfs " + std::string(50000, 'y'));
  Write("/proc/self/cgroup", "0::/a\n");
  Write("/cg/a/memory.current", "1\n");
  EXPECT_TRUE(Find());
}

TEST_F(WrittenTreeTest, DeepAndHostilePathsAreRefusedNotCut) {
  Write("/proc/self/mountinfo", kV2Mount);
  Write("/cg/memory.current", "1\n");
  for (const std::string& text :
       {"0::/" + std::string(1023, 'a') + "\n", "0::/" + std::string(5000, 'a') + "\n",
        std::string("0::\n"), std::string("0::relative\n"), std::string(":::\n"),
        std::string("\n\n\n"), std::string(4096, '\0'), std::string("0::/gone (deleted)\n")}) {
    Write("/proc/self/cgroup", text);
    EXPECT_FALSE(Find()) << text.substr(0, 20);
    EXPECT_EQ(cgroup_.version, 0);
  }
}

TEST_F(WrittenTreeTest, MountLinesThatAreNoneAreSkipped) {
  Write("/proc/self/cgroup", "0::/a\n");
  Write("/cg/a/memory.current", "1\n");
  Write("/proc/self/mountinfo",
        "\n-\n30\n30 23 0:26 / /cg\n30 23 0:26 / /cg rw cgroup2\n30 23 0:26 / /c\\000g rw - "
        "cgroup2 x rw\n"
        "30 23 0:26 / /\\777\\12 rw - cgroup2 x rw\n");
  EXPECT_FALSE(Find());
}

TEST(FindMemoryCgroupTest, TakesOnlyPids) {
  Cgroup cgroup;
  for (const char* pid : {"", "..", "self/../self", "12a", "-1", "99999999999999999999999"}) {
    EXPECT_FALSE(FindMemoryCgroup("", pid, &cgroup)) << pid;
  }
}

TEST(FindMemoryCgroupTest, ARootThatDoesNotFitIsRefused) {
  Cgroup cgroup;
  EXPECT_FALSE(FindMemoryCgroup(std::string(5000, '/').c_str(), "self", &cgroup));
}

}  // namespace
}  // namespace wrackline::container
