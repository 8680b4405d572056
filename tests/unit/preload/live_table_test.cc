#include "preload/sampling/live_table.h"

#include <gtest/gtest.h>
#include <sys/mman.h>

#include <algorithm>
#include <atomic>
#include <iterator>
#include <map>
#include <memory>
#include <random>
#include <thread>
#include <vector>

namespace wrackline::preload {
namespace {

// Zeroed pages, as in ProfileState.
struct Unmap {
  void operator()(LiveTable* table) const { munmap(static_cast<void*>(table), sizeof(LiveTable)); }
};
std::unique_ptr<LiveTable, Unmap> NewTable() {
  void* pages =
      mmap(nullptr, sizeof(LiveTable), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  return std::unique_ptr<LiveTable, Unmap>(static_cast<LiveTable*>(pages));
}

LiveObject ObjectAt(std::uint64_t address, std::uint64_t stamp = 1) {
  return {.address = address,
          .size = stamp * 3,
          .weight = stamp * 5,
          .stack_id = static_cast<std::uint32_t>(stamp % 32768),
          .thread_id = static_cast<std::uint32_t>(stamp * 7),
          .time_ms = static_cast<std::uint32_t>(stamp * 11)};
}
bool IsWhole(const LiveObject& object) {
  const std::uint64_t stamp = object.size / 3;
  const LiveObject want = ObjectAt(object.address, stamp);
  return object.size == want.size && object.weight == want.weight &&
         object.stack_id == want.stack_id && object.thread_id == want.thread_id &&
         object.time_ms == want.time_ms;
}

// What the recorder thread does: keeps a copy by slot, renewed from the dirty slots.
class Mirror {
 public:
  explicit Mirror(LiveTable* table) : table_(table) {}
  void Take() {
    table_->TakeDirty([this](std::uint32_t slot) {
      LiveObject object;
      switch (table_->Read(slot, &object)) {
        case LiveTable::SlotState::kChanging:
          return false;
        case LiveTable::SlotState::kEmpty:
          slots_.erase(slot);
          return true;
        case LiveTable::SlotState::kOccupied:
          if (!IsWhole(object)) torn_ = true;
          slots_[slot] = object;
          return true;
      }
      return true;
    });
  }
  std::map<std::uint64_t, LiveObject> ByAddress() const {
    std::map<std::uint64_t, LiveObject> result;
    for (const auto& [slot, object] : slots_) result[object.address] = object;
    EXPECT_EQ(result.size(), slots_.size()) << "an address is in two slots";
    return result;
  }
  bool torn() const { return torn_; }

 private:
  LiveTable* table_;
  std::map<std::uint32_t, LiveObject> slots_;
  bool torn_ = false;
};

// The filter is one for all tables: what earlier tests left in it goes.
void ClearFilter() {
  for (std::uint8_t& count : internal::g_coarse_live_filter) std::atomic_ref(count).store(0);
  for (std::uint8_t& count : internal::g_live_filter) std::atomic_ref(count).store(0);
}

// Both filters: what is not among the samples is mostly told by the coarse one alone.
TEST(LiveTable, FiltersAreEmptyAgainWhenAllAreRemoved) {
  ClearFilter();
  auto table = NewTable();
  std::mt19937_64 random(5);
  std::vector<std::uint64_t> addresses;
  for (int i = 0; i < 3000; ++i) {
    addresses.push_back(0x7f0000000000 + random() % (std::uint64_t{1} << 32) / 64 * 64);
    ASSERT_TRUE(table->Insert(ObjectAt(addresses.back(), 1)));
  }
  const auto set = [](const auto& filter) {
    return std::count_if(std::begin(filter), std::end(filter),
                         [](std::uint8_t count) { return count != 0; });
  };
  // Of 65,536 bytes 3,000 addresses set 1 - exp(-3000/65536), that is 2,932; those that meet another
  // are a Poisson number of 68, with a standard deviation of below 9.
  EXPECT_NEAR(static_cast<double>(set(internal::g_coarse_live_filter)), 2932, 5 * 9);
  EXPECT_NEAR(static_cast<double>(set(internal::g_live_filter)), 3000, 20);
  for (const std::uint64_t address : addresses) ASSERT_TRUE(LiveTable::MayContain(address));
  LiveObject removed;
  for (const std::uint64_t address : addresses) ASSERT_TRUE(table->Remove(address, &removed));
  EXPECT_EQ(set(internal::g_coarse_live_filter), 0);
  EXPECT_EQ(set(internal::g_live_filter), 0);
}

TEST(LiveTable, AllZeroIsEmpty) {
  ClearFilter();
  auto table = NewTable();
  LiveObject object;
  EXPECT_FALSE(table->MayContain(0x7f3ab5ee1000));
  EXPECT_FALSE(table->Remove(0x7f3ab5ee1000, &object));
  EXPECT_FALSE(table->Remove(0, &object));
  EXPECT_FALSE(table->Remove(1, &object));
  EXPECT_EQ(table->size(), 0u);
  Mirror mirror(table.get());
  mirror.Take();
  EXPECT_TRUE(mirror.ByAddress().empty());
}

TEST(LiveTable, GivesBackWhatWasInserted) {
  ClearFilter();
  auto table = NewTable();
  ASSERT_TRUE(table->Insert(ObjectAt(0x7f6ac4d21230, 9)));
  EXPECT_TRUE(table->MayContain(0x7f6ac4d21230));
  EXPECT_EQ(table->size(), 1u);
  LiveObject object = {};
  EXPECT_FALSE(table->Remove(0x7f6ac4d21240, &object));
  ASSERT_TRUE(table->Remove(0x7f6ac4d21230, &object));
  EXPECT_EQ(object.address, 0x7f6ac4d21230u);
  EXPECT_EQ(object.size, 27u);
  EXPECT_TRUE(IsWhole(object));
  EXPECT_FALSE(table->Remove(0x7f6ac4d21230, &object)) << "a second free";
  EXPECT_FALSE(table->MayContain(0x7f6ac4d21230));
  EXPECT_EQ(table->size(), 0u);
}

TEST(LiveTable, AChangedSlotIsTakenOnce) {
  auto table = NewTable();
  ASSERT_TRUE(table->Insert(ObjectAt(0x5000)));
  int visits = 0;
  table->TakeDirty([&](std::uint32_t) { return ++visits, true; });
  EXPECT_EQ(visits, 1);
  table->TakeDirty([&](std::uint32_t) { return ++visits, true; });
  EXPECT_EQ(visits, 1);
  LiveObject object;
  ASSERT_TRUE(table->Remove(0x5000, &object));
  table->TakeDirty([&](std::uint32_t) { return ++visits, false; });
  EXPECT_EQ(visits, 2);
  table->TakeDirty([&](std::uint32_t) { return ++visits, true; });
  EXPECT_EQ(visits, 3) << "a slot that was left comes again";
}

TEST(LiveTable, FillsToThreeFifthsBeforeItRefuses) {
  auto table = NewTable();
  std::mt19937_64 random(1);
  std::vector<std::uint64_t> addresses;
  while (true) {
    const std::uint64_t address = 0x7f0000000000 + (random() % (1ull << 36)) / 16 * 16;
    if (!table->Insert(ObjectAt(address))) break;
    addresses.push_back(address);
  }
  EXPECT_GT(addresses.size(), LiveTable::kSlots * 3 / 5);
  for (std::uint64_t address : addresses) ASSERT_TRUE(table->MayContain(address));
  LiveObject object;
  for (std::uint64_t address : addresses) table->Remove(address, &object);
  EXPECT_EQ(table->size(), 0u);
}

// The filter counts to 255 and then stays: no address in the table may ever look absent.
TEST(LiveTable, ASaturatedFilterNeverDenies) {
  auto table = NewTable();
  // Addresses that share one filter byte: found by trying.
  auto probe = NewTable();
  ASSERT_TRUE(probe->Insert(ObjectAt(0x10000)));
  std::vector<std::uint64_t> same;
  for (std::uint64_t address = 0x10000; same.size() < 400; address += 16) {
    if (probe->MayContain(address)) same.push_back(address);
  }
  LiveObject object;
  std::vector<std::uint64_t> inside;
  for (std::uint64_t address : same) {
    if (table->Insert(ObjectAt(address))) inside.push_back(address);
  }
  ASSERT_GT(inside.size(), 300u);
  while (inside.size() > 1) {
    ASSERT_TRUE(table->Remove(inside.back(), &object));
    inside.pop_back();
    ASSERT_TRUE(table->MayContain(inside.back()));
  }
}

// A page that is always to be looked at stays so, whatever comes and goes there.
TEST(LiveTable, LooksForEverAtAPageItWasToldOf) {
  auto table = NewTable();
  constexpr std::uint64_t kPage = 0x7f00'0001'2000;
  EXPECT_FALSE(LiveTable::MayContain(kPage));
  LiveTable::AlwaysLookAt(kPage + 8);
  LiveObject object;
  for (std::uint64_t address = kPage; address < kPage + 4096; address += 1024) {
    EXPECT_TRUE(LiveTable::MayContain(address));
    ASSERT_TRUE(table->Insert(ObjectAt(address)));
    ASSERT_TRUE(table->Remove(address, &object));
    EXPECT_TRUE(LiveTable::MayContain(address));
  }
  EXPECT_FALSE(LiveTable::MayContain(kPage + 4096));
}

TEST(LiveTable, ManyThreadsAndAReaderAgreeInTheEnd) {
  auto table = NewTable();
  constexpr int kThreads = 4;
  constexpr int kRounds = 60'000;
  std::atomic<int> running{kThreads};
  std::vector<std::map<std::uint64_t, std::uint64_t>> truths(kThreads);
  std::atomic<bool> wrong{false};
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      std::mt19937_64 random(static_cast<std::uint64_t>(t));
      auto& mine = truths[static_cast<std::size_t>(t)];
      for (int i = 1; i <= kRounds; ++i) {
        // Few addresses, interleaved between the threads: windows overlap, slots and addresses are
        // reused at once.
        const std::uint64_t address =
            0x7f0000000000 + (random() % 512 * kThreads + static_cast<std::uint64_t>(t)) * 16;
        const auto found = mine.find(address);
        if (found == mine.end()) {
          const auto stamp = static_cast<std::uint64_t>(i);
          if (table->Insert(ObjectAt(address, stamp))) mine[address] = stamp;
          if (mine.contains(address) && !table->MayContain(address)) wrong = true;
        } else {
          LiveObject object;
          if (!table->Remove(address, &object) || !IsWhole(object) ||
              object.size != found->second * 3)
            wrong = true;
          mine.erase(found);
        }
      }
      running.fetch_sub(1);
    });
  }
  Mirror mirror(table.get());
  while (running.load() > 0) mirror.Take();
  for (auto& thread : threads) thread.join();
  mirror.Take();
  EXPECT_FALSE(wrong.load());
  EXPECT_FALSE(mirror.torn());
  std::map<std::uint64_t, std::uint64_t> truth;
  for (const auto& part : truths) truth.insert(part.begin(), part.end());
  const auto seen = mirror.ByAddress();
  EXPECT_EQ(seen.size(), truth.size());
  EXPECT_EQ(table->size(), truth.size());
  for (const auto& [address, stamp] : truth) {
    ASSERT_TRUE(seen.contains(address));
    ASSERT_EQ(seen.at(address).size, stamp * 3);
  }
}

std::size_t TouchedPages(const void* start, std::size_t bytes) {
  std::vector<unsigned char> resident((bytes + 4095) / 4096);
  EXPECT_EQ(mincore(const_cast<void*>(start), bytes, resident.data()), 0);
  std::size_t pages = 0;
  for (const unsigned char page : resident) pages += page & 1;
  return pages;
}

// Few at a time, but ever others: what the table touches is what few need.
TEST(LiveTable, FewObjectsTouchLittleMemory) {
  ClearFilter();
  auto table = NewTable();
  std::mt19937_64 random(7);
  std::vector<std::uint64_t> alive;
  for (int i = 0; i < 100'000; ++i) {
    const std::uint64_t address = 0x7f0000000000 + (random() % (1ull << 36)) / 16 * 16;
    ASSERT_TRUE(table->Insert(ObjectAt(address)));
    alive.push_back(address);
    if (alive.size() < 1000) continue;
    LiveObject object;
    std::swap(alive[random() % alive.size()], alive.back());
    ASSERT_TRUE(table->Remove(alive.back(), &object));
    alive.pop_back();
  }
  EXPECT_EQ(table->Extent(), LiveTable::kNear);
  EXPECT_LE(TouchedPages(table.get(), sizeof(LiveTable)), 256u / 4)
      << "of " << sizeof(LiveTable) / 4096;
}

TEST(LiveTable, ItsExtentCoversWhatIsInIt) {
  ClearFilter();
  auto table = NewTable();
  EXPECT_EQ(table->Extent(), LiveTable::kNear);
  std::mt19937_64 random(3);
  std::map<std::uint64_t, int> inside;
  while (inside.size() < 3 * LiveTable::kNear) {
    const std::uint64_t address = 0x7f0000000000 + (random() % (1ull << 36)) / 16 * 16;
    if (table->Insert(ObjectAt(address))) inside[address] = 0;
  }
  EXPECT_EQ(table->Extent(), LiveTable::kSlots);
  for (std::uint32_t slot = 0; slot < table->Extent(); ++slot) {
    LiveObject object;
    if (table->Read(slot, &object) == LiveTable::SlotState::kOccupied) ++inside[object.address];
  }
  for (const auto& [address, times] : inside) ASSERT_EQ(times, 1) << address;
  LiveObject object;
  for (const auto& [address, times] : inside) ASSERT_TRUE(table->Remove(address, &object));
  EXPECT_EQ(table->size(), 0u);
}

// An object allocated by one thread and freed by another, handed over by a plain release and
// acquire.
TEST(LiveTable, FreedByAnotherThread) {
  auto table = NewTable();
  std::atomic<std::uint64_t> handed{0};
  std::atomic<bool> wrong{false};
  std::thread consumer([&] {
    for (int i = 0; i < 20'000; ++i) {
      std::uint64_t address = 0;
      while ((address = handed.exchange(0, std::memory_order_acquire)) == 0)
        std::this_thread::yield();
      LiveObject object;
      if (!table->MayContain(address) || !table->Remove(address, &object)) wrong = true;
    }
  });
  for (std::uint64_t i = 0; i < 20'000; ++i) {
    const std::uint64_t address = 0x10000 + (i % 64) * 16;
    while (handed.load(std::memory_order_relaxed) != 0) std::this_thread::yield();
    while (!table->Insert(ObjectAt(address, i + 1))) std::this_thread::yield();
    handed.store(address, std::memory_order_release);
  }
  consumer.join();
  EXPECT_FALSE(wrong.load());
  EXPECT_EQ(table->size(), 0u);
}

}  // namespace
}  // namespace wrackline::preload
