#include "analyzer/cli/run_aftermath.h"

#include <gtest/gtest.h>

#include <csignal>

#include "lib/recorder/reader.h"
#include "lib/recorder/writer.h"
#include "tests/support/profiled_process.h"

namespace wrackline::cli {
namespace {

using test::TemporaryFolder;

// A recording that ended without a mark.
void Leave(const std::string& path, std::uint32_t pid, const std::string& cgroup) {
  recorder::Writer writer;
  ASSERT_EQ(writer.Open(path.c_str(), 1 << 20), 0);
  writer.Close();
  proto::Record record;
  record.set_time_ns(1);
  record.mutable_process()->set_pid(pid);
  record.mutable_process()->set_cgroup_path(cgroup);
  ASSERT_FALSE(recorder::AppendRecord(path, record).has_value());
}

SeenEnd End(pid_t pid, int status, std::uint64_t kills) {
  SeenEnd end;
  end.pid = pid;
  end.status = status;
  end.cgroup_path = "/job";
  end.before.oom_kill = 0;
  end.after.oom_kill = kills;
  return end;
}

std::optional<proto::Aftermath> AftermathOf(const std::string& path) {
  const auto recording = recorder::ReadRecording(path);
  EXPECT_TRUE(recording.ok());
  return recording.value().aftermath;
}

TEST(RunAftermath, DescendantsHaveTheCountersOfTheirCgroup) {
  const TemporaryFolder folder;
  Leave(folder / "own.wrack", 5, "/job");
  Leave(folder / "child.wrack", 6, "/job/inner");
  Leave(folder / "elsewhere.wrack", 7, "/jobs");
  const AftermathResult result = AddAftermath(folder.path(), {}, End(5, SIGKILL, 1));
  EXPECT_TRUE(result.problems.empty());
  ASSERT_EQ(result.files.size(), 3u);
  EXPECT_EQ(result.files[0], folder / "own.wrack");
  EXPECT_EQ(AftermathOf(folder / "own.wrack")->signal(), SIGKILL);
  EXPECT_EQ(AftermathOf(folder / "child.wrack")->oom_kill_after(), 1u);
  EXPECT_FALSE(AftermathOf(folder / "child.wrack")->has_signal());
  EXPECT_FALSE(AftermathOf(folder / "elsewhere.wrack").has_value());
}

// Two runs into one folder: what the other saw stands.
TEST(RunAftermath, OfAnotherRunIsLeftAsItIs) {
  const TemporaryFolder folder;
  Leave(folder / "other.wrack", 9, "/job");
  AddAftermath(folder.path(), {}, End(9, SIGKILL, 1));
  AddAftermath(folder.path(), {}, End(5, 0, 0));
  const auto aftermath = AftermathOf(folder / "other.wrack");
  ASSERT_TRUE(aftermath.has_value());
  EXPECT_EQ(aftermath->signal(), SIGKILL);
  EXPECT_EQ(aftermath->oom_kill_after(), 1u);
}

}  // namespace
}  // namespace wrackline::cli
