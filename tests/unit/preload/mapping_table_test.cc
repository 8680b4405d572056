#include "preload/sampling/mapping_table.h"

#include <gtest/gtest.h>
#include <sys/mman.h>

#include <algorithm>
#include <atomic>
#include <barrier>
#include <map>
#include <memory>
#include <random>
#include <thread>
#include <tuple>
#include <vector>

namespace wrackline::preload {
namespace {

constexpr std::uint64_t kPage = 4096;

struct Unmapper {
  void operator()(MappingTable* table) const {
    munmap(static_cast<void*>(table), sizeof(MappingTable));
  }
};
// Zeroed pages, as in ProfileState.
std::unique_ptr<MappingTable, Unmapper> NewTable() {
  void* pages = mmap(nullptr, sizeof(MappingTable), PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  return std::unique_ptr<MappingTable, Unmapper>(static_cast<MappingTable*>(pages));
}

MappedRange Range(std::uint64_t page, std::uint64_t pages, std::uint32_t stack,
                  std::uint32_t flags = 0) {
  return {page * kPage, pages * kPage, stack, 7, 11, flags};
}

// first page, pages, stack, flags
using Plain = std::tuple<std::uint64_t, std::uint64_t, std::uint32_t, std::uint32_t>;
std::vector<Plain> Content(const MappingTable& table) {
  std::map<std::uint64_t, Plain> sorted;
  for (std::uint32_t slot = 0; slot < MappingTable::kSlots; ++slot) {
    MappedRange range;
    if (table.Read(slot, &range) != MappingTable::SlotState::kOccupied) continue;
    EXPECT_TRUE(sorted
                    .try_emplace(range.start, range.start / kPage, range.length / kPage,
                                 range.stack_id, range.flags)
                    .second);
  }
  std::vector<Plain> content;
  for (const auto& [start, plain] : sorted) content.push_back(plain);
  EXPECT_EQ(content.size(), table.size());
  return content;
}

using Plains = std::vector<Plain>;

TEST(MappingTable, UnmapTrimsAndSplits) {
  const auto table = NewTable();
  table->Map(Range(100, 10, 1));
  table->Unmap(103 * kPage, 2 * kPage);
  EXPECT_EQ(Content(*table), (Plains{{100, 3, 1, 0}, {105, 5, 1, 0}}));
  table->Unmap(99 * kPage, 2 * kPage);
  table->Unmap(109 * kPage, 5 * kPage);
  EXPECT_EQ(Content(*table), (Plains{{101, 2, 1, 0}, {105, 4, 1, 0}}));
  // Over the hole, parts of both.
  table->Unmap(102 * kPage, 5 * kPage);
  EXPECT_EQ(Content(*table), (Plains{{101, 1, 1, 0}, {107, 2, 1, 0}}));
  table->Unmap(0, 1000 * kPage);
  EXPECT_EQ(Content(*table), Plains{});
}

TEST(MappingTable, AFixedMappingReplacesWhatIsThere) {
  const auto table = NewTable();
  table->Map(Range(100, 100, 1, MappedRange::kReserved));
  table->Map(Range(120, 10, 2));
  EXPECT_EQ(Content(*table), (Plains{{100, 20, 1, MappedRange::kReserved},
                                     {120, 10, 2, 0},
                                     {130, 70, 1, MappedRange::kReserved}}));
  // Given back: the reservation's own stack is another one.
  table->Map(Range(120, 10, 3, MappedRange::kReserved));
  EXPECT_EQ(table->size(), 3u);
  table->Map(Range(110, 100, 1, MappedRange::kReserved));
  EXPECT_EQ(Content(*table), (Plains{{100, 110, 1, MappedRange::kReserved}}));
}

TEST(MappingTable, NeighboursOfOneStackAndKindAreOneRange) {
  const auto table = NewTable();
  table->Map(Range(100, 1, 1));
  table->Map(Range(102, 1, 1));
  table->Map(Range(101, 1, 1));
  EXPECT_EQ(Content(*table), (Plains{{100, 3, 1, 0}}));
  table->Map(Range(99, 1, 1));
  table->Map(Range(103, 1, 2));
  table->Map(Range(98, 1, 1, MappedRange::kShared));
  EXPECT_EQ(Content(*table),
            (Plains{{98, 1, 1, MappedRange::kShared}, {99, 4, 1, 0}, {103, 1, 2, 0}}));
}

TEST(MappingTable, FilesAndMemoryAreNotOneRange) {
  const auto table = NewTable();
  table->Map(Range(100, 10, 1));
  table->Map(Range(110, 10, 1, MappedRange::kFile));
  table->Map(Range(120, 10, 1, MappedRange::kFile));
  EXPECT_EQ(Content(*table), (Plains{{100, 10, 1, 0}, {110, 20, 1, MappedRange::kFile}}));
  // A file takes the place of memory, and memory that of a file; moved, a file stays one.
  table->Map(Range(105, 10, 2, MappedRange::kFile));
  table->Map(Range(125, 5, 1));
  EXPECT_EQ(Content(*table), (Plains{{100, 5, 1, 0},
                                     {105, 10, 2, MappedRange::kFile},
                                     {115, 10, 1, MappedRange::kFile},
                                     {125, 5, 1, 0}}));
  table->Remapped(table->Unmap(105 * kPage, 10 * kPage), Range(300, 20, 9), true, false);
  EXPECT_EQ(Content(*table).back(), (Plain{300, 20, 9, MappedRange::kFile}));
}

TEST(MappingTable, ThreadsStacksStayApartAndWhole) {
  constexpr auto kThread = MappedRange::kThread;
  const auto table = NewTable();
  table->Map(Range(100, 10, 1, kThread));
  table->Map(Range(110, 10, 1, kThread));
  EXPECT_EQ(Content(*table), (Plains{{100, 10, 1, kThread}, {110, 10, 1, kThread}}));
  // Guard pages, made and taken away.
  table->Map(Range(110, 2, 5));
  table->Map(Range(110, 2, 6, MappedRange::kReserved));
  EXPECT_EQ(Content(*table), (Plains{{100, 10, 1, kThread}, {110, 10, 1, kThread}}));
  // Whoever maps beyond the stack, or all of it, has the memory: that thread is gone.
  table->Map(Range(108, 3, 7));
  EXPECT_EQ(Content(*table), (Plains{{100, 8, 1, kThread}, {108, 3, 7, 0}, {111, 9, 1, kThread}}));
  table->Map(Range(100, 8, 8));
  EXPECT_EQ(Content(*table), (Plains{{100, 8, 8, 0}, {108, 3, 7, 0}, {111, 9, 1, kThread}}));
  // The next thread on a stack that was left.
  table->Map(Range(105, 15, 2, kThread));
  table->Unmap(105 * kPage, 15 * kPage);
  EXPECT_EQ(Content(*table), (Plains{{100, 5, 8, 0}}));
}

TEST(MappingTable, AFailedUnmapIsPutBack) {
  const auto table = NewTable();
  table->Map(Range(100, 10, 1));
  table->Map(Range(110, 10, 2));
  const auto before = Content(*table);
  const std::uint64_t ticket = table->Unmap(105 * kPage, 10 * kPage);
  EXPECT_EQ(Content(*table), (Plains{{100, 5, 1, 0}, {115, 5, 2, 0}}));
  table->UnmapFailed(ticket);
  EXPECT_EQ(Content(*table), before);
  EXPECT_EQ(table->losses().unsettled, 0u);
}

TEST(MappingTable, RemapMovesGrowsShrinksAndKeeps) {
  const auto table = NewTable();
  table->Map(Range(100, 10, 1));
  // Moved: its maker stays.
  table->Remapped(table->Unmap(100 * kPage, 10 * kPage), Range(300, 10, 9), false, false);
  EXPECT_EQ(Content(*table), (Plains{{300, 10, 1, 0}}));
  // Grown in place: it is the one's who made it larger.
  table->Remapped(table->Unmap(300 * kPage, 10 * kPage), Range(300, 30, 9), true, false);
  EXPECT_EQ(Content(*table), (Plains{{300, 30, 9, 0}}));
  // Shrunk.
  table->Remapped(table->Unmap(300 * kPage, 30 * kPage), Range(300, 5, 8), false, false);
  EXPECT_EQ(Content(*table), (Plains{{300, 5, 9, 0}}));
  // MREMAP_DONTUNMAP, over another one.
  table->Map(Range(400, 10, 4));
  table->Remapped(table->Unmap(300 * kPage, 5 * kPage), Range(402, 5, 8), false, true);
  EXPECT_EQ(Content(*table),
            (Plains{{300, 5, 9, 0}, {400, 2, 4, 0}, {402, 5, 9, 0}, {407, 3, 4, 0}}));
  // What is not in the table does not come into it.
  table->Remapped(table->Unmap(900 * kPage, 5 * kPage), Range(407, 5, 8), false, false);
  EXPECT_EQ(Content(*table), (Plains{{300, 5, 9, 0}, {400, 2, 4, 0}, {402, 5, 9, 0}}));
  EXPECT_EQ(table->losses().unsettled, 0u);
}

TEST(MappingTable, AForgottenRemapIsCounted) {
  const auto table = NewTable();
  table->Map(Range(100, 10, 1));
  const std::uint64_t ticket = table->Unmap(100 * kPage, 10 * kPage);
  for (std::uint32_t i = 0; i < MappingTable::kParked; ++i) table->Unmap(5 * kPage, kPage);
  table->Remapped(ticket, Range(300, 10, 1), false, false);
  EXPECT_EQ(table->size(), 0u);
  EXPECT_EQ(table->losses().unsettled, 1u);
}

TEST(MappingTable, FilesLeaveRoomToMemory) {
  const auto table = NewTable();
  for (std::uint32_t i = 0; i < 100'000; ++i)
    table->Map(Range(100 + 2 * std::uint64_t{i}, 1, 1, MappedRange::kFile));
  EXPECT_EQ(table->size(), MappingTable::kSlotsForFiles);
  EXPECT_EQ(table->losses().full, 100'000 - MappingTable::kSlotsForFiles);
  for (std::uint32_t i = 0; i < 1000; ++i)
    table->Map(Range(1'000'000 + 2 * std::uint64_t{i}, 1, 1));
  EXPECT_EQ(table->size(), MappingTable::kSlotsForFiles + 1000);
  EXPECT_EQ(table->losses().full, 100'000 - MappingTable::kSlotsForFiles);
}

TEST(MappingTable, WhatFindsNoSlotIsCounted) {
  const auto table = NewTable();
  constexpr std::uint32_t kMore = 10;
  for (std::uint32_t i = 0; i < MappingTable::kSlots + kMore; ++i)
    table->Map(Range(100 + 2 * std::uint64_t{i}, 1, 1));
  EXPECT_EQ(table->size(), MappingTable::kSlots);
  EXPECT_EQ(table->losses().full, kMore);
  table->Unmap(0, 1 << 30);
  EXPECT_EQ(table->size(), 0u);
  table->Map(Range(100, 1, 1));
  EXPECT_EQ(table->size(), 1u);
}

// Against one entry a page.
TEST(MappingTable, RandomCallsGiveWhatASimpleModelGives) {
  const auto table = NewTable();
  constexpr std::uint32_t kPages = 200;
  std::vector<std::uint32_t> model(kPages + 64, 0);  // the page's stack; 0: none
  std::mt19937 random(4711);
  const auto pick = [&](std::uint32_t below) { return random() % below; };
  for (int round = 0; round < 20000; ++round) {
    const std::uint32_t at = pick(kPages) + 1;
    const std::uint32_t pages = pick(20) + 1;
    const std::uint32_t stack = pick(5) + 1;
    switch (pick(4)) {
      case 0:
        table->Unmap(at * kPage, pages * kPage);
        std::fill_n(model.begin() + at, pages, 0);
        break;
      case 1:
        table->UnmapFailed(table->Unmap(at * kPage, pages * kPage));
        break;
      case 2: {
        // A whole mapping somewhere else, not over itself.
        const std::uint32_t to = pick(kPages) + 1;
        if (to < at + pages && at < to + pages) break;
        const std::vector<std::uint32_t> moved(model.begin() + at, model.begin() + at + pages);
        std::fill_n(model.begin() + at, pages, 0);
        std::copy(moved.begin(), moved.end(), model.begin() + to);
        table->Remapped(table->Unmap(at * kPage, pages * kPage), Range(to, pages, 77), false,
                        false);
        break;
      }
      default:
        table->Map(Range(at, pages, stack));
        std::fill_n(model.begin() + at, pages, stack);
    }
    if (round % 50 != 0) continue;
    Plains want;
    for (std::uint32_t page = 0; page < model.size(); ++page) {
      if (model[page] == 0) continue;
      if (!want.empty() && std::get<2>(want.back()) == model[page] &&
          std::get<0>(want.back()) + std::get<1>(want.back()) == page) {
        ++std::get<1>(want.back());
      } else {
        want.emplace_back(page, 1, model[page], 0);
      }
    }
    ASSERT_EQ(Content(*table), want) << round;
  }
}

// Threads that hand addresses to each other, as the kernel does: a range belongs to one at a time.
TEST(MappingTable, ThreadsAndAReaderAgreeInTheEnd) {
  const auto table = NewTable();
  constexpr std::uint32_t kPlaces = 64;
  constexpr int kRounds = 20000;
  std::vector<std::atomic<std::uint32_t>> kernel(kPlaces);  // 0: free, else the owner
  std::atomic<bool> stop{false};
  // So often that the queue has room for all between two of them, whoever is stopped while he applies:
  // what is lost beyond that is another test's matter.
  constexpr int kChunk = MappingTable::kQueue / 8;
  std::barrier settled(4, [&]() noexcept {
    while (!table->Settle()) std::this_thread::yield();
  });
  std::vector<std::thread> threads;
  for (std::uint32_t thread = 1; thread <= 4; ++thread) {
    threads.emplace_back([&, thread] {
      std::mt19937 random(thread);
      for (int i = 0; i < kRounds; ++i) {
        if (i % kChunk == 0) settled.arrive_and_wait();
        const std::uint32_t place = random() % kPlaces;
        std::uint32_t owner = kernel[place].load();
        const MappedRange range = Range(10 + place * 10, 5, thread);
        if (owner == 0) {
          // "mmap": the place is ours, then it is told.
          if (kernel[place].compare_exchange_strong(owner, thread)) table->Map(range);
        } else if (owner == thread) {
          // "munmap": told, then the place is anyone's.
          table->Unmap(range.start, range.length);
          kernel[place].store(0);
        }
      }
    });
  }
  std::thread reader([&] {
    while (!stop) {
      table->Settle();
      table->TakeDirty([&](std::uint32_t slot) {
        MappedRange range;
        if (table->Read(slot, &range) != MappingTable::SlotState::kOccupied) return true;
        // No torn copy: a stack's ranges are five pages long.
        EXPECT_EQ(range.length, 5 * kPage);
        return true;
      });
    }
  });
  for (std::thread& thread : threads) thread.join();
  stop = true;
  reader.join();
  table->Settle();
  ASSERT_EQ(table->losses().missed, 0u);
  Plains want;
  for (std::uint32_t place = 0; place < kPlaces; ++place) {
    if (kernel[place] != 0) want.emplace_back(10 + place * 10, 5, kernel[place].load(), 0);
  }
  EXPECT_EQ(Content(*table), want);
}

TEST(MappingQueue, RefusesWhatFindsNoRoomAndGoesOn) {
  const auto zeroed = std::make_unique<MappingQueue<int, 4>>();
  MappingQueue<int, 4>& queue = *zeroed;
  int item = 0;
  std::uint64_t ticket = 0;
  EXPECT_FALSE(queue.Take(&item, &ticket));
  for (int lap = 0; lap < 3; ++lap) {
    for (int i = 0; i < 4; ++i)
      EXPECT_EQ(queue.Put(i), static_cast<std::uint64_t>(lap * 4 + i + 1));
    EXPECT_EQ(queue.Put(9), 0u);
    for (int i = 0; i < 4; ++i) {
      ASSERT_TRUE(queue.Take(&item, &ticket));
      EXPECT_EQ(item, i);
      EXPECT_EQ(ticket, static_cast<std::uint64_t>(lap * 4 + i + 1));
    }
    EXPECT_FALSE(queue.Take(&item, &ticket));
  }
}

}  // namespace
}  // namespace wrackline::preload
