#include "preload/sampling/sampled_region.h"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <bit>
#include <cstring>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <thread>
#include <vector>

namespace wrackline::preload {
namespace {

// Zeroed pages that a fork wipes, as in ProfileState. One at a time: the window is the process's.
// A new one begins to use the window's slots anew, whatever another left in them.
struct Unmap {
  void operator()(SampledRegion* region) const {
    munmap(static_cast<void*>(region), sizeof(SampledRegion));
  }
};
std::unique_ptr<SampledRegion, Unmap> NewRegion() {
  void* pages = mmap(nullptr, sizeof(SampledRegion), PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  madvise(pages, sizeof(SampledRegion), MADV_WIPEONFORK);
  return std::unique_ptr<SampledRegion, Unmap>(static_cast<SampledRegion*>(pages));
}

std::uint64_t AddressOf(const void* pointer) { return reinterpret_cast<std::uint64_t>(pointer); }

LiveObject ObjectAt(const void* slot, std::size_t size, std::uint64_t stamp = 1) {
  return {.address = AddressOf(slot),
          .size = size,
          .weight = stamp * 5 + size,
          .stack_id = static_cast<std::uint32_t>(stamp % 32768),
          .thread_id = static_cast<std::uint32_t>(stamp * 7),
          .time_ms = static_cast<std::uint32_t>(stamp * 11)};
}
// All fields belong to one object.
bool IsWhole(const LiveObject& object) {
  if (object.weight < object.size) return false;
  const std::uint64_t stamp = (object.weight - object.size) / 5;
  const LiveObject want =
      ObjectAt(reinterpret_cast<const void*>(object.address), object.size, stamp);
  return object.weight == want.weight && object.stack_id == want.stack_id &&
         object.thread_id == want.thread_id && object.time_ms == want.time_ms;
}

void* TakeLive(SampledRegion* region, std::size_t size, std::uint32_t shard = 0,
               std::size_t alignment = 0, std::uint64_t stamp = 1) {
  void* slot = region->Take(size, alignment, shard);
  if (slot != nullptr) region->Publish(ObjectAt(slot, size, stamp));
  return slot;
}

void Fill(void* block, std::size_t size) {
  auto* bytes = static_cast<unsigned char*>(block);
  for (std::size_t i = 0; i < size; ++i) {
    bytes[i] = static_cast<unsigned char>((AddressOf(block) >> 6) + i * 31 + 1);
  }
}
bool IsFilled(const void* block, std::size_t size) {
  const auto* bytes = static_cast<const unsigned char*>(block);
  for (std::size_t i = 0; i < size; ++i) {
    if (bytes[i] != static_cast<unsigned char>((AddressOf(block) >> 6) + i * 31 + 1)) return false;
  }
  return true;
}

std::size_t ResidentPages(const void* start, std::size_t pages) {
  std::vector<unsigned char> in_core(pages);
  if (mincore(const_cast<void*>(start), pages * 4096, in_core.data()) != 0) return 0;
  std::size_t resident = 0;
  for (unsigned char page : in_core) resident += page & 1;
  return resident;
}

TEST(SampledRegion, AllZeroIsEmpty) {
  auto region = NewRegion();
  LiveObject object;
  EXPECT_FALSE(region->UsedAny());
  EXPECT_EQ(region->Count().objects, 0u);
  EXPECT_EQ(region->ReleaseIdle(), 0u);
  int on_the_stack = 0;
  for (const void* pointer : {static_cast<const void*>(nullptr), static_cast<const void*>(&object),
                              static_cast<const void*>(&on_the_stack)}) {
    EXPECT_FALSE(InRegion(pointer));
    EXPECT_FALSE(SampledRegion::IsSlot(pointer));
    EXPECT_EQ(SampledRegion::SlotBytes(pointer), 0u);
    EXPECT_EQ(region->SizeOf(pointer), 0u);
    EXPECT_FALSE(region->Release(pointer, &object));
  }
}

TEST(SampledRegion, EverySizeGetsTheSmallestSlotThatHoldsIt) {
  auto region = NewRegion();
  for (std::size_t size = 1; size <= SampledRegion::kLargest;
       size += size < 130 ? 1 : size / 9 + 1) {
    void* slot = TakeLive(region.get(), size);
    ASSERT_NE(slot, nullptr) << size;
    EXPECT_TRUE(InRegion(slot));
    EXPECT_TRUE(SampledRegion::IsSlot(slot));
    EXPECT_EQ(SampledRegion::SlotBytes(slot), std::max<std::size_t>(64, std::bit_ceil(size)));
    EXPECT_EQ(region->SizeOf(slot), size);
    std::memset(slot, 0x5a, SampledRegion::SlotBytes(slot));
    LiveObject released;
    ASSERT_TRUE(region->Release(slot, &released));
    EXPECT_EQ(released.size, size);
    EXPECT_TRUE(IsWhole(released));
  }
  void* largest = TakeLive(region.get(), SampledRegion::kLargest);
  ASSERT_NE(largest, nullptr);
  std::memset(largest, 1, SampledRegion::kLargest);
  EXPECT_EQ(region->Take(SampledRegion::kLargest + 1, 0, 0), nullptr);
  EXPECT_EQ(region->Take(1, 2 * SampledRegion::kLargest, 0), nullptr);
}

TEST(SampledRegion, AlignmentIsKept) {
  auto region = NewRegion();
  for (std::size_t alignment = 1; alignment <= SampledRegion::kLargest; alignment *= 2) {
    for (std::size_t size : {1, 63, 64, 65, 4000, 32768}) {
      for (int i = 0; i < 3; ++i) {
        void* slot = TakeLive(region.get(), size, 0, alignment);
        ASSERT_NE(slot, nullptr);
        ASSERT_EQ(AddressOf(slot) % alignment, 0u) << alignment << " " << size;
        ASSERT_GE(SampledRegion::SlotBytes(slot), size);
      }
    }
  }
}

TEST(SampledRegion, SlotsDoNotOverlap) {
  auto region = NewRegion();
  std::map<std::uint64_t, std::uint64_t> blocks;
  std::mt19937 random(3);
  for (int i = 0; i < 20'000; ++i) {
    const std::size_t size = 1 + random() % (i % 50 == 0 ? 32768 : 300);
    void* slot = TakeLive(region.get(), size, random() % 40);
    ASSERT_NE(slot, nullptr);
    ASSERT_TRUE(blocks.emplace(AddressOf(slot), SampledRegion::SlotBytes(slot)).second);
  }
  std::uint64_t end = 0;
  for (const auto& [address, bytes] : blocks) {
    ASSERT_GE(address, end);
    end = address + bytes;
  }
  EXPECT_EQ(region->Count().objects, blocks.size());
}

TEST(SampledRegion, AFreedSlotIsTakenLastInFirstOut) {
  auto region = NewRegion();
  std::vector<void*> slots;
  for (int i = 0; i < 8; ++i) slots.push_back(TakeLive(region.get(), 100, 5));
  LiveObject released;
  for (void* slot : slots) ASSERT_TRUE(region->Release(slot, &released));
  for (int i = 7; i >= 0; --i) {
    EXPECT_EQ(TakeLive(region.get(), 100, 5), slots[static_cast<std::size_t>(i)]);
  }
}

TEST(SampledRegion, ASlotGoesBackToTheShardThatTookItFirst) {
  auto region = NewRegion();
  void* mine = TakeLive(region.get(), 100, 1);
  void* others = TakeLive(region.get(), 100, 2);
  LiveObject released;
  ASSERT_TRUE(region->Release(mine, &released));
  ASSERT_TRUE(region->Release(others, &released));
  EXPECT_EQ(TakeLive(region.get(), 100, 1), mine);
  EXPECT_EQ(TakeLive(region.get(), 100, 2 + SampledRegion::kShards), others);
}

TEST(SampledRegion, ASlotGivenBackIsTakenAgain) {
  auto region = NewRegion();
  void* slot = region->Take(64, 0, 3);
  ASSERT_NE(slot, nullptr);
  EXPECT_EQ(region->Count().objects, 0u);
  LiveObject released;
  EXPECT_FALSE(region->Release(slot, &released)) << "it was never published";
  region->GiveBack(slot);
  EXPECT_EQ(region->Take(64, 0, 3), slot);
}

TEST(SampledRegion, OnlyTheFirstFreeOfAnObjectCounts) {
  auto region = NewRegion();
  void* slot = TakeLive(region.get(), 1000, 0, 0, 77);
  LiveObject released;
  EXPECT_FALSE(region->Release(static_cast<char*>(slot) + 64, &released)) << "inside of it";
  EXPECT_FALSE(region->Release(static_cast<char*>(slot) + 1024, &released)) << "the next one";
  ASSERT_TRUE(region->Release(slot, &released));
  EXPECT_TRUE(IsWhole(released));
  EXPECT_EQ(released.thread_id, 77u * 7);
  EXPECT_FALSE(region->Release(slot, &released)) << "a second time";
  EXPECT_TRUE(SampledRegion::IsSlot(slot)) << "it is a slot still";
  // Of a slot that is nobody's all is said that it can hold: in a forked child that is asked.
  EXPECT_EQ(region->SizeOf(slot), 1024u);
}

TEST(SampledRegion, ASizeIsUsedUpThenOtherShardsGiveThenNull) {
  auto region = NewRegion();
  constexpr std::size_t kSize = 512;  // 32 MiB, not touched
  std::vector<void*> slots;
  for (std::uint32_t i = 0; i < SampledRegion::kSlotsPerClass; ++i) {
    void* slot = TakeLive(region.get(), kSize, i % 7);
    ASSERT_NE(slot, nullptr) << i;
    slots.push_back(slot);
  }
  EXPECT_EQ(std::set<void*>(slots.begin(), slots.end()).size(), slots.size());
  EXPECT_EQ(region->Take(kSize, 0, 0), nullptr);
  EXPECT_NE(TakeLive(region.get(), kSize / 2, 0), nullptr) << "other sizes have theirs";
  LiveObject released;
  ASSERT_TRUE(region->Release(slots[5], &released));  // of shard 5
  ASSERT_TRUE(region->Release(slots[6], &released));  // of shard 6
  const void* first = region->Take(kSize, 0, 6);
  EXPECT_EQ(first, slots[6]) << "its own first";
  const void* second = region->Take(kSize, 0, 20);
  EXPECT_EQ(second, slots[5]) << "then another shard's";
  EXPECT_EQ(region->Take(kSize, 0, 20), nullptr);
}

TEST(SampledRegion, AChangedSlotIsTakenOnceByTheReader) {
  auto region = NewRegion();
  void* slot = TakeLive(region.get(), 300);
  std::uint32_t which = 0;
  int visits = 0;
  const auto count = [&](bool keep) {
    region->TakeDirty([&](std::uint32_t changed) { return which = changed, ++visits, keep; });
    return visits;
  };
  EXPECT_EQ(count(true), 1);
  LiveObject object;
  EXPECT_EQ(region->Read(which, &object), LiveTable::SlotState::kOccupied);
  EXPECT_EQ(object.address, AddressOf(slot));
  EXPECT_EQ(object.size, 300u);
  EXPECT_TRUE(IsWhole(object));
  EXPECT_EQ(count(true), 1);
  ASSERT_TRUE(region->Release(slot, &object));
  EXPECT_EQ(count(false), 2);
  EXPECT_EQ(region->Read(which, &object), LiveTable::SlotState::kEmpty);
  EXPECT_EQ(count(true), 3) << "a slot that was left comes again";
}

// --- giving back

TEST(SampledRegion, IdlePagesAreGivenBackAndLiveOnesNever) {
  for (std::size_t size : {64, 200, 1024, 4096, 20'000}) {
    auto region = NewRegion();
    LiveObject released;
    const std::size_t slot_bytes = std::max<std::size_t>(64, std::bit_ceil(size));
    const std::size_t count = (2 << 20) / slot_bytes;
    std::vector<void*> live;
    std::vector<void*> idle;
    for (std::size_t i = 0; i < count; ++i) {
      void* slot = TakeLive(region.get(), size, 9);
      ASSERT_NE(slot, nullptr);
      Fill(slot, slot_bytes);
      // The first half stays, and a slot here and there of the rest.
      (i < count / 2 || i % 1000 == 999 ? live : idle).push_back(slot);
    }
    for (void* slot : idle) ASSERT_TRUE(region->Release(slot, &released));
    const std::size_t before = ResidentPages(live[0], (2 << 20) / 4096);
    const std::size_t given = region->ReleaseIdle();
    const std::size_t after = ResidentPages(live[0], (2 << 20) / 4096);
    // Half of 1 MiB is the longer unused one.
    EXPECT_GE(given, 400u << 10) << size;
    EXPECT_LE(given, 600u << 10) << size;
    EXPECT_GE(before, after + 100) << size;
    for (const void* slot : live) ASSERT_TRUE(IsFilled(slot, slot_bytes)) << size;
    // Nothing was used since: nothing more of it is given.
    EXPECT_EQ(region->ReleaseIdle(), 0u) << size;
    // Every free slot is there still, once.
    std::set<void*> again;
    for (std::size_t i = 0; i < idle.size(); ++i) {
      void* slot = TakeLive(region.get(), size, 9);
      ASSERT_NE(slot, nullptr);
      std::memset(slot, 1, slot_bytes);
      again.insert(slot);
    }
    EXPECT_EQ(again, std::set<void*>(idle.begin(), idle.end())) << size;
    for (const void* slot : live) ASSERT_TRUE(IsFilled(slot, slot_bytes)) << size;
  }
}

// --- threads

// What the recorder thread does: keeps a copy by slot, renewed from the dirty slots.
class Mirror {
 public:
  explicit Mirror(SampledRegion* region) : region_(region) {}
  void Take() {
    region_->TakeDirty([this](std::uint32_t slot) {
      LiveObject object;
      switch (region_->Read(slot, &object)) {
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
  const std::map<std::uint32_t, LiveObject>& slots() const { return slots_; }
  bool torn() const { return torn_; }

 private:
  SampledRegion* region_;
  std::map<std::uint32_t, LiveObject> slots_;
  bool torn_ = false;
};

struct Held {
  void* slot;
  std::size_t size;
  std::uint64_t stamp;
};

// Takes and frees at random, half of the frees on slots that another thread took, and checks every
// byte of what it holds.
class Program {
 public:
  Program(SampledRegion* region, std::uint32_t id, std::atomic<void*>* letterbox)
      : region_(region), id_(id), letterbox_(letterbox), random_(id) {}

  void Run(int rounds) {
    for (int i = 0; i < rounds && !wrong; ++i) {
      if (held.size() > 300 || (!held.empty() && random_() % 2 == 0)) {
        Drop();
      } else {
        Get();
      }
    }
  }

  std::vector<Held> held;
  std::uint64_t taken = 0;
  std::uint64_t refused = 0;
  bool wrong = false;

 private:
  void Get() {
    const std::size_t size = 1 + random_() % (random_() % 16 == 0 ? 32768 : 400);
    const std::uint64_t stamp = ++stamps_ * 64 + id_;
    void* slot = region_->Take(size, 0, id_);
    if (slot == nullptr) {
      ++refused;
      return;
    }
    ++taken;
    Fill(slot, size);
    region_->Publish(ObjectAt(slot, size, stamp));
    held.push_back({slot, size, stamp});
  }
  void Drop() {
    std::swap(held[random_() % held.size()], held.back());
    const Held mine = held.back();
    held.pop_back();
    if (!IsFilled(mine.slot, mine.size)) wrong = true;
    if (region_->SizeOf(mine.slot) != mine.size) wrong = true;
    // To whoever comes next, and what was in the box is ours to free.
    void* slot =
        random_() % 2 == 0 ? letterbox_->exchange(mine.slot, std::memory_order_acq_rel) : mine.slot;
    if (slot == nullptr) return;
    LiveObject released;
    if (!IsFilled(slot, region_->SizeOf(slot))) wrong = true;
    if (!region_->Release(slot, &released) || !IsWhole(released)) wrong = true;
  }

  SampledRegion* region_;
  std::uint32_t id_;
  std::atomic<void*>* letterbox_;
  std::mt19937_64 random_;
  std::uint64_t stamps_ = 0;
};

TEST(SampledRegion, ThreadsTheReaderAndTheReleaserAgreeInTheEnd) {
  auto region = NewRegion();
  constexpr std::uint32_t kThreads = 6;
  std::atomic<void*> letterbox{nullptr};
  std::vector<Program> programs;
  for (std::uint32_t i = 0; i < kThreads; ++i) programs.emplace_back(region.get(), i, &letterbox);
  std::atomic<std::uint32_t> running{kThreads};
  std::vector<std::thread> threads;
  for (Program& program : programs) {
    threads.emplace_back([&] {
      program.Run(60'000);
      running.fetch_sub(1);
    });
  }
  std::atomic<std::size_t> given{0};
  std::thread assistant([&] {
    do {
      given.fetch_add(region->ReleaseIdle());
    } while (running.load() > 0);
  });
  Mirror mirror(region.get());
  while (running.load() > 0) mirror.Take();
  for (auto& thread : threads) thread.join();
  assistant.join();
  mirror.Take();

  EXPECT_FALSE(mirror.torn());
  EXPECT_GT(given.load(), 0u);
  std::map<std::uint64_t, std::size_t> truth;
  for (const Program& program : programs) {
    EXPECT_FALSE(program.wrong);
    // While a releaser that never rests holds the free lists, a size may run out of fresh slots; a
    // refusal is an answer.
    EXPECT_LT(program.refused, program.taken);
    for (const Held& held : program.held) {
      ASSERT_TRUE(truth.emplace(AddressOf(held.slot), held.size).second);
      ASSERT_TRUE(IsFilled(held.slot, held.size));
    }
  }
  if (void* left = letterbox.load()) truth[AddressOf(left)] = region->SizeOf(left);
  EXPECT_EQ(mirror.slots().size(), truth.size());
  EXPECT_EQ(region->Count().objects, truth.size());
  for (const auto& [slot, object] : mirror.slots()) {
    ASSERT_TRUE(truth.contains(object.address));
    ASSERT_EQ(object.size, truth[object.address]);
  }
}

// Slots that are handed out twice would be seen at once: every thread marks what it takes.
TEST(SampledRegion, NoSlotHasTwoOwnersWhenASizeRunsOut) {
  auto region = NewRegion();
  constexpr int kThreads = 4;
  constexpr std::size_t kSize = 64;
  std::vector<void*> all;
  while (void* slot = TakeLive(region.get(), kSize, static_cast<std::uint32_t>(all.size()))) {
    all.push_back(slot);
  }
  ASSERT_EQ(all.size(), SampledRegion::kSlotsPerClass);
  LiveObject object;
  for (std::size_t i = 0; i < 64; ++i) ASSERT_TRUE(region->Release(all[i * 100], &object));
  // Sixty-four free slots of all shards, and threads that want them all.
  std::atomic<bool> wrong{false};
  std::atomic<bool> done{false};
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      std::vector<void*> mine;
      LiveObject released;
      for (int i = 0; i < 20'000; ++i) {
        void* slot = TakeLive(region.get(), kSize, static_cast<std::uint32_t>(t));
        if (slot != nullptr) {
          auto* owner = static_cast<std::atomic<int>*>(slot);
          owner->store(t, std::memory_order_relaxed);
          mine.push_back(slot);
        }
        if (slot == nullptr || mine.size() > 20) {
          for (void* held : mine) {
            if (static_cast<std::atomic<int>*>(held)->load(std::memory_order_relaxed) != t ||
                !region->Release(held, &released)) {
              wrong = true;
            }
          }
          mine.clear();
        }
      }
      for (void* held : mine) region->Release(held, &released);
    });
  }
  std::thread assistant([&] {
    while (!done.load()) region->ReleaseIdle();
  });
  for (auto& thread : threads) thread.join();
  done.store(true);
  assistant.join();
  EXPECT_FALSE(wrong.load());
  EXPECT_EQ(region->Count().objects, SampledRegion::kSlotsPerClass - 64);
}

// --- fork

TEST(SampledRegion, AForkedChildKnowsTheSlotsAndNothingElse) {
  auto region = NewRegion();
  void* slot = TakeLive(region.get(), 1000);
  ASSERT_NE(slot, nullptr);
  Fill(slot, 1000);
  const pid_t child = fork();
  if (child == 0) {
    LiveObject released;
    int wrong = 0;
    if (!IsFilled(slot, 1000)) wrong |= 1;
    if (region->UsedAny() || region->Count().objects != 0) wrong |= 2;
    if (region->Release(slot, &released)) wrong |= 4;
    if (!SampledRegion::IsSlot(slot) || SampledRegion::SlotBytes(slot) != 1024) wrong |= 8;
    if (region->SizeOf(slot) != 1024) wrong |= 16;
    region->ReleaseIdle();
    if (!IsFilled(slot, 1000)) wrong |= 32;
    _exit(wrong);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  EXPECT_TRUE(IsFilled(slot, 1000));
  LiveObject released;
  EXPECT_TRUE(region->Release(slot, &released));
}

// A signal handler that forks leaves the child in the middle of a call whose state is zero.
TEST(SampledRegion, AStateWipedUnderItsHandsIsSurvived) {
  auto region = NewRegion();
  std::vector<void*> slots;
  for (int i = 0; i < 100; ++i) slots.push_back(TakeLive(region.get(), 64));
  void* taken = region->Take(64, 0, 0);
  std::memset(static_cast<void*>(region.get()), 0, sizeof(SampledRegion));
  LiveObject released;
  region->Publish(ObjectAt(taken, 64));  // the rest of a call begun before
  EXPECT_TRUE(region->Release(taken, &released));
  region->GiveBack(slots[0]);
  for (void* slot : slots) EXPECT_FALSE(region->Release(slot, &released));
}

// Where the window cannot be had: another mapping is there already.
TEST(SampledRegionDeathTest, WithoutItsAddressesNothingIsTaken) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(
      {
        auto region = NewRegion();
        constexpr std::uint64_t kStart = internal::kRegionWindow << internal::kWindowShift;
        // The area of the second smallest size.
        void* wanted = reinterpret_cast<void*>(kStart + (1ull << SampledRegion::kAreaShift));
        if (mmap(wanted, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1,
                 0) != wanted) {
          _exit(1);
        }
        if (region->Take(128, 0, 0) != nullptr) _exit(2);
        if (SampledRegion::IsSlot(wanted)) _exit(3);
        if (region->Take(64, 0, 0) == nullptr) _exit(4);
        _exit(0);
      },
      testing::ExitedWithCode(0), "");
}

}  // namespace
}  // namespace wrackline::preload
