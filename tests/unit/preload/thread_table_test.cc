#include "preload/sampling/thread_table.h"

#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "preload/sampling/allocation.h"
#include "tests/unit/preload/test_state.h"

namespace wrackline::preload {
namespace {

std::vector<std::uint32_t> Dirty(ThreadTable* table) {
  std::vector<std::uint32_t> slots;
  table->TakeDirty([&](std::uint32_t slot) {
    slots.push_back(slot);
    return true;
  });
  return slots;
}

class ThreadTableTest : public testing::Test {
 protected:
  std::unique_ptr<ThreadTable> table_ = std::make_unique<ThreadTable>();  // all zero
  ThreadEntry entry_ = {};
};

TEST_F(ThreadTableTest, AnEntryIsReadBackAndItsNamesAreSetWhileItIsThatThreads) {
  EXPECT_FALSE(table_->Read(0, &entry_));
  const std::uint32_t number = table_->Enter(77, 1200);
  ASSERT_EQ(number, 1u);
  EXPECT_EQ(Dirty(table_.get()), std::vector<std::uint32_t>{0});
  ASSERT_TRUE(table_->Read(0, &entry_));
  EXPECT_EQ(entry_.thread_id, 77u);
  EXPECT_EQ(entry_.since_ms, 1200u);
  EXPECT_EQ(entry_.jni_env, nullptr);
  EXPECT_STREQ(entry_.comm, "");

  EXPECT_TRUE(table_->SetComm(0, entry_, "rocksdb:low"));
  EXPECT_TRUE(table_->SetJavaName(0, entry_, "Source: numbers -> Map (1/4)#0"));
  EXPECT_EQ(Dirty(table_.get()).size(), 1u);
  // The same again is no change.
  EXPECT_TRUE(table_->SetComm(0, entry_, "rocksdb:low"));
  table_->SetJava(number, nullptr);
  EXPECT_TRUE(Dirty(table_.get()).empty());
  table_->SetJava(number, &entry_);
  EXPECT_EQ(Dirty(table_.get()).size(), 1u);

  ThreadEntry other = entry_;
  other.since_ms = 1201;
  EXPECT_TRUE(table_->SetComm(0, other, "somebody else"));
  ASSERT_TRUE(table_->Read(0, &entry_));
  EXPECT_STREQ(entry_.comm, "rocksdb:low");
  EXPECT_STREQ(entry_.java_name, "Source: numbers -> Map (1/4)#0");
  EXPECT_EQ(entry_.jni_env, &entry_);
}

TEST_F(ThreadTableTest, ANameThatIsTooLongIsCutBetweenCharacters) {
  table_->Enter(1, 0);
  ASSERT_TRUE(table_->Read(0, &entry_));
  // 255 bytes have room: the two bytes of the character at 254 do not.
  const std::string name = std::string(254, 'a') + "\xC3\xA4";
  EXPECT_TRUE(table_->SetJavaName(0, entry_, name.c_str()));
  ASSERT_TRUE(table_->Read(0, &entry_));
  EXPECT_EQ(entry_.java_name, std::string(254, 'a'));
}

TEST_F(ThreadTableTest, AFullTableTakesTheSlotsOfThreadsThatEnded) {
  for (std::uint32_t i = 0; i < ThreadTable::kSlots; ++i) {
    ASSERT_EQ(table_->Enter(i + 1, i), i + 1);
  }
  EXPECT_EQ(table_->used(), ThreadTable::kSlots);
  EXPECT_EQ(table_->Enter(99999, 9), ThreadTable::kFull);
  EXPECT_EQ(table_->full(), 1u);
  table_->SetJava(ThreadTable::kFull, this);  // does nothing

  // The next look begins at the second slot.
  ASSERT_TRUE(table_->Read(4, &entry_));
  table_->End(4, entry_);
  ASSERT_TRUE(table_->Read(4, &entry_)) << "an ended thread stays while there is room";
  Dirty(table_.get());
  EXPECT_EQ(table_->Enter(77777, 10), 5u);
  ASSERT_TRUE(table_->Read(4, &entry_));
  EXPECT_EQ(entry_.thread_id, 77777u);
  EXPECT_EQ(Dirty(table_.get()), std::vector<std::uint32_t>{4});
}

TEST_F(ThreadTableTest, EveryThreadOfManyEntersOnceWhileOthersRead) {
  std::atomic<bool> done{false};
  std::thread reader([&] {
    while (!done.load()) {
      ThreadEntry entry;
      for (std::uint32_t i = 0; i < table_->used(); ++i) {
        if (!table_->Read(i, &entry)) continue;
        EXPECT_EQ(entry.since_ms, entry.thread_id * 2);
        table_->SetComm(i, entry, std::to_string(entry.thread_id).c_str());
      }
    }
  });
  constexpr std::uint32_t kEach = 200;
  std::vector<std::thread> writers;
  for (std::uint32_t t = 0; t < 4; ++t) {
    writers.emplace_back([&, t] {
      for (std::uint32_t i = 0; i < kEach; ++i)
        table_->Enter(t * kEach + i + 1, (t * kEach + i + 1) * 2);
    });
  }
  for (std::thread& writer : writers) writer.join();
  done = true;
  reader.join();
  std::set<std::uint32_t> seen;
  for (std::uint32_t i = 0; i < table_->used(); ++i) {
    if (!table_->Read(i, &entry_)) continue;
    EXPECT_TRUE(entry_.comm[0] == '\0' || entry_.comm == std::to_string(entry_.thread_id));
    seen.insert(entry_.thread_id);
  }
  EXPECT_EQ(seen.size(), 4 * kEach);
}

TEST(ThreadEntering, AThreadEntersWithItsFirstSampleAndNoLaterThanIt) {
  TestState state(1);  // every allocation is a sample
  std::uint32_t thread_id = 0;
  std::thread([&] {
    // NOLINTNEXTLINE(cppcoreguidelines-no-malloc)
    void* memory = std::malloc(3000);
    for (int i = 0; i < 3; ++i) {
      if (!CountDown(3000) && BeginSample(3000)) {
        RecordUnmoved(static_cast<char*>(memory) + i, {3000, {__builtin_return_address(0)}});
      }
    }
    thread_id = internal::t_thread.thread_id;
    NoteJavaThread(State(), &thread_id);
    // NOLINTNEXTLINE(cppcoreguidelines-no-malloc)
    std::free(memory);
  }).join();
  ThreadEntry entry = {};
  ASSERT_TRUE(state->threads.Read(0, &entry));
  EXPECT_EQ(entry.thread_id, thread_id);
  EXPECT_EQ(entry.jni_env, &thread_id);
  EXPECT_FALSE(state->threads.Read(1, &entry)) << "it entered twice";
  std::uint32_t objects = 0;
  for (std::uint32_t slot = 0; slot < LiveTable::kSlots; ++slot) {
    LiveObject object;
    if (state->live.Read(slot, &object) != LiveTable::SlotState::kOccupied) continue;
    ++objects;
    EXPECT_EQ(object.thread_id, thread_id);
    EXPECT_GE(object.time_ms, entry.since_ms);
  }
  EXPECT_EQ(objects, 3u);
}

}  // namespace
}  // namespace wrackline::preload
