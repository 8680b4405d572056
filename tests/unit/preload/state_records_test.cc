#include "preload/state_records.h"

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <string>
#include <thread>

#include "lib/recorder/reader.h"
#include "preload/pages.h"
#include "preload/record_check.h"
#include "tests/support/profiled_process.h"

namespace wrackline::preload {
namespace {

// ProfileState, tables and a real file.
class StateRecordsTest : public testing::Test {
 protected:
  void SetUp() override {
    state_ = MapArray<ProfileState>(1);
    ASSERT_NE(state_, nullptr);
    ASSERT_EQ(names_.Open(1 << 20), 0);
    records_.Open(state_, &names_);
    path_ = folder_ / "state.wrack";
    recorder::RecorderOptions options;
    options.path = path_.c_str();
    options.file_bytes = 8 << 20;
    options.emit_state = Emit;
    options.emit_context = this;
    ASSERT_EQ(recorder_.Open(options), 0);
  }
  void TearDown() override {
    recorder_.Close();
    munmap(state_, sizeof(*state_));
  }

  static bool Emit(void* context, std::uint64_t* cursor, recorder::Recorder& recorder) {
    auto* self = static_cast<StateRecordsTest*>(context);
    StateSink sink(recorder, true);
    constexpr std::uint64_t kLive = 1ull << 32;
    while (!sink.Full()) {
      std::uint64_t index = *cursor % kLive;
      if (*cursor < kLive) {
        const bool done = self->records_.EmitStacks(&index, sink);
        *cursor = done ? kLive : index;
      } else {
        const std::uint64_t phase = *cursor / kLive;
        const bool done = phase == 1   ? self->records_.EmitLive(&index, sink)
                          : phase == 2 ? self->records_.EmitMappings(&index, sink)
                                       : self->records_.EmitThreads(&index, sink);
        *cursor = done ? (phase + 1) * kLive : phase * kLive + index;
        if (done && phase == 3) return true;
      }
    }
    return false;
  }

  bool PutChanges() {
    StateSink sink(recorder_, false);
    const bool all = records_.PutChanges(sink);
    EXPECT_EQ(recorder_.Flush(), 0);
    return all;
  }
  recorder::Recording Read() {
    auto recording = recorder::ReadRecording(path_);
    EXPECT_TRUE(recording.ok()) << recording.error().Text();
    EXPECT_EQ(recording.value().damage, "");
    return recording.value();
  }
  std::uint32_t Intern(std::uint64_t seed) {
    const std::uint64_t frames[3] = {seed, seed + 0x7000000000, 5};
    bool full = false;
    return state_->stacks.Intern(frames, 3, seed % 2 == 1, &full);
  }

  ProfileState* state_ = nullptr;
  FrameNames names_;
  StateRecords records_;
  test::TemporaryFolder folder_;
  std::string path_;
  recorder::Recorder recorder_;
};

TEST_F(StateRecordsTest, StacksCountersAndObjectsReadBack) {
  EXPECT_FALSE(records_.HasChanges());
  const std::uint32_t id = Intern(0x401001);
  state_->stacks.CountAllocation(id, 600000);
  ASSERT_TRUE(state_->live.Insert({0xabc0, 100, 600000, id, 77, 12}));
  EXPECT_TRUE(records_.HasChanges());
  EXPECT_TRUE(PutChanges());
  EXPECT_TRUE(names_.waiting());
  auto recording = Read();
  ASSERT_EQ(recording.stacks.count(id), 1u);
  EXPECT_EQ(recording.stacks[id].frames,
            (std::vector<std::uint64_t>{0x401001, 0x401001 + 0x7000000000, 5}));
  EXPECT_TRUE(recording.stacks[id].truncated);
  EXPECT_EQ(recording.stacks[id].counters.allocated_bytes(), 600000u);
  ASSERT_EQ(recording.live_objects.size(), 1u);
  const proto::LiveObject& object = recording.live_objects.begin()->second;
  EXPECT_EQ(object.address(), 0xabc0u);
  EXPECT_EQ(object.size(), 100u);
  EXPECT_EQ(object.weight(), 600000u);
  EXPECT_EQ(object.stack_id(), id);
  EXPECT_EQ(object.thread_id(), 77u);
  EXPECT_EQ(object.time_ms(), 12u);

  LiveObject removed;
  ASSERT_TRUE(state_->live.Remove(0xabc0, &removed));
  state_->stacks.CountFree(id, removed.weight);
  EXPECT_TRUE(PutChanges());
  recording = Read();
  EXPECT_TRUE(recording.live_objects.empty());
  EXPECT_EQ(recording.stacks[id].counters.freed_bytes(), 600000u);
}

TEST_F(StateRecordsTest, MappingsReadBackAndGo) {
  const std::uint32_t id = Intern(0x402000);
  state_->mappings.Map(
      {0x7000000, 0x9000, id, 77, 12, MappedRange::kReserved | MappedRange::kAllocator});
  EXPECT_TRUE(PutChanges());
  auto recording = Read();
  ASSERT_EQ(recording.mappings.size(), 1u);
  const proto::Mapping mapping = recording.mappings.begin()->second;
  EXPECT_EQ(mapping.start(), 0x7000000u);
  EXPECT_EQ(mapping.length(), 0x9000u);
  EXPECT_EQ(mapping.stack_id(), id);
  EXPECT_EQ(mapping.thread_id(), 77u);
  EXPECT_EQ(mapping.time_ms(), 12u);
  EXPECT_TRUE(mapping.reserved());
  EXPECT_TRUE(mapping.by_allocator());
  EXPECT_FALSE(mapping.shared());
  EXPECT_FALSE(mapping.stack_hint());
  EXPECT_EQ(recording.stacks.count(id), 1u);

  state_->mappings.Unmap(0x7003000, 0x1000);
  EXPECT_TRUE(PutChanges());
  EXPECT_EQ(Read().mappings.size(), 2u);
  state_->mappings.Unmap(0x7000000, 0x9000);
  EXPECT_TRUE(PutChanges());
  EXPECT_TRUE(Read().mappings.empty());
}

TEST_F(StateRecordsTest, FilesAndThreadsReadBackWithWhatIsResidentOfThem) {
  MappingResidence residence;
  ASSERT_EQ(residence.Open(), 0);
  records_.Open(state_, &names_, &residence);
  constexpr std::uint64_t kPage = 4096;
  alignas(kPage) static char pages[4 * kPage];
  for (std::size_t i = 0; i < sizeof(pages); i += kPage) pages[i] = 1;
  const auto start = reinterpret_cast<std::uint64_t>(pages);
  const std::uint32_t id = Intern(0x402000);
  state_->mappings.Map({start, kPage, id, 77, 12, MappedRange::kFile | MappedRange::kShared});
  state_->mappings.Map({start + kPage, 2 * kPage, id, 78, 12, MappedRange::kThread});
  state_->mappings.Map({start + 3 * kPage, kPage, id, 77, 12, 0});
  const auto check = [&](bool looked) {
    EXPECT_TRUE(PutChanges());
    const recorder::Recording recording = Read();
    ASSERT_EQ(recording.mappings.size(), 3u);
    for (const auto& [slot, mapping] : recording.mappings) {
      const bool file = mapping.start() == start;
      const bool thread = mapping.start() == start + kPage;
      EXPECT_EQ(mapping.file(), file);
      EXPECT_EQ(mapping.shared(), file);
      EXPECT_EQ(mapping.thread(), thread);
      EXPECT_EQ(mapping.has_resident(), looked && (file || thread));
      if (mapping.has_resident()) {
        EXPECT_EQ(mapping.resident(), mapping.length());
      }
    }
  };
  check(false);
  residence.LookNow(&state_->mappings);
  check(true);
}

TEST_F(StateRecordsTest, MappingsOutliveSnapshots) {
  for (std::uint64_t i = 0; i < 3000; ++i)
    state_->mappings.Map({0x10000000 + i * 0x2000, 0x1000, 5, 1, 1, 0});
  std::uint64_t rounds = 0;
  // Churn of others: snapshots repeat those that do not change.
  for (; recorder_.statistics().snapshots < 3 && rounds < 3000; ++rounds) {
    for (std::uint64_t i = 0; i < 2000; ++i)
      state_->mappings.Map(
          {0x900000000 + i * 0x2000, 0x1000, 6, 1, static_cast<std::uint32_t>(rounds), 0});
    for (int tries = 0; !PutChanges(); ++tries) ASSERT_LT(tries, 1000);
  }
  ASSERT_GE(recorder_.statistics().snapshots, 3u);
  EXPECT_EQ(Read().mappings.size(), 5000u);
}

TEST_F(StateRecordsTest, ThreadsReadBackAndOutliveSnapshots) {
  constexpr std::uint32_t kThreads = 300;
  for (std::uint32_t i = 0; i < kThreads; ++i) state_->threads.Enter(1000 + i, i);
  ThreadEntry thread = {};
  ASSERT_TRUE(state_->threads.Read(7, &thread));
  state_->threads.SetComm(7, thread, "rocksdb:high");
  state_->threads.SetJavaName(7, thread, "Sink: ü (1/2)#0");
  state_->threads.SetJava(8, this);
  EXPECT_TRUE(PutChanges());
  const auto check = [&](const recorder::Recording& recording) {
    ASSERT_EQ(recording.threads.size(), kThreads);
    const proto::Thread& one = recording.threads.at({1007, 7});
    EXPECT_EQ(one.comm(), "rocksdb:high");
    EXPECT_EQ(one.java_name(), "Sink: ü (1/2)#0");
    EXPECT_TRUE(one.java());
    EXPECT_FALSE(recording.threads.at({1008, 8}).java());
  };
  check(Read());
  std::uint64_t rounds = 0;
  // Churn of others: snapshots repeat those that do not change.
  for (; recorder_.statistics().snapshots < 3 && rounds < 3000; ++rounds) {
    for (std::uint64_t i = 0; i < 400; ++i)
      state_->stacks.CountAllocation(Intern(0x500000 + i * 16), 1);
    PutChanges();
  }
  ASSERT_GE(recorder_.statistics().snapshots, 3u);
  check(Read());
}

TEST_F(StateRecordsTest, SamplesWithoutAStackAreCountedUnderTheUnknownOne) {
  state_->stacks.CountAllocation(StackTable::kUnknown, 1000);
  EXPECT_TRUE(PutChanges());
  EXPECT_EQ(Read().stacks[StackTable::kUnknown].counters.allocated_bytes(), 1000u);
}

TEST_F(StateRecordsTest, SurvivesManySnapshotsWithEverythingInIt) {
  // 8 MiB of file, 20,000 objects of 3,000 stacks, churned for many times the file's size.
  std::uint64_t address = 0x10000;
  std::vector<std::uint64_t> alive;
  for (int round = 0; round < 150; ++round) {
    for (int i = 0; i < 2000; ++i) {
      const std::uint32_t id = Intern(0x400000 + address / 16 % 3000);
      address += 16;
      if (!state_->live.Insert({address, 100, 524288, id, 1, 2})) continue;
      state_->stacks.CountAllocation(id, 524288);
      alive.push_back(address);
    }
    while (alive.size() > 20000) {
      LiveObject removed;
      ASSERT_TRUE(state_->live.Remove(alive[alive.size() % 20000], &removed));
      state_->stacks.CountFree(removed.stack_id, removed.weight);
      alive[alive.size() % 20000] = alive.back();
      alive.pop_back();
    }
    for (int tries = 0; !PutChanges(); ++tries) ASSERT_LT(tries, 1000);
  }
  EXPECT_GT(recorder_.statistics().snapshots, 2u);
  const auto recording = Read();
  EXPECT_EQ(recording.live_objects.size(), alive.size());
  std::uint64_t allocated = 0;
  std::uint64_t freed = 0;
  for (const auto& [id, stack] : recording.stacks) {
    allocated += stack.counters.allocated_samples();
    freed += stack.counters.freed_samples();
    if (id != StackTable::kUnknown) {
      EXPECT_EQ(stack.frames.size(), 3u);
    }
  }
  EXPECT_EQ(allocated - freed, alive.size());
}

// A stack that came while a snapshot was made, of a process that was killed before that was whole.
TEST_F(StateRecordsTest, StacksOfASnapshotThatIsGivenUpAreInTheFileToo) {
  recorder::Recorder other;
  const std::string path = folder_ / "snapshot.wrack";
  recorder::RecorderOptions options;
  options.path = path.c_str();
  options.file_bytes = 8 << 20;
  ASSERT_EQ(other.Open(options), 0);
  const std::uint32_t id = Intern(0x400000);
  ASSERT_TRUE(state_->live.Insert({0x1000, 100, 524288, id, 1, 2}));
  state_->stacks.CountAllocation(id, 524288);
  StateSink snapshot(other, true);
  std::uint64_t index = 0;
  records_.EmitStacks(&index, snapshot);
  other.Close();
  ASSERT_TRUE(PutChanges());
  const auto recording = Read();
  ASSERT_EQ(recording.live_objects.size(), 1u);
  ASSERT_TRUE(recording.stacks.contains(id));
  EXPECT_EQ(recording.stacks.at(id).frames.size(), 3u);
}

TEST_F(StateRecordsTest, ThreadsChangeWhileItIsWritten) {
  std::atomic<bool> stop{false};
  std::vector<std::thread> threads;
  for (std::uint64_t thread = 0; thread < 3; ++thread) {
    threads.emplace_back([&, thread] {
      for (std::uint64_t i = 0; !stop; ++i) {
        const std::uint32_t id = Intern(0x500000 + i % 300);
        const std::uint64_t address = (thread + 1) << 40 | (i % 1000) << 4;
        if (!state_->live.Insert({address, 64, 1000, id, 1, 2})) continue;
        state_->stacks.CountAllocation(id, 1000);
        LiveObject removed;
        if (i % 1000 >= 10 && state_->live.Remove(address, &removed)) {
          state_->stacks.CountFree(id, 1000);
        } else if (i >= 1000) {
          // Its address is still held from the round before: give both up.
          while (state_->live.Remove(address, &removed)) state_->stacks.CountFree(id, 1000);
        }
      }
    });
  }
  for (int i = 0; i < 300; ++i) PutChanges();
  stop = true;
  for (std::thread& thread : threads) thread.join();
  for (int tries = 0; !PutChanges(); ++tries) ASSERT_LT(tries, 1000);
  const auto recording = Read();
  EXPECT_EQ(recording.live_objects.size(), state_->live.size());
}

TEST(RecordCheck, TakesWhatParsesAtTheOutermostLevel) {
  proto::Record record;
  record.set_time_ns(5);
  record.mutable_rocksdb_sample()->set_database_id(3);
  const std::string bytes = record.SerializeAsString();
  const auto* at = reinterpret_cast<const unsigned char*>(bytes.data());
  EXPECT_TRUE(IsRecord(at, bytes.size()));
  EXPECT_FALSE(IsRecord(at, bytes.size() - 1));
  EXPECT_FALSE(IsRecord(reinterpret_cast<const unsigned char*>("\x00\x00"), 2));
  EXPECT_FALSE(IsRecord(
      reinterpret_cast<const unsigned char*>("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"), 11));
  EXPECT_FALSE(IsRecord(
      reinterpret_cast<const unsigned char*>("\x0a\xff\xff\xff\xff\xff\xff\xff\xff\x01x"), 11));
  EXPECT_FALSE(IsRecord(reinterpret_cast<const unsigned char*>("\x0b"), 1));
}

}  // namespace
}  // namespace wrackline::preload
