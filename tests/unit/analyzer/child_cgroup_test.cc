// The kernel's side of ChildCgroup is tested with real kills (tests/e2e); here its errors, on
// made-up trees.
#include "analyzer/cli/child_cgroup.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

namespace wrackline::cli {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

class ChildCgroupTest : public ::testing::Test {
 protected:
  ChildCgroupTest() {
    std::string pattern = (fs::temp_directory_path() / "wrackline-cgroup-XXXXXX").string();
    root_ = mkdtemp(pattern.data());
  }
  ~ChildCgroupTest() override { fs::remove_all(root_); }
  void Write(const std::string& path, const std::string& text) {
    fs::create_directories((root_ / path).parent_path());
    std::ofstream(root_ / path) << text;
  }
  fs::path root_;
};

TEST_F(ChildCgroupTest, NoMemoryController) {
  const auto made = ChildCgroup::MakeUnder(root_.string(), 350 * kMiB);
  ASSERT_FALSE(made.ok());
  EXPECT_THAT(made.error().Text(), HasSubstr("no memory cgroup"));
  EXPECT_FALSE(made.error().hint.empty());
}

TEST_F(ChildCgroupTest, LimitThatCannotBeSetLeavesNothingBehind) {
  Write("proc/self/cgroup", "4:memory:/pod\n");
  Write("proc/self/mountinfo", "30 25 0:26 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n");
  Write("sys/fs/cgroup/memory/pod/memory.usage_in_bytes", "1\n");
  Write("sys/fs/cgroup/memory/pod/memory.stat", "cache 1\n");
  // A plain folder has no kernel files in it, so the limit cannot be written.
  const auto made = ChildCgroup::MakeUnder(root_.string(), 350 * kMiB);
  ASSERT_FALSE(made.ok());
  for (const auto& entry : fs::recursive_directory_iterator(root_))
    EXPECT_THAT(entry.path().filename().string(), ::testing::Not(HasSubstr("wrackline-")));
}

// The trees of the next two are cut out of Linux 6.1's, cgroup v2.
TEST_F(ChildCgroupTest, InTheRootOfV2ChildrenAreMadeInTheRoot) {
  Write("proc/self/cgroup", "0::/\n");
  Write("proc/self/mountinfo", "38 22 0:31 / /sys/fs/cgroup rw,relatime - cgroup2 cgroup2 rw\n");
  Write("sys/fs/cgroup/cgroup.controllers", "cpuset cpu io memory hugetlb pids rdma misc\n");
  Write("sys/fs/cgroup/cgroup.subtree_control", "");
  const auto made = ChildCgroup::MakeUnder(root_.string(), 350 * kMiB);
  ASSERT_FALSE(made.ok());
  EXPECT_THAT(made.error().Text(), HasSubstr("/sys/fs/cgroup: "));
  std::ifstream control(root_ / "sys/fs/cgroup/cgroup.subtree_control");
  std::string asked;
  std::getline(control, asked);
  EXPECT_EQ(asked, "+memory");
  for (const auto& entry : fs::recursive_directory_iterator(root_))
    EXPECT_THAT(entry.path().filename().string(), ::testing::Not(HasSubstr("wrackline-")));
}

TEST_F(ChildCgroupTest, InAContainerOfV2TheParentIsOutOfReach) {
  Write("proc/self/cgroup", "0::/\n");
  Write("proc/self/mountinfo", "42 41 0:31 / /sys/fs/cgroup rw,relatime - cgroup2 none rw\n");
  Write("sys/fs/cgroup/memory.current", "1024000\n");
  Write("sys/fs/cgroup/cgroup.controllers", "cpuset cpu io memory hugetlb pids rdma misc\n");
  Write("sys/fs/cgroup/cgroup.subtree_control", "");
  const auto made = ChildCgroup::MakeUnder(root_.string(), 350 * kMiB);
  ASSERT_FALSE(made.ok());
  EXPECT_THAT(made.error().message, HasSubstr("/sys/fs/cgroup a memory limit"));
  EXPECT_THAT(made.error().hint, HasSubstr("leave --limit out"));
  for (const auto& entry : fs::recursive_directory_iterator(root_))
    EXPECT_THAT(entry.path().filename().string(), ::testing::Not(HasSubstr("wrackline-")));
}

}  // namespace
}  // namespace wrackline::cli
