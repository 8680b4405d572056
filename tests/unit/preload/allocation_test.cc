#include "preload/sampling/allocation.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <thread>
#include <vector>

#include "tests/unit/preload/test_state.h"

namespace wrackline::preload {
namespace {

void* At(std::uint64_t address) { return reinterpret_cast<void*>(address); }

// Each in a thread of its own, whose countdown starts afresh.
template <typename Body>
void InFreshThread(Body body) {
  std::thread thread(body);
  thread.join();
}

[[gnu::noinline]] void AllocateAt(std::uint64_t address, std::size_t size) {
  AfterAllocation(At(address), size, __builtin_return_address(0));
  asm volatile("" ::: "memory");  // no tail call: this frame is the hook
}

TEST(Allocation, NothingHappensWithoutAState) {
  InFreshThread([] {
    for (int i = 0; i < 1000; ++i) AllocateAt(0x10000, 1 << 20);
    BeforeFree(At(0x10000));
    LiveObject taken;
    EXPECT_FALSE(TakeSample(At(0x10000), &taken));
  });
}

TEST(Allocation, IntervalOneSamplesEverything) {
  TestState state(1);
  InFreshThread([] {
    for (std::uint64_t i = 1; i <= 1000; ++i) AllocateAt(0x10000 + i * 64, 64);
    for (std::uint64_t i = 1; i <= 400; ++i) BeforeFree(At(0x10000 + i * 64));
    AfterAllocation(nullptr, 1 << 20, nullptr);
  });
  EXPECT_EQ(state->live.size(), 600u);
  EXPECT_EQ(state.Total().allocated_samples, 1000u);
  EXPECT_EQ(state.Total().allocated_bytes, 64'000u);
  EXPECT_EQ(state.Total().freed_bytes, 400u * 64);
  EXPECT_EQ(state->losses.unwind_failed.load(), 0u);
  EXPECT_EQ(state->losses.reentrant.load(), 0u);
}

TEST(Allocation, StacksBeginAtTheHooksCaller) {
  TestState state(1);
  InFreshThread([] { AllocateAt(0x20000, 64); });
  std::uint32_t stacks = 0;
  state->stacks.TakeDirty([&](std::uint32_t id) {
    const std::uint64_t* frames;
    std::uint32_t depth;
    bool truncated;
    EXPECT_TRUE(state->stacks.Frames(id, &frames, &depth, &truncated));
    EXPECT_GE(depth, 3u);
    const auto hook = reinterpret_cast<std::uint64_t>(&AllocateAt);
    EXPECT_FALSE(frames[0] >= hook && frames[0] < hook + 64)
        << "the hook's own frame is in the stack";
    ++stacks;
    return true;
  });
  EXPECT_EQ(stacks, 1u);
}

TEST(Allocation, ErrnoIsKept) {
  TestState state(1);
  InFreshThread([] {
    for (std::uint64_t i = 1; i < 100; ++i) {
      errno = 77;
      AllocateAt(i * 4096, 4096);
      ASSERT_EQ(errno, 77);
      BeforeFree(At(i * 4096));
      ASSERT_EQ(errno, 77);
    }
  });
}

TEST(Allocation, EstimateOfOneThreadIsNearTheTruth) {
  TestState state(64 << 10);
  InFreshThread([] {
    for (std::uint64_t i = 1; i <= 100'000; ++i) AllocateAt(i << 12, 1024);
  });
  // 97.7 MiB, standard error sqrt(n s^2 (1-p)/p) = 2.55 MB: seeds differ from run to run, so six of
  // them.
  EXPECT_NEAR(static_cast<double>(state.Total().allocated_bytes), 102'400'000, 6 * 2.55e6);
}

TEST(Allocation, AThreadStartedBeforeRecordingIsSampledSoonAfter) {
  InFreshThread([] {
    AllocateAt(0x10000, 1 << 20);  // inactive: looks again after 64 KiB
    TestState state(1);
    for (std::uint64_t i = 1; i <= 32; ++i) AllocateAt(i << 16, 4096);
    EXPECT_GE(state->live.size(), 15u);
  });
}

TEST(Allocation, AnAddressGivenOutTwiceReplacesItsSample) {
  TestState state(1);
  InFreshThread([] {
    AllocateAt(0x30000, 100);
    AllocateAt(0x30000, 200);  // its free went by a way that is not hooked
  });
  EXPECT_EQ(state->live.size(), 1u);
  EXPECT_EQ(state.Total().freed_bytes, 100u);
}

TEST(Allocation, AFullTableDropsTheSampleAndSaysSo) {
  TestState state(1);
  InFreshThread([] {
    for (std::uint64_t i = 1; i <= 2 * LiveTable::kSlots; ++i) AllocateAt(i * 4096, 64);
  });
  const std::uint64_t lost = state->losses.live_table_full.load();
  EXPECT_GT(lost, 0u);
  EXPECT_EQ(lost + state->live.size(), 2 * LiveTable::kSlots);
  EXPECT_EQ(state.Total().allocated_samples, state->live.size());
}

TEST(Allocation, AnIgnoredThreadIsNotSampled) {
  TestState state(1);
  InFreshThread([] {
    IgnoreThisThread();
    for (std::uint64_t i = 1; i <= 1000; ++i) AllocateAt(i << 20, 1 << 20);
  });
  EXPECT_EQ(state->live.size(), 0u);
}

TEST(Allocation, DepthLimitCutsAndSaysSo) {
  TestState state(1, 2);
  InFreshThread([] { AllocateAt(0x20000, 64); });
  EXPECT_EQ(state->losses.stacks_truncated.load(), 1u);
}

TEST(Allocation, AForkedChildIsInactive) {
  TestState state(1);
  InFreshThread([&] {
    AllocateAt(0x10000, 64);
    const pid_t child = fork();
    if (child == 0) {
      for (std::uint64_t i = 1; i <= 1000; ++i) AllocateAt(i << 16, 1 << 16);
      BeforeFree(At(0x10000));
      LiveObject taken;
      const bool clean = state->live.size() == 0 && !TakeSample(At(0x10000), &taken) &&
                         state->losses.reentrant.load() == 0 && !Active();
      _exit(clean ? 0 : 1);
    }
    int status = 0;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0);
    EXPECT_EQ(state->live.size(), 1u);
  });
}

}  // namespace
}  // namespace wrackline::preload
