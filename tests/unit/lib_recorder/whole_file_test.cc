#include "lib/base/whole_file.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <thread>

#include "tests/unit/lib_recorder/recorder_support.h"

namespace wrackline {
namespace {

using recorder::Slurp;
using recorder::TemporaryFolder;

TEST(WholeFile, ReplacesAFileAndLeavesNothingElse) {
  TemporaryFolder folder;
  const std::string path = folder.File("out");
  for (const char* text : {"one, longer", "two"}) {
    EXPECT_FALSE(WriteWholeFile(path, text, 0600));
    EXPECT_EQ(Slurp(path), text);
  }
  const auto entries =
      std::filesystem::directory_iterator(std::filesystem::path(path).parent_path());
  EXPECT_EQ(std::distance(begin(entries), end(entries)), 1);
}

TEST(WholeFile, FollowsALink) {
  TemporaryFolder folder;
  const std::string real = folder.File("real"), link = folder.File("link");
  std::ofstream(real) << "old";
  std::filesystem::create_symlink("real", link);
  EXPECT_FALSE(WriteWholeFile(link, "new", 0600));
  EXPECT_TRUE(std::filesystem::is_symlink(link));
  EXPECT_EQ(Slurp(real), "new");
}

// As root a rename would put a file in the place of /dev/null.
TEST(WholeFile, WritesToANodeAsItIs) {
  TemporaryFolder folder;
  const std::string path = folder.File("pipe");
  ASSERT_EQ(mkfifo(path.c_str(), 0600), 0);
  std::string read_back;
  std::thread reader([&] { read_back = Slurp(path); });
  EXPECT_FALSE(WriteWholeFile(path, "through the pipe", 0600));
  reader.join();
  EXPECT_EQ(read_back, "through the pipe");
  EXPECT_TRUE(std::filesystem::is_fifo(path));
}

// What stands in the log already must not go.
TEST(WholeFile, AppendsToWhatIsOpen) {
  TemporaryFolder folder;
  const std::string path = folder.File("log");
  std::ofstream(path) << "before\n";
  const int log = open(path.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC);
  ASSERT_GE(log, 0);
  EXPECT_FALSE(WriteWholeFile("/dev/fd/" + std::to_string(log), "after\n", 0600));
  close(log);
  EXPECT_EQ(Slurp(path), "before\nafter\n");
}

TEST(WholeFile, FailsWithoutATrace) {
  TemporaryFolder folder;
  const std::string path = folder.File("none/out");
  EXPECT_TRUE(WriteWholeFile(path, "x", 0600).has_value());
  std::filesystem::create_directory(folder.File("none"));
  EXPECT_TRUE(WriteWholeFile(folder.File("none"), "x", 0600).has_value());
  EXPECT_TRUE(std::filesystem::is_empty(folder.File("none")));
}

}  // namespace
}  // namespace wrackline
