#include "preload/output_folder.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <filesystem>
#include <string>
#include <vector>

#include "tests/support/profiled_process.h"

namespace wrackline::preload {
namespace {

using test::RecorderFiles;
using test::TemporaryFolder;
using testing::ElementsAre;

FolderEntry Entry(std::uint64_t modified_s, std::uint64_t bytes, bool clean = false,
                  bool alive = false) {
  return {modified_s * 1'000'000'000, bytes, clean, alive, false};
}

std::vector<int> Removed(std::vector<FolderEntry> entries, std::uint64_t new_bytes,
                         std::uint32_t files, std::uint64_t bytes) {
  ChooseRemovals(entries.data(), entries.size(), new_bytes, files, bytes);
  std::vector<int> removed;
  for (std::size_t i = 0; i < entries.size(); ++i) {
    if (entries[i].remove) removed.push_back(static_cast<int>(i));
  }
  return removed;
}

TEST(ChooseRemovals, NothingWhileThereIsRoom) {
  EXPECT_THAT(Removed({Entry(1, 10), Entry(2, 10)}, 10, 3, 30), ElementsAre());
}

TEST(ChooseRemovals, OldestCleanFirst) {
  EXPECT_THAT(Removed({Entry(1, 10), Entry(5, 10, true), Entry(3, 10, true)}, 10, 3, 1000),
              ElementsAre(2));
  EXPECT_THAT(Removed({Entry(1, 10), Entry(5, 10, true), Entry(3, 10, true)}, 10, 2, 1000),
              ElementsAre(1, 2));
}

TEST(ChooseRemovals, ThenTheOldestKilled) {
  EXPECT_THAT(Removed({Entry(4, 10), Entry(2, 10), Entry(9, 10, true)}, 10, 2, 1000),
              ElementsAre(1, 2));
}

TEST(ChooseRemovals, NeverALivingOne) {
  EXPECT_THAT(Removed({Entry(1, 10, false, true), Entry(2, 10)}, 10, 1, 1000), ElementsAre(1));
  EXPECT_THAT(Removed({Entry(1, 10, true, true)}, 10, 1, 1000), ElementsAre());
}

TEST(ChooseRemovals, BytesBoundAsWell) {
  EXPECT_THAT(Removed({Entry(1, 60), Entry(2, 60)}, 64, 16, 128), ElementsAre(0));
  // A new file larger than the bound takes all room there is.
  EXPECT_THAT(Removed({Entry(1, 60), Entry(2, 60)}, 500, 16, 128), ElementsAre(0, 1));
}

TEST(MakeFolder, MakesWhatIsMissingForItsUserAlone) {
  const TemporaryFolder temporary;
  const std::string path = temporary / "a/b/c";
  EXPECT_EQ(MakeFolder(path.c_str()), 0);
  struct stat status;
  ASSERT_EQ(stat(path.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0700u);
  EXPECT_EQ(MakeFolder(path.c_str()), 0);
  EXPECT_EQ(MakeFolder((path + "/").c_str()), 0);
}

TEST(MakeFolder, SaysWhyNot) {
  const TemporaryFolder temporary;
  close(open((temporary / "file").c_str(), O_CREAT | O_WRONLY, 0600));
  EXPECT_EQ(MakeFolder((temporary / "file").c_str()), ENOTDIR);
  EXPECT_NE(MakeFolder((temporary / "file/below").c_str()), 0);
  EXPECT_NE(MakeFolder("/proc/nothing/here"), 0);
  EXPECT_EQ(MakeFolder(std::string(3000, 'x').c_str()), ENAMETOOLONG);
}

TEST(FilePath, NamesTheProcess) {
  char path[256];
  ASSERT_TRUE(FilePath("/out", "pod-1", 42, 1700000000, 1, path, sizeof(path)));
  EXPECT_STREQ(path, "/out/wrackline-pod-1-42-1700000000.wrack");
  ASSERT_TRUE(FilePath("/out", "pod-1", 42, 1700000000, 3, path, sizeof(path)));
  EXPECT_STREQ(path, "/out/wrackline-pod-1-42-1700000000-3.wrack");
  EXPECT_FALSE(FilePath("/out", "pod-1", 42, 1700000000, 3, path, 20));
}

// A file as a dead process left it `age_s` ago.
std::string MakeFile(const TemporaryFolder& folder, const std::string& name, int age_s,
                     bool clean) {
  const std::string path = folder / name;
  const int file = open(path.c_str(), O_CREAT | O_WRONLY, 0600);
  EXPECT_EQ(ftruncate(file, 8192), 0);
  if (clean) {
    EXPECT_EQ(MarkClean(file, 1), 0);
  }
  timespec times[2]{};
  clock_gettime(CLOCK_REALTIME, &times[1]);
  times[1].tv_sec -= age_s;
  times[0] = times[1];
  futimens(file, times);
  close(file);
  return path;
}

TEST(TidyFolder, RemovesByTheRuleAndTouchesNothingElse) {
  const TemporaryFolder folder;
  const std::string killed = MakeFile(folder, "wrackline-h-1-1.wrack", 100, false);
  const std::string clean = MakeFile(folder, "wrackline-h-2-1.wrack", 50, true);
  const std::string young = MakeFile(folder, "wrackline-h-3-1.wrack", 10, false);
  MakeFile(folder, "notes.wrack", 1000, true);
  MakeFile(folder, "wrackline-h-4-1.wrackpack", 1000, true);
  std::filesystem::create_directory(folder / "wrackline-folder.wrack");
  std::filesystem::create_symlink(young, folder / "wrackline-h-5-link.wrack");
  EXPECT_EQ(TidyFolder(folder.path().c_str(), 0, 3, 1 << 30), 1u);
  EXPECT_FALSE(std::filesystem::exists(clean));
  EXPECT_EQ(TidyFolder(folder.path().c_str(), 0, 2, 1 << 30), 1u);
  EXPECT_FALSE(std::filesystem::exists(killed));
  EXPECT_EQ(TidyFolder(folder.path().c_str(), 0, 2, 1 << 30), 0u);
  EXPECT_THAT(RecorderFiles(folder.path()),
              ElementsAre(folder / "notes.wrack", folder / "wrackline-folder.wrack", young,
                          folder / "wrackline-h-5-link.wrack"));
}

TEST(TidyFolder, AFileIsSafeWhileItsProcessLivesAndNotAfter) {
  const TemporaryFolder folder;
  const std::string path = MakeFile(folder, "wrackline-h-1-1.wrack", 100, false);
  int ready[2];
  ASSERT_EQ(pipe(ready), 0);
  const pid_t child = fork();
  if (child == 0) {
    HoldFile(path.c_str());
    if (write(ready[1], "x", 1) != 1) _exit(1);
    for (;;) pause();
  }
  char byte = 0;
  ASSERT_EQ(read(ready[0], &byte, 1), 1);
  EXPECT_EQ(TidyFolder(folder.path().c_str(), 0, 1, 1 << 30), 0u);
  kill(child, SIGKILL);
  waitpid(child, nullptr, 0);
  EXPECT_EQ(TidyFolder(folder.path().c_str(), 0, 1, 1 << 30), 1u);
  close(ready[0]);
  close(ready[1]);
}

TEST(TidyFolder, AFileJustMadeIsSafeUntilItIsHeld) {
  const TemporaryFolder folder;
  MakeFile(folder, "wrackline-h-1-1.wrack", 0, false);
  EXPECT_EQ(TidyFolder(folder.path().c_str(), 0, 1, 1 << 30), 0u);
}

TEST(TidyFolder, NoFolderIsNoTrouble) { EXPECT_EQ(TidyFolder("/nowhere/at/all", 0, 1, 1), 0u); }

}  // namespace
}  // namespace wrackline::preload
