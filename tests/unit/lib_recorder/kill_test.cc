// A child writes as fast as it can and is killed at a random moment, 200 times; every file must be
// readable, and hold what was flushed before the kill.
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <random>
#include <thread>

#include "tests/unit/lib_recorder/recorder_support.h"

namespace wrackline::recorder {
namespace {

constexpr std::uint32_t kStacks =
    8000;  // with the history two slices and more: kills fall into snapshots too

struct Shared {
  std::atomic<std::uint64_t> flushed{0};
  std::atomic<std::uint64_t> snapshots{0};
  std::atomic<bool> in_snapshot{false};
};

[[noreturn]] void Write(const std::string& path, Shared& shared) {
  CounterOwner owner;
  Recorder recorder;
  if (recorder.Open(owner.Options(path, 4 << 20)) != 0) _exit(1);
  for (std::uint64_t n = 1;;) {
    owner.Set(static_cast<std::uint32_t>(n % kStacks), n);
    owner.PutDirty(recorder);
    if (owner.clean()) {
      if (n % 16 == 0) LogRecord(recorder, 1, TimelineRecord(n));
      ++n;
    }
    if (!owner.clean() || n % 211 == 0) {
      if (recorder.Flush() != 0) _exit(2);
      if (owner.clean()) shared.flushed.store(n - 1);
      shared.snapshots.store(recorder.statistics().snapshots);
    }
  }
}

TEST(RecorderKill, TwoHundredKillsLeaveTwoHundredReadableFiles) {
  TemporaryFolder folder;
  const std::string path = folder.File("kill.wrack");
  void* memory =
      mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  ASSERT_NE(memory, MAP_FAILED);
  std::mt19937_64 random(2026);
  std::uint64_t snapshots = 0;
  std::uint64_t records = 0;
  for (int kill_number = 0; kill_number < 200; ++kill_number) {
    std::filesystem::remove(path);
    auto* shared = new (memory) Shared;
    const pid_t child = fork();
    ASSERT_GE(child, 0);
    if (child == 0) Write(path, *shared);
    while (shared->flushed.load() == 0) std::this_thread::yield();
    usleep(static_cast<useconds_t>(random() % 120'000));
    ASSERT_EQ(kill(child, SIGKILL), 0);
    int status = 0;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFSIGNALED(status)) << "the writer ended by itself: " << status;
    const std::uint64_t flushed = shared->flushed.load();
    snapshots += shared->snapshots.load();

    const Result<Recording> recording = ReadRecording(path);
    ASSERT_TRUE(recording.ok()) << recording.error().Text();
    ASSERT_EQ(recording.value().damage, "") << "kill " << kill_number;
    const auto counters = CountersOf(recording.value());
    std::uint64_t last = 0;
    for (const auto& [id, value] : counters) last = std::max(last, value);
    ASSERT_GE(last, flushed);
    records += last;
    // Exactly the state after value `last`: no older value, no gap.
    ASSERT_EQ(counters.size(), std::min<std::uint64_t>(last, kStacks));
    for (const auto& [id, value] : counters) {
      ASSERT_EQ(value % kStacks, id);
      ASSERT_LT(last - value, kStacks);
    }
    const auto& timeline = recording.value().timeline;
    if (last >= 32) {
      ASSERT_FALSE(timeline.empty());
      ASSERT_GE(timeline.back().timeline().monotonic_ns() + 32, last);
    }
  }
  munmap(memory, sizeof(Shared));
  EXPECT_GT(snapshots, 200U);
  RecordProperty("records", std::to_string(records));
  RecordProperty("snapshots", std::to_string(snapshots));
  std::printf("%llu records, %llu snapshots committed before the kills\n",
              static_cast<unsigned long long>(records), static_cast<unsigned long long>(snapshots));
}

}  // namespace
}  // namespace wrackline::recorder
