// Reading while another thread writes as fast as it can.
#include <atomic>
#include <thread>

#include "tests/unit/lib_recorder/recorder_support.h"

namespace wrackline::recorder {
namespace {

TEST(ReaderLive, EveryReadingIsConsistent) {
  TemporaryFolder folder;
  const std::string path = folder.File("live.wrack");
  constexpr std::uint32_t kStacks = 3000;
  CounterOwner owner;
  Recorder recorder;
  ASSERT_EQ(recorder.Open(owner.Options(path, 2 << 20)), 0);
  std::atomic<bool> stop{false};
  std::atomic<std::uint64_t> flushed{0};
  std::uint64_t snapshots = 0;
  std::thread writer([&] {
    // Value n goes to stack n % kStacks, in order: what a reading holds must be a prefix of that.
    for (std::uint64_t n = 1; !stop.load();) {
      const auto stack = static_cast<std::uint32_t>(n % kStacks);
      owner.Set(stack, n);
      owner.PutDirty(recorder);
      if (owner.clean()) ++n;
      if (!owner.clean() || n % 97 == 0) {
        recorder.Flush();
        if (owner.clean()) flushed.store(n - 1);
      }
    }
    snapshots = recorder.statistics().snapshots;
    recorder.Close();
  });
  for (int i = 0; i < 60; ++i) {
    const std::uint64_t before = flushed.load();
    const Result<Recording> recording = ReadRecording(path);
    ASSERT_TRUE(recording.ok()) << recording.error().Text();
    EXPECT_EQ(recording.value().damage, "");
    std::uint64_t last = 0;
    for (const auto& [id, value] : CountersOf(recording.value())) last = std::max(last, value);
    EXPECT_GE(last, before);
    for (const auto& [id, value] : CountersOf(recording.value())) {
      EXPECT_EQ(value % kStacks, id);
      EXPECT_LT(last - value, kStacks);
    }
    EXPECT_EQ(recording.value().stacks.size(), std::min<std::uint64_t>(last, kStacks));
    if (::testing::Test::HasFailure()) break;
  }
  stop.store(true);
  writer.join();
  EXPECT_GT(snapshots, 0U);
}

}  // namespace
}  // namespace wrackline::recorder
