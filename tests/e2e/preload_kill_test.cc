// Kills: the file is whole at any moment, and its last record is young.
#include <gtest/gtest.h>
#include <sys/statfs.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <random>
#include <thread>

#include "tests/e2e/shim_runs.h"
#include "tests/support/memory_cgroup.h"

namespace wrackline::test {
namespace {

constexpr double kMaxAge = 0.5;  // seconds

double Age(const recorder::Recording& recording, std::uint64_t end_time_ns) {
  return (static_cast<double>(end_time_ns) - static_cast<double>(recording.last_time_ns)) / 1e9;
}

TEST(Kill, TwoHundredTimesAtRandomMoments) {
  std::mt19937 random(20240607);
  double oldest = 0;
  int with_live_objects = 0;
  std::uint64_t generations = 0;
  for (int i = 0; i < 200; ++i) {
    const TemporaryFolder folder;
    // The smallest file, so that kills fall into snapshots as well.
    ChildProcess child(Target({"churn", "60"}, folder.path(),
                              {{"WRACKLINE_RECORDER_SIZE", "1m"}, {"WRACKLINE_INTERVAL", "4k"}}));
    ASSERT_TRUE(
        WaitFor([&] { return !RecorderFiles(folder.path()).empty(); }, std::chrono::seconds(10)));
    std::this_thread::sleep_for(std::chrono::microseconds(random() % 400'000));
    child.Kill(SIGKILL);
    ASSERT_TRUE(child.Wait().killed(SIGKILL));
    auto recording = recorder::ReadRecording(RecorderFiles(folder.path()).at(0));
    if (!recording.ok()) {
      // Killed between the making of the file and its first record, which the reader says.
      EXPECT_NE(recording.error().message.find("never written"), std::string::npos)
          << recording.error().Text();
      continue;
    }
    EXPECT_EQ(recording.value().damage, "");
    EXPECT_FALSE(recording.value().exit.has_value());
    if (recording.value().records == 0) continue;
    with_live_objects += recording.value().live_objects.empty() ? 0 : 1;
    generations = std::max(generations, recording.value().generation);
    oldest = std::max(oldest, Age(recording.value(), child.end_time_ns()));
  }
  std::cout << "200 kills: oldest last record " << oldest << " s, live objects in "
            << with_live_objects << ", up to " << generations << " generations\n";
  EXPECT_LE(oldest, kMaxAge);
  EXPECT_GE(with_live_objects, 150);
}

// The state of a process, as the kernel letters it.
char StateOf(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  std::string text;
  std::getline(file, text);
  const std::size_t end = text.rfind(") ");
  return end == std::string::npos ? '?' : text[end + 2];
}

TEST(Kill, WhoIsDeadIsNotRunningThoughNobodyCollectedIt) {
  const TemporaryFolder folder;
  ChildProcess child(Target({"churn", "60"}, folder.path(), {{"WRACKLINE_INTERVAL", "4k"}}));
  const auto report = [&] {
    ProcessOptions options;
    options.command = {WRACKLINE_COMMAND, "report", folder.path()};
    return RunProcess(options).out;
  };
  ASSERT_TRUE(WaitFor([&] { return report().find("still running") != std::string::npos; },
                      std::chrono::seconds(20)));
  child.Kill(SIGKILL);
  ASSERT_TRUE(WaitFor([&] { return StateOf(child.pid()) == 'Z'; }, std::chrono::seconds(20)));
  EXPECT_EQ(report().find("still running"), std::string::npos) << report();
  EXPECT_TRUE(child.Wait().killed(SIGKILL));
}

TEST(Kill, WhatWasNeverTouchedIsKnownAsSuch) {
  const TemporaryFolder folder;
  ChildProcess child(Target({"reserve", "60"}, folder.path(), {{"WRACKLINE_INTERVAL", "4k"}}));
  double untouched = 0;
  // 48 MiB of the large blocks and all of the small ones but their ends; of the samples' weights.
  EXPECT_TRUE(WaitFor(
      [&] {
        const auto files = RecorderFiles(folder.path());
        if (files.empty()) return false;
        const auto recording = recorder::ReadRecording(files[0]);
        if (!recording.ok() || !recording.value().untouched) return false;
        untouched = static_cast<double>(recording.value().untouched->rest_bytes());
        for (const auto& stack : recording.value().untouched->stacks())
          untouched += static_cast<double>(stack.untouched_bytes());
        return untouched > 55.0 * (1 << 20);
      },
      std::chrono::seconds(50)));
  EXPECT_LT(untouched, 64.5 * (1 << 20));
  child.Kill(SIGKILL);
  EXPECT_TRUE(child.Wait().killed(SIGKILL));
  EXPECT_TRUE(ReadOnly(folder.path()).untouched.has_value());
}

// Runs the target in a cgroup of its own until the kernel kills it, and returns the age of the last
// record.
void KillByKernel(const std::vector<std::string>& arguments, Bytes limit,
                  const std::string& out_folder) {
  auto cgroup = MemoryCgroup::Create("kill", limit);
  if (!cgroup.ok()) GTEST_SKIP() << cgroup.error().Text();
  ProcessOptions options = Target(arguments, out_folder, {{"WRACKLINE_INTERVAL", "512k"}});
  options.in_child = [&cgroup] { cgroup.value().AddPid(getpid()); };
  ChildProcess child(options);
  ASSERT_TRUE(WaitFor([&] { return child.Ended(); }, std::chrono::seconds(120)));
  // What a shell or a container runtime calls exit code 137.
  EXPECT_TRUE(child.Wait().killed(SIGKILL));
  EXPECT_EQ(cgroup.value().OomKills(), 1u);
  const recorder::Recording recording = ReadOnly(out_folder);
  EXPECT_FALSE(recording.exit.has_value());
  const double age = Age(recording, child.end_time_ns());
  std::uint64_t live = 0;
  for (const auto& [slot, object] : recording.live_objects) live += object.weight();
  ASSERT_TRUE(recording.last_heartbeat.has_value());
  const std::uint64_t charge = recording.last_heartbeat->heartbeat().charge();
  std::cout << arguments[0] << " killed by the kernel: last record " << age
            << " s old; last charge " << charge << " of " << limit.count << "; live samples "
            << live << "; longest write " << recording.losses.longest_write_ns() / 1e6
            << " ms; timeline of " << recording.timeline.size() << '\n';
  EXPECT_LE(age, kMaxAge);
  // The sampled live bytes are most of what was charged: the target holds little else.
  EXPECT_GT(charge, static_cast<std::uint64_t>(limit.count) * 8 / 10);
}

TEST(Kill, ByTheKernelAtTheLimit) {
  const TemporaryFolder folder;
  KillByKernel({"grow", "10"}, 128 * kMiB, folder.path());
}

TEST(Kill, ByTheKernelInReclaimThrashWithABusyDisk) {
  // On the disk of the build folder where the temporary folder is memory.
  const TemporaryFolder folder;
  std::string busy = folder / "busy";
  std::filesystem::create_directory(busy);
  {
    std::ofstream file(busy + "/read", std::ios::binary);
    const std::vector<char> block(1 << 20, 'r');
    for (int i = 0; i < 256; ++i)
      file.write(block.data(), static_cast<std::streamsize>(block.size()));
  }
  sync();
  KillByKernel({"thrash", busy}, 256 * kMiB, folder / "out");
}

}  // namespace
}  // namespace wrackline::test
