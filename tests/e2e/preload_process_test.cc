// Fork, exec, programs that are not meant, settings that are wrong, records that others hand over.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/e2e/shim_runs.h"

namespace wrackline::test {
namespace {

using testing::HasSubstr;

TEST(ShimProcess, AForkedChildIsNotRecordedAndItsParentGoesOn) {
  const TemporaryFolder folder;
  const ProcessEnd end = RunProcess(Target({"fork"}, folder.path()));
  EXPECT_TRUE(end.exited(0));
  EXPECT_THAT(end.out, HasSubstr("child recording 0"));
  EXPECT_THAT(end.out, HasSubstr("parent recording 1 child 3"));
  const recorder::Recording recording = ReadOnly(folder.path());
  ASSERT_TRUE(recording.exit.has_value());
  EXPECT_EQ(recording.exit->exit().status(), 0);
  EXPECT_GE(recording.losses.forks(), 1u);
}

TEST(ShimProcess, AVforkedChildsExitDoesNotEndItsParentsRecording) {
  const TemporaryFolder folder;
  const ProcessEnd end = RunProcess(Target({"vfork"}, folder.path()));
  EXPECT_THAT(end.out, HasSubstr("parent recording 1 child 3"));
  EXPECT_EQ(ReadOnly(folder.path()).exit->exit().status(), 0);
}

TEST(ShimProcess, AfterExecTheNewImageHasAFileOfItsOwn) {
  const TemporaryFolder folder;
  EXPECT_TRUE(RunProcess(Target({"exec"}, folder.path())).exited(5));
  const auto files = RecorderFiles(folder.path());
  ASSERT_EQ(files.size(), 2u);
  EXPECT_THAT(files[0], HasSubstr("-2.wrack"));
  const auto second = recorder::ReadRecording(files[0]);
  const auto first = recorder::ReadRecording(files[1]);
  ASSERT_TRUE(first.ok() && second.ok());
  EXPECT_EQ(first.value().process->pid(), second.value().process->pid());
  EXPECT_FALSE(first.value().exit.has_value());
  EXPECT_EQ(second.value().exit->exit().status(), 5);
}

TEST(ShimProcess, SystemWorks) {
  const TemporaryFolder folder;
  EXPECT_TRUE(RunProcess(Target({"system"}, folder.path())).exited(4));
}

TEST(ShimProcess, AProgramThatIsNotMeantIsLeftAlone) {
  const TemporaryFolder folder;
  const ProcessEnd end = RunProcess(
      Target({"threads"}, folder.path(), {{"WRACKLINE_ONLY", "java"}, {"WRACKLINE_VERBOSE", "1"}}));
  EXPECT_EQ(end.out, "threads 1\n");
  EXPECT_EQ(end.err, "");
  EXPECT_TRUE(RecorderFiles(folder.path()).empty());
  // And one that is meant is not.
  const ProcessEnd meant =
      RunProcess(Target({"threads"}, folder.path(), {{"WRACKLINE_ONLY", "shim_*"}}));
  EXPECT_EQ(meant.out, "threads 3\n");
}

TEST(ShimProcess, WrongSettingsAreSaidOnceAndStopNothing) {
  const TemporaryFolder folder;
  const ProcessEnd end = RunProcess(Target({"quiet", "0.2"}, folder.path(),
                                           {{"WRACKLINE_INTERVAL", "often"},
                                            {"WRACKLINE_RECORDER_SIZE", "tiny"},
                                            {"WRACKLINE_KEEP", "-3"}}));
  EXPECT_TRUE(end.exited(7));
  EXPECT_EQ(end.out, "quiet output\n");
  EXPECT_THAT(end.err, HasSubstr("WRACKLINE_INTERVAL=often"));
  EXPECT_THAT(end.err, HasSubstr("WRACKLINE_RECORDER_SIZE=tiny"));
  EXPECT_THAT(end.err, HasSubstr("WRACKLINE_KEEP=-3"));
  EXPECT_EQ(std::count(end.err.begin(), end.err.end(), '\n'), 4) << end.err;
}

TEST(ShimProcess, SubmittedRecordsReachTheFile) {
  const TemporaryFolder folder;
  const ProcessEnd end = RunProcess(Target({"submit"}, folder.path()));
  EXPECT_EQ(end.out, "submit 0 malformed 0 wrong kind 22\n");
  const recorder::Recording recording = ReadOnly(folder.path());
  ASSERT_EQ(recording.rocksdb_databases.count(9), 1u);
  EXPECT_EQ(recording.rocksdb_databases.at(9).path(), "/db");
  // The malformed one is refused where it is read.
  EXPECT_EQ(recording.losses.submitted_refused(), 1u);
}

TEST(ShimProcess, SubmittingWithoutAFileIsRefused) {
  const ProcessEnd end = RunProcess(Target({"submit"}, "/proc/no/folder"));
  EXPECT_THAT(end.out, HasSubstr("submit 19"));  // ENODEV
}

TEST(ShimProcess, AFolderKeepsNoMoreThanItMay) {
  const TemporaryFolder folder;
  for (int i = 0; i < 5; ++i) {
    RunProcess(Target({"exit"}, folder.path(),
                      {{"WRACKLINE_KEEP", "3"}, {"WRACKLINE_RECORDER_SIZE", "1m"}}));
  }
  EXPECT_EQ(RecorderFiles(folder.path()).size(), 3u);
}

}  // namespace
}  // namespace wrackline::test
