#include "analyzer/evidence/folder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

namespace wrackline::evidence {
namespace {

namespace fs = std::filesystem;

class FolderTest : public ::testing::Test {
 protected:
  FolderTest() {
    std::string pattern = (fs::temp_directory_path() / "wrackline-folder-XXXXXX").string();
    folder_ = mkdtemp(pattern.data());
  }
  ~FolderTest() override { fs::remove_all(folder_); }
  fs::path folder_;
};

TEST_F(FolderTest, WithoutARecorderSaysWhatToDo) {
  std::ofstream(folder_ / "notes.txt") << "no recorder";
  const auto entries = ScanFolder(folder_.string());
  ASSERT_FALSE(entries.ok());
  EXPECT_THAT(entries.error().Text(), ::testing::HasSubstr("no recorder in"));
  EXPECT_FALSE(entries.error().hint.empty());
}

TEST_F(FolderTest, MissingFolder) { EXPECT_FALSE(ScanFolder((folder_ / "none").string()).ok()); }

TEST_F(FolderTest, UnreadableFilesComeLastWithTheirReason) {
  fs::copy_file(WRACKLINE_TEST_DATA "/recordings/four_states_killed.wrackpack",
                folder_ / "z.wrackpack");
  std::ofstream(folder_ / "a.wrack") << std::string(5000, '\0');
  std::ofstream(folder_ / "b.wrack") << "this is no recorder file";
  const auto entries = ScanFolder(folder_.string());
  ASSERT_TRUE(entries.ok());
  ASSERT_EQ(entries.value().size(), 3u);
  EXPECT_EQ(entries.value()[0].path, (folder_ / "z.wrackpack").string());
  EXPECT_FALSE(entries.value()[0].ended_cleanly);
  EXPECT_FALSE(entries.value()[1].error.empty());
  EXPECT_FALSE(entries.value()[2].error.empty());
}

}  // namespace
}  // namespace wrackline::evidence
