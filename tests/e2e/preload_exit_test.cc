// The clean ends of a process, and what its file holds then.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>

#include "tests/e2e/shim_runs.h"

namespace wrackline::test {
namespace {

TEST(Shim, AFinishedProcessLeavesEverythingItPromises) {
  const TemporaryFolder folder;
  const ProcessEnd end = RunProcess(Target({"quiet", "2.5"}, folder.path()));
  EXPECT_TRUE(end.exited(7));
  const recorder::Recording recording = ReadOnly(folder.path());

  ASSERT_TRUE(recording.process.has_value());
  EXPECT_EQ(recording.process->executable(), WRACKLINE_SHIM_TARGET);
  EXPECT_EQ(recording.process->command_line(),
            std::string(WRACKLINE_SHIM_TARGET) + '\0' + "quiet" + '\0' + "2.5" + '\0');
  EXPECT_EQ(recording.process->sampling_interval(), 16384u);
  EXPECT_EQ(recording.process->writer(), "preload");
  EXPECT_THAT(recording.process->allocator(), testing::StartsWith("glibc 2."));
  EXPECT_NE(recording.process->boot_id(), "");
  EXPECT_NE(recording.process->start_time_ns(), 0u);

  // 100 blocks of 50,000 bytes are left.
  std::uint64_t live = 0;
  for (const auto& [slot, object] : recording.live_objects) live += object.weight();
  EXPECT_NEAR(static_cast<double>(live), 100 * 50000, 0.2 * 100 * 50000);

  bool named = false;
  for (const auto& [pc, name] : recording.frame_names) {
    named = named || name.symbol() == "ShimTargetAllocate";
  }
  EXPECT_TRUE(named);
  bool target = false;
  for (const auto& [id, module] : recording.modules) {
    if (module.path() != WRACKLINE_SHIM_TARGET) continue;
    target = true;
    EXPECT_GE(module.build_id().size(), 8u);
  }
  EXPECT_TRUE(target);

  ASSERT_GE(recording.timeline.size(), 3u);
  const proto::TimelineSample& sample = recording.timeline.back().timeline();
  EXPECT_TRUE(sample.process().has_resident());
  EXPECT_EQ(sample.process().threads(), 3u);
  EXPECT_TRUE(sample.has_own_bytes());
  bool rollup = false;
  bool allocator = false;
  for (const proto::Record& record : recording.timeline) {
    rollup = rollup || record.timeline().process().has_rollup_rss();
    allocator = allocator || record.timeline().allocator().has_in_use();
  }
  EXPECT_TRUE(rollup);
  EXPECT_TRUE(allocator);

  ASSERT_TRUE(recording.exit.has_value());
  EXPECT_EQ(recording.exit->exit().kind(), proto::Exit::CLEAN);
  EXPECT_EQ(recording.exit->exit().status(), 7);
  EXPECT_EQ(recording.losses.live_table_full(), 0u);
  EXPECT_EQ(recording.losses.unwind_failed(), 0u);
  EXPECT_EQ(recording.losses.write_errors(), 0u);
}

class CleanEnd : public testing::TestWithParam<const char*> {};

TEST_P(CleanEnd, IsMarkedWithItsStatus) {
  const TemporaryFolder folder;
  EXPECT_TRUE(RunProcess(Target({GetParam()}, folder.path())).exited(5));
  const recorder::Recording recording = ReadOnly(folder.path());
  ASSERT_TRUE(recording.exit.has_value());
  EXPECT_EQ(recording.exit->exit().status(), 5);
}

INSTANTIATE_TEST_SUITE_P(All, CleanEnd, testing::Values("exit", "_exit", "_Exit", "quick_exit"));

TEST(Shim, AnAbortIsNoCleanEnd) {
  const TemporaryFolder folder;
  EXPECT_TRUE(RunProcess(Target({"abort"}, folder.path())).killed(SIGABRT));
  EXPECT_FALSE(ReadOnly(folder.path()).exit.has_value());
}

TEST(Shim, TheProgramsOutputAndStatusAreItsOwn) {
  const TemporaryFolder folder;
  const ProcessEnd with = RunProcess(Target({"quiet", "0.3"}, folder.path()));
  const ProcessEnd without = RunProcess(BareTarget({"quiet", "0.3"}));
  EXPECT_EQ(with.status, without.status);
  EXPECT_EQ(with.out, without.out);
  EXPECT_EQ(with.err, without.err);
}

TEST(Shim, AShortHelperWithoutASampleLeavesNoFile) {
  const TemporaryFolder folder;
  EXPECT_TRUE(
      RunProcess(Target({"short"}, folder.path(), {{"WRACKLINE_INTERVAL", "1t"}})).exited(0));
  EXPECT_TRUE(RecorderFiles(folder.path()).empty());
}

TEST(Shim, SamplingSwitchedOffStillGivesTheTimeline) {
  const TemporaryFolder folder;
  EXPECT_TRUE(
      RunProcess(Target({"quiet", "1.5"}, folder.path(), {{"WRACKLINE_INTERVAL", "0"}})).exited(7));
  const recorder::Recording recording = ReadOnly(folder.path());
  EXPECT_TRUE(recording.live_objects.empty());
  EXPECT_FALSE(recording.timeline.empty());
  EXPECT_TRUE(recording.exit.has_value());
}

}  // namespace
}  // namespace wrackline::test
