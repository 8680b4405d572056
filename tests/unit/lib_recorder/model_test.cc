// The recorder against a model: random changes, read back at random moments, over many snapshots of
// a small file.
#include <random>

#include "tests/unit/lib_recorder/recorder_support.h"

namespace wrackline::recorder {
namespace {

struct Case {
  std::uint64_t seed;
  std::uint64_t file_bytes;
  std::uint32_t stacks;
  int ticks;
};

class Model : public ::testing::TestWithParam<Case> {};

TEST_P(Model, TheFileIsTheStateAtEveryMoment) {
  const Case c = GetParam();
  TemporaryFolder folder;
  const std::string path = folder.File("model.wrack");
  std::mt19937_64 random(c.seed);
  Recorder recorder;
  CounterOwner owner;
  ASSERT_EQ(recorder.Open(owner.Options(path, c.file_bytes)), 0);

  std::uint64_t logged = 0;
  int compared_in_snapshot = 0;
  for (int tick = 0; tick < c.ticks; ++tick) {
    const int changes = static_cast<int>(random() % 300);
    for (int i = 0; i < changes; ++i) {
      const auto stack = static_cast<std::uint32_t>(random() % c.stacks);
      owner.Set(stack, random() % 1'000'000 + 1);
    }
    owner.PutDirty(recorder);
    for (std::uint64_t i = random() % 4; i > 0; --i)
      ASSERT_TRUE(LogRecord(recorder, 1, TimelineRecord(++logged)));
    ASSERT_EQ(recorder.Flush(), 0);
    if (!owner.clean()) continue;  // refused in this tick: the file has a part of it
    if (random() % 32 != 0 && tick + 1 != c.ticks) continue;

    const Result<Recording> read = ReadRecording(path);
    ASSERT_TRUE(read.ok()) << read.error().Text();
    const Recording& recording = read.value();
    ASSERT_EQ(recording.damage, "");
    ASSERT_EQ(CountersOf(recording), owner.values()) << "tick " << tick;
    if (logged == 0) continue;
    // History: in order, nothing twice, the newest hundred without a gap, the oldest thinned.
    const auto& timeline = recording.timeline;
    ASSERT_FALSE(timeline.empty());
    ASSERT_EQ(timeline.back().timeline().monotonic_ns(), logged);
    for (std::size_t i = 1; i < timeline.size(); ++i) {
      ASSERT_LT(timeline[i - 1].timeline().monotonic_ns(), timeline[i].timeline().monotonic_ns());
    }
    const std::size_t recent = std::min<std::size_t>(100, logged);
    ASSERT_GE(timeline.size(), recent);
    ASSERT_EQ(timeline[timeline.size() - recent].timeline().monotonic_ns(), logged - recent + 1);
    ASSERT_EQ(timeline.back().timeline().cgroup().charge(), logged * 4096);
    ++compared_in_snapshot;
  }
  EXPECT_GT(recorder.statistics().snapshots, 5U);
  EXPECT_EQ(recorder.statistics().snapshots_abandoned, 0U);
  EXPECT_GT(compared_in_snapshot, 10);
  recorder.Close();
}

INSTANTIATE_TEST_SUITE_P(Sizes, Model,
                         ::testing::Values(Case{1, 1 << 20, 50, 3000}, Case{2, 1 << 20, 2000, 3000},
                                           Case{3, 1 << 20, 7000, 3000},
                                           Case{4, 4 << 20, 20000, 1800},
                                           Case{5, 3'333'333, 10000, 1800}));

// Objects come and go, as live objects do: a slot given back must be gone, in both segments.
TEST(ModelOfLiveObjects, FreedSlotsStayFreed) {
  struct Owner {
    std::map<std::uint32_t, std::uint64_t> slots;
    static proto::Record Make(std::uint32_t slot, std::uint64_t address) {
      proto::Record record;
      proto::LiveObject* object = record.mutable_live_objects()->add_objects();
      object->set_slot(slot);
      object->set_address(address);
      return record;
    }
    static bool Emit(void* context, std::uint64_t* cursor, Recorder& recorder) {
      auto& owner = *static_cast<Owner*>(context);
      for (auto it = owner.slots.lower_bound(static_cast<std::uint32_t>(*cursor));
           it != owner.slots.end(); ++it) {
        if (recorder.SnapshotSliceFull() || !PutRecord(recorder, Make(it->first, it->second)))
          return false;
        *cursor = it->first + 1;
      }
      return true;
    }
  } owner;
  TemporaryFolder folder;
  const std::string path = folder.File("live.wrack");
  RecorderOptions options;
  options.path = path.c_str();
  options.file_bytes = 4 << 20;
  options.emit_state = Owner::Emit;
  options.emit_context = &owner;
  Recorder recorder;
  ASSERT_EQ(recorder.Open(options), 0);
  std::mt19937_64 random(11);
  for (int tick = 0; tick < 2000; ++tick) {
    for (int i = 0; i < 200; ++i) {
      const auto slot = static_cast<std::uint32_t>(random() % 15000);
      const std::uint64_t address = random() % 2 == 0 ? 0 : random() | 1;
      if (!PutRecord(recorder, Owner::Make(slot, address)))
        continue;  // then it did not happen, for this model
      if (address == 0) {
        owner.slots.erase(slot);
      } else {
        owner.slots[slot] = address;
      }
    }
    ASSERT_EQ(recorder.Flush(), 0);
    if (random() % 64 != 0) continue;
    const Result<Recording> recording = ReadRecording(path);
    ASSERT_TRUE(recording.ok());
    ASSERT_EQ(recording.value().live_objects.size(), owner.slots.size());
    for (const auto& [slot, object] : recording.value().live_objects)
      ASSERT_EQ(object.address(), owner.slots.at(slot));
  }
  EXPECT_GT(recorder.statistics().snapshots, 5U);
  recorder.Close();
}

}  // namespace
}  // namespace wrackline::recorder
