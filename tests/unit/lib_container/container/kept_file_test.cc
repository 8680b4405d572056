#include "lib/container/kept_file.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "lib/container/cgroup.h"
#include "lib/container/process.h"
#include "tests/support/profiled_process.h"

namespace wrackline::container {
namespace {

std::size_t OpenFiles() {
  std::size_t count = 0;
  for ([[maybe_unused]] const auto& file : std::filesystem::directory_iterator("/proc/self/fd"))
    ++count;
  return count;
}

void Write(const std::string& path, const std::string& text) { std::ofstream(path) << text; }

TEST(KeptFileTest, ReadsWhatIsThereNow) {
  const test::TemporaryFolder folder;
  const std::string path = folder.path() + "/figure";
  Write(path, "12\n");
  KeptFile file;
  char text[64];
  const std::size_t open_before = OpenFiles();
  ASSERT_EQ(file.Read(path.c_str(), text, sizeof(text)), 3);
  EXPECT_STREQ(text, "12\n");
  EXPECT_EQ(OpenFiles(), open_before + 1);
  Write(path, "3456\n");
  ASSERT_EQ(file.Read(path.c_str(), text, sizeof(text)), 5);
  EXPECT_STREQ(text, "3456\n");
  EXPECT_EQ(OpenFiles(), open_before + 1);
  // Cut, and still ended.
  ASSERT_EQ(file.Read(path.c_str(), text, 3), 2);
  EXPECT_STREQ(text, "34");
  file.Close();
  EXPECT_EQ(OpenFiles(), open_before);
}

TEST(KeptFileTest, WhatCannotBeReadIsAnError) {
  const test::TemporaryFolder folder;
  const std::string path = folder.path() + "/figure";
  KeptFile file;
  char text[64];
  EXPECT_EQ(file.Read(path.c_str(), text, sizeof(text)), -1);
  EXPECT_EQ(file.Read(path.c_str(), text, 0), -1);
  // A folder is opened and not read.
  const std::size_t open_before = OpenFiles();
  EXPECT_EQ(file.Read(folder.path().c_str(), text, sizeof(text)), -1);
  EXPECT_EQ(OpenFiles(), open_before);
  // It is there later.
  Write(path, "7\n");
  EXPECT_EQ(file.Read(path.c_str(), text, sizeof(text)), 2);
  file.Close();
}

TEST(KeptFileTest, ADescriptorThatWasClosedIsOpenedAgain) {
  const test::TemporaryFolder folder;
  const std::string path = folder.path() + "/figure";
  Write(path, "7\n");
  KeptFile file;
  char text[64];
  const int number = dup(0);
  close(number);
  ASSERT_EQ(file.Read(path.c_str(), text, sizeof(text)), 2);
  close(number);
  EXPECT_EQ(file.Read(path.c_str(), text, sizeof(text)), 2);
  EXPECT_STREQ(text, "7\n");
  file.Close();
}

TEST(KeptFileTest, StatmOfThisProcessGoesOn) {
  KeptFile file;
  const Statm first = ReadStatm("", "self", &file);
  ASSERT_TRUE(first.resident);
  std::string memory(64 << 20, 'x');
  const Statm second = ReadStatm("", "self", &file);
  ASSERT_TRUE(second.resident);
  EXPECT_GE(*second.resident, *first.resident + (memory.size() - (8u << 20)));
  EXPECT_NEAR(static_cast<double>(*second.resident),
              static_cast<double>(ReadStatm("", "self").resident.value_or(0)), 8 << 20);
  file.Close();
}

TEST(KeptFileTest, TheChargeIsTheSameFigure) {
  const test::TemporaryFolder folder;
  Cgroup cgroup;
  cgroup.version = 2;
  folder.path().copy(cgroup.folder, sizeof(cgroup.folder) - 1);
  Write(folder.path() + "/memory.current", "4096\n");
  KeptFile file;
  EXPECT_EQ(ReadCharge(cgroup, &file), 4096u);
  Write(folder.path() + "/memory.current", "8192\n");
  EXPECT_EQ(ReadCharge(cgroup, &file), 8192u);
  EXPECT_EQ(ReadCharge(cgroup), 8192u);
  file.Close();
}

}  // namespace
}  // namespace wrackline::container
