// Output folders that fail in every way: the program never notices.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <string>
#include <thread>
#include <utility>

#include "tests/e2e/shim_runs.h"

namespace wrackline::test {
namespace {

using testing::HasSubstr;

// A tmpfs of its own, mounted for the life of the object.
class MountedTmpfs {
 public:
  MountedTmpfs(const char* options, unsigned long flags = 0) {
    mounted_ = mount("tmpfs", folder_.path().c_str(), "tmpfs", flags, options) == 0;
  }
  MountedTmpfs(const MountedTmpfs&) = delete;
  MountedTmpfs& operator=(const MountedTmpfs&) = delete;
  ~MountedTmpfs() {
    if (mounted_) umount2(folder_.path().c_str(), MNT_DETACH);
  }
  bool mounted() const { return mounted_; }
  const std::string& path() const { return folder_.path(); }

 private:
  TemporaryFolder folder_;
  bool mounted_ = false;
};

void ExpectUndisturbed(const ProcessEnd& end) {
  EXPECT_TRUE(end.exited(7)) << end.status;
  EXPECT_EQ(end.out, "quiet output\n");
  EXPECT_EQ(end.err, "quiet error\n");
}

TEST(Folder, ThatCannotBeMade) {
  ExpectUndisturbed(RunProcess(Target({"quiet", "0.5"}, "/proc/no/folder")));
  const ProcessEnd told =
      RunProcess(Target({"quiet", "0.5"}, "/proc/no/folder", {{"WRACKLINE_VERBOSE", "1"}}));
  EXPECT_TRUE(told.exited(7));
  EXPECT_THAT(told.err, HasSubstr("wrackline: cannot write to /proc/no/folder: "));
}

TEST(Folder, ThatIsNotWritable) {
  if (getuid() == 0) {
    // Root writes everywhere; run the target as Flink's user instead, from copies that this user can
    // read wherever the build folder is.
    const TemporaryFolder folder, copies;
    ASSERT_EQ(chmod(folder.path().c_str(), 0755), 0);
    ASSERT_EQ(chmod(copies.path().c_str(), 0755), 0);
    const std::string target = copies / "shim_target", shim = copies / "libwrackline_preload.so";
    for (const auto& [from, to] :
         {std::pair{WRACKLINE_SHIM_TARGET, target}, std::pair{WRACKLINE_PRELOAD_LIBRARY, shim}}) {
      ASSERT_TRUE(std::filesystem::copy_file(from, to));
      ASSERT_EQ(chmod(to.c_str(), 0755), 0);
    }
    ProcessOptions options = Target({"quiet", "0.5"}, folder.path(), {{"WRACKLINE_VERBOSE", "1"}});
    options.command[0] = target;
    options.environment["LD_PRELOAD"] = shim;
    options.in_child = [] {
      if (setgid(9999) != 0 || setuid(9999) != 0) _exit(126);
    };
    const ProcessEnd end = RunProcess(options);
    EXPECT_TRUE(end.exited(7));
    EXPECT_THAT(end.err, HasSubstr("permission denied"));
    EXPECT_TRUE(RecorderFiles(folder.path()).empty());
  } else {
    ExpectUndisturbed(RunProcess(Target({"quiet", "0.5"}, "/")));
  }
}

TEST(Folder, ThatIsFull) {
  const MountedTmpfs full("size=256k");
  if (!full.mounted()) GTEST_SKIP() << "mounting a tmpfs needs root";
  ExpectUndisturbed(RunProcess(Target({"quiet", "0.5"}, full.path())));
  EXPECT_TRUE(std::filesystem::is_empty(full.path()));
  const ProcessEnd told =
      RunProcess(Target({"quiet", "0.5"}, full.path(), {{"WRACKLINE_VERBOSE", "1"}}));
  EXPECT_THAT(told.err, HasSubstr("no space"));
}

TEST(Folder, ThatIsReadOnly) {
  const MountedTmpfs read_only("size=256k", MS_RDONLY);
  if (!read_only.mounted()) GTEST_SKIP() << "mounting a tmpfs needs root";
  ExpectUndisturbed(RunProcess(Target({"quiet", "0.5"}, read_only.path())));
  const ProcessEnd told =
      RunProcess(Target({"quiet", "0.5"}, read_only.path(), {{"WRACKLINE_VERBOSE", "1"}}));
  EXPECT_THAT(told.err, HasSubstr("read-only"));
}

TEST(Folder, ThatIsRemovedIsMadeAgain) {
  const TemporaryFolder folder;
  const std::string out = folder / "out";
  ChildProcess child(Target({"quiet", "3.5"}, out));
  ASSERT_TRUE(WaitFor([&] { return !RecorderFiles(out).empty(); }, std::chrono::seconds(10)));
  std::filesystem::remove_all(out);
  ExpectUndisturbed(child.Wait());
  const recorder::Recording recording = ReadOnly(out);
  EXPECT_EQ(recording.losses.file_restarts(), 1u);
  // The new file has the whole state, not only what changed after.
  EXPECT_FALSE(recording.live_objects.empty());
  EXPECT_FALSE(recording.stacks.empty());
  EXPECT_FALSE(recording.modules.empty());
  EXPECT_FALSE(recording.frame_names.empty());
  EXPECT_TRUE(recording.exit.has_value());
}

TEST(Folder, WithAFileThatIsTruncatedGetsAnother) {
  const TemporaryFolder folder;
  ChildProcess child(Target({"quiet", "3.5"}, folder.path()));
  ASSERT_TRUE(
      WaitFor([&] { return !RecorderFiles(folder.path()).empty(); }, std::chrono::seconds(10)));
  std::this_thread::sleep_for(std::chrono::milliseconds(300));
  ASSERT_EQ(truncate(RecorderFiles(folder.path()).at(0).c_str(), 100), 0);
  ExpectUndisturbed(child.Wait());
  const auto files = RecorderFiles(folder.path());
  ASSERT_EQ(files.size(), 2u);
  const auto recording = recorder::ReadRecording(files[0]);  // "-2" sorts first
  ASSERT_TRUE(recording.ok()) << recording.error().Text();
  EXPECT_EQ(recording.value().losses.file_restarts(), 1u);
  EXPECT_FALSE(recording.value().live_objects.empty());
}

// An ext4 in a file, which can be frozen: every write to it then waits. Thawed and unmounted at the
// end, whatever happens before.
class FreezableFolder {
 public:
  FreezableFolder() {
    const std::string image = folder_ / "image";
    path_ = folder_ / "mounted";
    std::filesystem::create_directory(path_);
    const std::string make = "truncate -s 128M " + image + " && mkfs.ext4 -q -F " + image +
                             " >/dev/null 2>&1 && mount -o loop " + image + " " + path_ +
                             " 2>/dev/null";
    mounted_ = std::system(make.c_str()) == 0;
    if (mounted_) descriptor_ = open(path_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  }
  FreezableFolder(const FreezableFolder&) = delete;
  FreezableFolder& operator=(const FreezableFolder&) = delete;
  ~FreezableFolder() {
    Thaw();
    if (descriptor_ >= 0) close(descriptor_);
    if (mounted_ && umount2(path_.c_str(), 0) != 0) umount2(path_.c_str(), MNT_DETACH);
  }
  bool mounted() const { return mounted_; }
  const std::string& path() const { return path_; }
  bool Freeze() {
    frozen_ = ioctl(descriptor_, FIFREEZE, 0) == 0;
    return frozen_;
  }
  void Thaw() {
    if (frozen_) ioctl(descriptor_, FITHAW, 0);
    frozen_ = false;
  }

 private:
  TemporaryFolder folder_;
  std::string path_;
  int descriptor_ = -1;
  bool mounted_ = false;
  bool frozen_ = false;
};

std::uint64_t LongestCall(const ProcessEnd& end) {
  return std::strtoull(end.out.c_str() + std::string("longest ").size(), nullptr, 10);
}

TEST(Folder, ThatStallsReachesNoProgramThread) {
  FreezableFolder folder;
  if (!folder.mounted()) GTEST_SKIP() << "an ext4 in a loop device needs root and mkfs.ext4";
  const std::uint64_t bare = LongestCall(RunProcess(BareTarget({"churn", "3"})));

  ChildProcess child(Target({"churn", "3"}, folder.path()));
  ASSERT_TRUE(
      WaitFor([&] { return !RecorderFiles(folder.path()).empty(); }, std::chrono::seconds(10)));
  const auto began = std::chrono::steady_clock::now();
  ASSERT_TRUE(folder.Freeze());
  ASSERT_TRUE(WaitFor(
      [&] {
        // The target has printed its figure and is on its way out when its output is there.
        return child.Ended() || std::chrono::steady_clock::now() - began > std::chrono::seconds(4);
      },
      std::chrono::seconds(6)));
  // A thread that waits in a frozen file system cannot be killed: the process ends when the folder
  // thaws, but main was through long before.
  folder.Thaw();
  const ProcessEnd end = child.Wait();
  EXPECT_TRUE(end.exited(7));
  const std::uint64_t with = LongestCall(end);
  std::cout << "longest malloc or free while the folder stalled: " << with / 1e6
            << " ms (without the shim " << bare / 1e6 << " ms)\n";
  // The stall lasted 3 s. What is left is the scheduler of a shared machine.
  EXPECT_LT(with, 200'000'000u);
}

}  // namespace
}  // namespace wrackline::test
