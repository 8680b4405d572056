#include "analyzer/evidence/folder_files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "tests/unit/analyzer/sources/test_folder.h"

namespace wrackline::evidence {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::vector<std::string> Names(const FolderListing& listing) {
  std::vector<std::string> names;
  for (const FolderFile& file : listing.files) names.push_back(file.name);
  return names;
}

TEST(FolderFiles, FindsFilesAtAnyDepthInOrderOfName) {
  const TestFolder folder;
  folder.Write("b.txt", "b");
  folder.Write("a/deep/er.txt", "1");
  folder.Write("a/a.txt", "2");
  const auto listing = ListFolder(folder.string());
  ASSERT_TRUE(listing.ok());
  EXPECT_THAT(Names(listing.value()), ElementsAre("a/a.txt", "a/deep/er.txt", "b.txt"));
  EXPECT_FALSE(listing.value().single);
  EXPECT_EQ(LoadFile(listing.value().files[1]).value(), "1");
}

TEST(FolderFiles, FollowsNoLinkAndSaysSo) {
  const TestFolder folder, elsewhere;
  elsewhere.Write("secret.txt", "secret");
  folder.Write("a.txt", "a");
  fs::create_symlink(elsewhere.path() / "secret.txt", folder.path() / "link.txt");
  fs::create_directory_symlink(elsewhere.path(), folder.path() / "links");
  fs::create_directory_symlink(folder.path(), folder.path() / "loop");
  const auto listing = ListFolder(folder.string());
  ASSERT_TRUE(listing.ok());
  EXPECT_THAT(Names(listing.value()), ElementsAre("a.txt"));
  EXPECT_THAT(listing.value().remarks, ElementsAre("3 links not followed"));
}

TEST(FolderFiles, StopsInTheDeep) {
  const TestFolder folder;
  std::string name;
  for (int i = 0; i < kMostFolders + 3; ++i) name += "d/";
  folder.Write(name + "too_deep.txt", "x");
  const auto listing = ListFolder(folder.string());
  ASSERT_TRUE(listing.ok());
  EXPECT_TRUE(listing.value().files.empty());
  ASSERT_EQ(listing.value().remarks.size(), 1u);
  EXPECT_THAT(listing.value().remarks[0], HasSubstr("too deep"));
}

TEST(FolderFiles, RefusesAFileThatIsTooLarge) {
  const TestFolder folder;
  folder.Write("huge.log", "x");
  fs::resize_file(folder.path() / "huge.log", kMostFileBytes + 1);  // takes no space
  const auto listing = ListFolder(folder.string());
  ASSERT_TRUE(listing.ok());
  ASSERT_EQ(listing.value().files.size(), 1u);
  EXPECT_THAT(listing.value().files[0].refused, HasSubstr("larger than 256.0 MiB"));
  EXPECT_FALSE(LoadFile(listing.value().files[0]).ok());
}

TEST(FolderFiles, OneFileIsAFolderOfOne) {
  const TestFolder folder;
  folder.Write("one.txt", "1");
  const auto listing = ListFolder((folder.path() / "one.txt").string());
  ASSERT_TRUE(listing.ok());
  EXPECT_TRUE(listing.value().single);
  EXPECT_THAT(Names(listing.value()), ElementsAre("one.txt"));
}

TEST(FolderFiles, SaysWhatCannotBeRead) {
  const TestFolder folder;
  EXPECT_THAT(ListFolder((folder.path() / "none").string()).error().Text(),
              HasSubstr("No such file"));
  EXPECT_FALSE(ListFolder("/dev/null").ok());
}

TEST(FolderFiles, ACgroupIsOneText) {
  const TestFolder folder;
  folder.Write("tm/memory.stat", "anon 1\nfile 2\n");
  folder.Write("tm/memory.current", "3\n");
  folder.Write("tm/notes.txt", "mine");
  folder.Write("other/memory.max", "max\n");  // a limit alone is no cgroup
  const auto listing = ListFolder(folder.string());
  ASSERT_TRUE(listing.ok());
  EXPECT_THAT(Names(listing.value()), ElementsAre("other/memory.max", "tm", "tm/notes.txt"));
  EXPECT_EQ(LoadFile(listing.value().files[1]).value(),
            "== memory.current\n3\n== memory.stat\nanon 1\nfile 2\n");
}

FolderFile Named(const std::string& name, int seconds) {
  FolderFile file;
  file.name = name;
  file.modified = At(seconds);
  return file;
}

TEST(FolderFiles, TimesThatAgreeWithTheNamesStay) {
  std::vector<FolderFile> files = {Named("nmt-mid.txt", 10), Named("nmt-end.txt", 50),
                                   Named("config.yaml", 99)};
  EXPECT_FALSE(OrderByNames(&files));
  EXPECT_EQ(files[1].modified, At(50));
}

TEST(FolderFiles, TimesOfACheckoutGiveWayToTheNames) {
  std::vector<FolderFile> files = {Named("after/memory.stat", 0), Named("before/memory.stat", 1),
                                   Named("nmt-mid.txt", 1),       Named("nmt-end.txt", 0),
                                   Named("smaps-end.txt", 3),     Named("config.yaml", 2)};
  EXPECT_TRUE(OrderByNames(&files));
  EXPECT_LT(files[1].modified, files[2].modified);
  EXPECT_LT(files[2].modified, files[3].modified);
  // Of one moment as they were.
  EXPECT_EQ(files[4].modified - files[3].modified, std::chrono::seconds(3));
  EXPECT_LT(files[4].modified, files[0].modified);
  EXPECT_EQ(files[5].modified, At(2));
}

TEST(FolderFiles, NamesWithoutTheirMoment) {
  EXPECT_EQ(WithoutMoment("pod.before"), WithoutMoment("pod.after"));
  EXPECT_NE(WithoutMoment("container-a.before"), WithoutMoment("container-b.before"));
  EXPECT_NE(WithoutMoment("container-1.before"), WithoutMoment("container-2.before"));
  EXPECT_EQ(WithoutMoment("t1"), WithoutMoment("t25"));
  EXPECT_EQ(WithoutMoment("t1"), WithoutMoment("before"));
  EXPECT_NE(WithoutMoment("tm-1"), WithoutMoment("tm-2"));
}

TEST(FolderFiles, CompressedFilesAreNamedWithWhatToDo) {
  EXPECT_THAT(HowToUnpack("tm.log.xz"), HasSubstr("unxz"));
  EXPECT_THAT(HowToUnpack("all.tar.zst"), HasSubstr("tar --zstd"));
  EXPECT_EQ(HowToUnpack("tm.log"), "");
}

}  // namespace
}  // namespace wrackline::evidence
