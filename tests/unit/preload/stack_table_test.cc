#include "preload/sampling/stack_table.h"

#include <gtest/gtest.h>
#include <sys/mman.h>

#include <atomic>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <thread>
#include <vector>

namespace wrackline::preload {
namespace {

struct Unmap {
  void operator()(StackTable* table) const {
    munmap(static_cast<void*>(table), sizeof(StackTable));
  }
};
std::unique_ptr<StackTable, Unmap> NewTable() {
  void* pages =
      mmap(nullptr, sizeof(StackTable), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  return std::unique_ptr<StackTable, Unmap>(static_cast<StackTable*>(pages));
}

using Stack = std::vector<std::uint64_t>;

std::uint32_t Intern(StackTable* table, const Stack& stack, bool truncated = false,
                     bool* full = nullptr) {
  bool ignored;
  return table->Intern(stack.data(), static_cast<std::uint32_t>(stack.size()), truncated,
                       full ? full : &ignored);
}

Stack FramesOf(const StackTable& table, std::uint32_t id, bool* truncated = nullptr) {
  const std::uint64_t* frames;
  std::uint32_t depth;
  bool ignored;
  if (!table.Frames(id, &frames, &depth, truncated ? truncated : &ignored)) return {};
  return Stack(frames, frames + depth);
}

// The n-th of many stacks that share most of their frames, as real ones do.
Stack NthStack(std::uint64_t n) {
  Stack stack;
  for (std::uint64_t i = 0; i < 8 + n % 9; ++i)
    stack.push_back(0x7f0000001000 + (n >> (i * 3) & 7) * 32 + i * 4096);
  stack.push_back(0x400000 + n);
  return stack;
}

TEST(StackTable, AStackHasOneId) {
  auto table = NewTable();
  const std::uint32_t id = Intern(table.get(), {1, 2, 3});
  EXPECT_NE(id, StackTable::kUnknown);
  EXPECT_EQ(Intern(table.get(), {1, 2, 3}), id);
  EXPECT_NE(Intern(table.get(), {3, 2, 1}), id);
  EXPECT_NE(Intern(table.get(), {1, 2}), id);
  EXPECT_EQ(FramesOf(*table, id), (Stack{1, 2, 3}));
}

TEST(StackTable, ACutStackIsAnother) {
  auto table = NewTable();
  const std::uint32_t whole = Intern(table.get(), {1, 2, 3}, false);
  const std::uint32_t cut = Intern(table.get(), {1, 2, 3}, true);
  EXPECT_NE(whole, cut);
  bool truncated = false;
  EXPECT_EQ(FramesOf(*table, cut, &truncated), (Stack{1, 2, 3}));
  EXPECT_TRUE(truncated);
}

TEST(StackTable, AnEmptyStackIsUnknown) {
  auto table = NewTable();
  bool full = true;
  EXPECT_EQ(Intern(table.get(), {}, false, &full), StackTable::kUnknown);
  EXPECT_FALSE(full);
  bool truncated = true;
  EXPECT_TRUE(FramesOf(*table, StackTable::kUnknown, &truncated).empty());
  EXPECT_FALSE(truncated);
}

TEST(StackTable, AStackBeyondTheLimitIsCut) {
  auto table = NewTable();
  Stack deep;
  for (std::uint64_t i = 1; i <= 300; ++i) deep.push_back(i);
  bool truncated = false;
  EXPECT_EQ(FramesOf(*table, Intern(table.get(), deep), &truncated).size(), StackTable::kMaxDepth);
  EXPECT_TRUE(truncated);
}

TEST(StackTable, CountersAndDirtyMarks) {
  auto table = NewTable();
  const std::uint32_t id = Intern(table.get(), {5, 6});
  table->CountAllocation(id, 100);
  table->CountAllocation(id, 50);
  table->CountFree(id, 100);
  table->CountAllocation(StackTable::kUnknown, 7);
  std::set<std::uint32_t> dirty;
  table->TakeDirty([&](std::uint32_t i) { return dirty.insert(i), true; });
  EXPECT_EQ(dirty, (std::set<std::uint32_t>{StackTable::kUnknown, id}));
  const StackSnapshot snapshot = table->Counters(id);
  EXPECT_EQ(snapshot.allocated_samples, 2u);
  EXPECT_EQ(snapshot.allocated_bytes, 150u);
  EXPECT_EQ(snapshot.freed_samples, 1u);
  EXPECT_EQ(snapshot.freed_bytes, 100u);
  EXPECT_EQ(table->Counters(StackTable::kUnknown).allocated_bytes, 7u);
}

TEST(StackTable, FullIsSaidAndKnownStacksGoOn) {
  auto table = NewTable();
  std::map<std::uint32_t, std::uint64_t> by_id;
  bool full = false;
  std::uint64_t n = 0;
  for (; !full; ++n) {
    const std::uint32_t id = Intern(table.get(), NthStack(n), false, &full);
    if (full) break;
    ASSERT_TRUE(by_id.emplace(id, n).second) << "two stacks share an id";
  }
  EXPECT_GT(by_id.size(), StackTable::kSlots / 2);
  for (const auto& [id, number] : by_id) {
    ASSERT_EQ(FramesOf(*table, id), NthStack(number));
    ASSERT_EQ(Intern(table.get(), NthStack(number), false, &full), id);
    ASSERT_FALSE(full);
  }
}

TEST(StackTable, FewStacksAreInItsFirstPart) {
  auto table = NewTable();
  bool full = false;
  for (std::uint64_t n = 0; n < StackTable::kNear / 2; ++n) {
    EXPECT_LT(Intern(table.get(), NthStack(n), false, &full), table->Extent());
  }
  EXPECT_EQ(table->Extent(), StackTable::kNear);
  for (std::uint64_t n = 0; n < 2 * StackTable::kNear; ++n) {
    const std::uint32_t id = Intern(table.get(), NthStack(n), false, &full);
    ASSERT_NE(id, StackTable::kUnknown);
    ASSERT_LT(id, table->Extent());
  }
  EXPECT_EQ(table->Extent(), StackTable::kSlots);
}

TEST(StackTable, AFullFrameStoreIsSaid) {
  auto table = NewTable();
  bool full = false;
  std::uint64_t interned = 0;
  for (std::uint64_t n = 0; n < StackTable::kSlots && !full; ++n) {
    Stack stack(StackTable::kMaxDepth, n);
    if (Intern(table.get(), stack, false, &full) != StackTable::kUnknown) ++interned;
  }
  EXPECT_TRUE(full);
  EXPECT_EQ(interned, StackTable::kFrameStore / StackTable::kMaxDepth);
}

TEST(StackTable, ManyThreadsAndAReaderAgree) {
  auto table = NewTable();
  constexpr int kThreads = 4;
  constexpr std::uint64_t kStacks = 3000;
  constexpr int kRounds = 40'000;
  std::atomic<int> running{kThreads};
  std::vector<std::vector<std::uint64_t>> counts(kThreads, std::vector<std::uint64_t>(kStacks));
  std::vector<std::vector<std::uint32_t>> ids(kThreads, std::vector<std::uint32_t>(kStacks));
  std::atomic<bool> wrong{false};
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      std::mt19937_64 random(static_cast<std::uint64_t>(t));
      const auto thread = static_cast<std::size_t>(t);
      for (int i = 0; i < kRounds; ++i) {
        const std::uint64_t n = random() % kStacks;
        bool full = false;
        const std::uint32_t id = Intern(table.get(), NthStack(n), false, &full);
        if (full || (ids[thread][n] != 0 && ids[thread][n] != id)) wrong = true;
        ids[thread][n] = id;
        counts[thread][n] += 1;
        table->CountAllocation(id, 10);
        if (i % 2 == 0) table->CountFree(id, 10);
      }
      running.fetch_sub(1);
    });
  }
  std::map<std::uint32_t, StackSnapshot> mirror;
  std::map<std::uint32_t, Stack> frames_seen;
  auto take = [&] {
    table->TakeDirty([&](std::uint32_t id) {
      const std::uint64_t* frames;
      std::uint32_t depth;
      bool truncated;
      if (!table->Frames(id, &frames, &depth, &truncated)) return false;
      frames_seen[id] = Stack(frames, frames + depth);
      const StackSnapshot snapshot = table->Counters(id);
      if (snapshot.freed_samples > snapshot.allocated_samples) wrong = true;
      mirror[id] = snapshot;
      return true;
    });
  };
  while (running.load() > 0) take();
  for (auto& thread : threads) thread.join();
  take();
  EXPECT_FALSE(wrong.load());
  std::uint64_t total = 0;
  for (std::uint64_t n = 0; n < kStacks; ++n) {
    std::uint64_t want = 0;
    std::uint32_t id = 0;
    for (std::size_t t = 0; t < kThreads; ++t) {
      want += counts[t][n];
      if (ids[t][n] == 0) continue;
      if (id != 0) {
        ASSERT_EQ(ids[t][n], id) << "two threads gave one stack two ids";
      }
      id = ids[t][n];
    }
    ASSERT_EQ(frames_seen[id], NthStack(n));
    ASSERT_EQ(mirror[id].allocated_samples, want);
    total += mirror[id].freed_samples;
  }
  EXPECT_EQ(total, static_cast<std::uint64_t>(kThreads * kRounds / 2));
}

}  // namespace
}  // namespace wrackline::preload
