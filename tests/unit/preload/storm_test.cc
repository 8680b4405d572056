// The storm through the hooks' templates, with the recorder's and the assistant's work going on
// beside it: contents, and every sample accounted for. Built with ThreadSanitizer this is the run of
// docs/testing.md; WRACKLINE_STORM_SECONDS is its length.
#include <gtest/gtest.h>

#include <cstdlib>
#include <map>
#include <ostream>
#include <string>

#include "preload/hooks/malloc_hooks.h"
#include "tests/unit/preload/programs/storm.h"
#include "tests/unit/preload/test_state.h"

// A request that cannot be had is null, as the C library has it, and not the end of the process.
extern "C" const char* __tsan_default_options();
extern "C" const char* __tsan_default_options() { return "allocator_may_return_null=1"; }
extern "C" const char* __asan_default_options();
extern "C" const char* __asan_default_options() { return "allocator_may_return_null=1"; }

namespace wrackline::preload {
namespace {

// As malloc_hooks.cc has them; the hot ones through their targets.
struct Hooks {
  [[gnu::noinline]] static void* Malloc(std::size_t size) {
    const void* caller = __builtin_return_address(0);
    if (!CountDown(size)) {
      return AllocateCrossing<false>(Request{size, caller}, Next().malloc, size);
    }
    return g_malloc.Now()(size);
  }
  [[gnu::noinline]] static void* Calloc(std::size_t count, std::size_t size) {
    const void* caller = __builtin_return_address(0);
    std::size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes)) return Next().calloc(count, size);
    if (!CountDown(bytes)) {
      return AllocateCrossing<false>(Request{bytes, caller, 0, true}, Next().calloc, count, size);
    }
    return g_calloc.Now()(count, size);
  }
  [[gnu::noinline]] static void* Realloc(void* old, std::size_t size) {
    const void* caller = __builtin_return_address(0);
    if (InRegion(old) || MayBeLive(old) || !CountDown(size)) {
      return ReallocateThrough(Next().realloc, caller, old, size, size);
    }
    return g_realloc.Now()(old, size);
  }
  [[gnu::noinline]] static void* Reallocarray(void* old, std::size_t count, std::size_t size) {
    const void* caller = __builtin_return_address(0);
    std::size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes)) return nullptr;
    return ReallocateThrough(Next().reallocarray, caller, old, bytes, count, size);
  }
  static void Free(void* block) {
    if (InRegion(block) || MayBeLive(block)) return FreeThrough(Next().free, block);
    g_free.Now()(block);
  }
  [[gnu::noinline]] static int PosixMemalign(void** out, std::size_t alignment, std::size_t size) {
    return PosixMemalignThrough(Next().posix_memalign, __builtin_return_address(0), out, alignment,
                                size);
  }
  [[gnu::noinline]] static void* AlignedAlloc(std::size_t alignment, std::size_t size) {
    return AllocateOnceThrough(Next().aligned_alloc,
                               Request{size, __builtin_return_address(0), alignment}, alignment,
                               size);
  }
  static std::size_t UsableSize(void* block) {
    if (SampledRegion::IsSlot(block)) return PlacedUsableSize(block);
    return Next().malloc_usable_size(block);
  }
};

double Seconds() {
  const char* text = std::getenv("WRACKLINE_STORM_SECONDS");
  return text == nullptr ? 4 : std::strtod(text, nullptr);
}

struct Setting {
  const char* name;
  std::uint64_t interval;
  bool place;
};
void PrintTo(const Setting& setting, std::ostream* out) { *out << setting.name; }
class Storm : public testing::TestWithParam<Setting> {};

TEST_P(Storm, EveryByteAndEverySampleIsAccountedFor) {
  constexpr std::uint32_t kThreads = 32;
  TestState state(GetParam().interval);
  state->place = GetParam().place ? 1 : 0;
  (void)Next();

  // The recorder thread: keeps a copy of every slot. The assistant: gives idle pages back.
  std::atomic<bool> done{false};
  std::map<std::uint32_t, LiveObject> live, placed;
  const auto take = [&] {
    const auto from = [](auto& table, auto& slots) {
      table.TakeDirty([&](std::uint32_t slot) {
        LiveObject object;
        switch (table.Read(slot, &object)) {
          case LiveTable::SlotState::kChanging:
            return false;
          case LiveTable::SlotState::kEmpty:
            slots.erase(slot);
            return true;
          case LiveTable::SlotState::kOccupied:
            slots[slot] = object;
            return true;
        }
        return true;
      });
    };
    from(state->live, live);
    from(state->region, placed);
    state->stacks.TakeDirty([&](std::uint32_t id) {
      const std::uint64_t* frames;
      std::uint32_t depth;
      bool truncated;
      return state->stacks.Frames(id, &frames, &depth, &truncated);
    });
  };
  std::thread recorder([&] {
    while (!done.load()) take();
  });
  std::thread assistant([&] {
    while (!done.load()) state->region.ReleaseIdle();
  });
  const storm::Result result = storm::Run<Hooks>(
      kThreads, std::chrono::milliseconds(static_cast<int>(Seconds() * 1000 / 4)));
  done.store(true);
  recorder.join();
  assistant.join();
  take();

  EXPECT_EQ(result.wrong, 0u);
  EXPECT_GT(result.allocations, 10'000u);
  const StackSnapshot total = state.Total();
  EXPECT_EQ(total.allocated_samples, total.freed_samples);
  EXPECT_EQ(total.allocated_bytes, total.freed_bytes);
  EXPECT_EQ(state->live.size(), 0u);
  EXPECT_EQ(state->region.Count().objects, 0u);
  EXPECT_TRUE(live.empty());
  EXPECT_TRUE(placed.empty());
  EXPECT_EQ(state->losses.freed_twice.load(), 0u);
  EXPECT_EQ(state->losses.live_table_full.load(), 0u);
  EXPECT_EQ(state->losses.stack_table_full.load(), 0u);
  EXPECT_EQ(state->losses.reentrant.load(), 0u);
  if (GetParam().interval == 1) {
    EXPECT_EQ(total.allocated_samples, result.allocations) << "each allocation is one sample";
    EXPECT_EQ(total.allocated_bytes, result.bytes);
  } else {
    EXPECT_GT(total.allocated_samples, 100u);
  }
  std::printf("%llu allocations, %llu samples\n",
              static_cast<unsigned long long>(result.allocations),
              static_cast<unsigned long long>(total.allocated_samples));
}

INSTANTIATE_TEST_SUITE_P(Settings, Storm,
                         testing::Values(Setting{"All", 1, true}, Setting{"AllUnmoved", 1, false},
                                         Setting{"Some", 4096, true},
                                         Setting{"SomeUnmoved", 4096, false}),
                         [](const auto& info) { return std::string(info.param.name); });

}  // namespace
}  // namespace wrackline::preload
