// The storm on every entry point, built with a sanitizer. What is stormed is the code of the hooks as it is
// (preload/hooks/*.cc); only their names begin with "hooked_" here, because malloc itself is the
// sanitizer's (storm_tests.cmake). Behind them are real allocators: the sanitizer's for malloc's family and
// operator new, Debian's libraries for the functions of jemalloc, tcmalloc and mimalloc.
//
// WRACKLINE_STORM_SECONDS is its length (docs/testing.md).
#include <gtest/gtest.h>
#include <sys/mman.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <cstring>
#include <map>
#include <ostream>
#include <string>
#include <thread>

#include "preload/hooks/mapping_hooks.h"
#include "tests/unit/preload/programs/entries_storm.h"
#include "tests/unit/preload/test_state.h"

// What the hooks copy blocks with (storm_tests.cmake). Their content is out of ThreadSanitizer's sight: see
// entries_storm.h.
extern "C" __attribute__((no_sanitize("thread"))) void* wrackline_storm_copy(void* to,
                                                                             const void* from,
                                                                             std::size_t bytes) {
  auto* target = static_cast<unsigned char*>(to);
  const auto* source = static_cast<const unsigned char*>(from);
  for (std::size_t i = 0; i < bytes; ++i) {
    target[i] = source[i];
    asm volatile("" ::: "memory");  // or it is made a call of memcpy
  }
  return to;
}

// The one byte of a block that a hook writes itself: the end of mi_strdup's copy.
extern "C" const char* __tsan_default_suppressions();
extern "C" const char* __tsan_default_suppressions() { return "race_top:CopyOf\n"; }

// tcmalloc keeps a word for good.
extern "C" const char* __lsan_default_suppressions();
extern "C" const char* __lsan_default_suppressions() { return "leak:MallocExtension::Register\n"; }

namespace wrackline::preload {
namespace {

// As mapping_hooks.cc has them. (Itself it cannot be asked here: calls from the object that it is in
// are its own.)
[[gnu::noinline]] void* Map(void* at, std::size_t length, int protection, int flags) {
  return MapThrough(::mmap, __builtin_return_address(0), at, length, protection, flags, -1, 0);
}
[[gnu::noinline]] int Unmap(void* at, std::size_t length) {
  return UnmapThrough(::munmap, at, length);
}
[[gnu::noinline]] void* Remap(void* old, std::size_t old_length, std::size_t length, int flags,
                              void* at) {
  return RemapThrough(::mremap, __builtin_return_address(0), old, old_length, length, flags, at);
}

std::vector<storm::EntriesStorm::Range> RangesOf(const MappingTable& table) {
  std::vector<storm::EntriesStorm::Range> ranges;
  for (std::uint32_t slot = 0; slot < MappingTable::kSlots; ++slot) {
    MappedRange range;
    if (table.Read(slot, &range) == MappingTable::SlotState::kOccupied) {
      ranges.push_back({range.start, range.end()});
    }
  }
  return storm::Joined(std::move(ranges));
}

// What the recorder thread keeps a copy of.
template <typename Table, typename Object>
void TakeInto(Table& table, std::map<std::uint32_t, Object>* copy) {
  table.TakeDirty([&](std::uint32_t slot) {
    Object object;
    using Is = decltype(table.Read(slot, &object));
    switch (table.Read(slot, &object)) {
      case Is::kChanging:
        return false;
      case Is::kEmpty:
        copy->erase(slot);
        return true;
      case Is::kOccupied:
        (*copy)[slot] = object;
        return true;
    }
    return true;
  });
}

double Seconds() {
  const char* text = std::getenv("WRACKLINE_STORM_SECONDS");
  return text == nullptr ? 4 : std::strtod(text, nullptr);
}

unsigned long long Long(std::uint64_t number) { return number; }

struct Setting {
  const char* name;
  std::uint64_t interval;
  bool place;
};
void PrintTo(const Setting& setting, std::ostream* out) { *out << setting.name; }
class EntriesStorm : public testing::TestWithParam<Setting> {};

TEST_P(EntriesStorm, EveryEntryPointIsAccountedFor) {
  TestState state(GetParam().interval);
  state->place = GetParam().place ? 1 : 0;
  state->mappings.Enable();
  storm::Entries entries = storm::FindEntries("hooked_");
  ASSERT_TRUE(entries.missing.empty()) << entries.missing[0];
  storm::EntriesStorm storm(std::move(entries), storm::Mapper{Map, Unmap, Remap});

  std::map<std::uint32_t, LiveObject> live, placed;
  std::map<std::uint32_t, MappedRange> mappings;
  const auto take = [&] {
    TakeInto(state->live, &live);
    TakeInto(state->region, &placed);
    state->mappings.Settle();
    TakeInto(state->mappings, &mappings);
    state->stacks.TakeDirty([&](std::uint32_t id) {
      const std::uint64_t* frames;
      std::uint32_t depth;
      bool truncated;
      return state->stacks.Frames(id, &frames, &depth, &truncated);
    });
  };
  std::atomic<bool> done{false};
  std::thread recorder([&] {
    while (!done.load()) take();
  });
  std::thread assistant([&] {
    while (!done.load()) state->region.ReleaseIdle();
  });
  storm.Run(32, std::chrono::milliseconds(static_cast<int>(Seconds() * 1000 / 4)));
  done.store(true);
  recorder.join();
  assistant.join();
  take();

  // Every sample: allocated, and freed.
  const storm::EntriesResult& result = storm.result();
  EXPECT_EQ(result.wrong, 0u);
  const StackSnapshot total = state.Total();
  EXPECT_EQ(total.allocated_samples, total.freed_samples);
  EXPECT_EQ(total.allocated_bytes, total.freed_bytes);
  EXPECT_EQ(state->live.size(), 0u);
  EXPECT_EQ(state->region.Count().objects, 0u);
  EXPECT_TRUE(live.empty());
  EXPECT_TRUE(placed.empty());
  const LossCounters& losses = state->losses;
  EXPECT_EQ(losses.freed_twice.load(), 0u);
  EXPECT_EQ(losses.live_table_full.load(), 0u);
  EXPECT_EQ(losses.stack_table_full.load(), 0u);
  EXPECT_EQ(losses.reentrant.load(), 0u);
  if (GetParam().interval == 1) {
    EXPECT_EQ(total.allocated_samples, result.allocations) << "each allocation is one sample";
    EXPECT_EQ(total.allocated_bytes, result.bytes);
  } else {
    EXPECT_GT(total.allocated_samples, 100u);
  }
  const auto calls = storm.Calls();
  for (const auto& [name, count] : calls) EXPECT_GT(count, 0u) << name;

  // Every mapping. A range whose failed munmap or whose mremap was outrun by 500 others is lost, and
  // counted; nothing else is, and nothing is there that is not mapped.
  const MappingTable::Losses& lost = state->mappings.losses();
  EXPECT_EQ(lost.missed.load(), 0u);
  EXPECT_EQ(lost.full.load(), 0u);
  const std::uint64_t unsettled = lost.unsettled.load();
  const auto mapped = storm.mapped();
  EXPECT_FALSE(mapped.empty());
  if (unsettled == 0) {
    EXPECT_TRUE(RangesOf(state->mappings) == mapped);
  }
  for (const auto& range : RangesOf(state->mappings)) {
    EXPECT_TRUE(std::any_of(
        mapped.begin(), mapped.end(),
        [&](const auto& real) { return real.start <= range.start && range.end <= real.end; }))
        << std::hex << range.start;
  }
  EXPECT_EQ(mappings.size(), state->mappings.size());
  storm.UnmapAll();
  take();
  EXPECT_EQ(state->mappings.size(), 0u);
  EXPECT_TRUE(mappings.empty());

  std::printf(
      "%llu operations (%llu allocations of %llu bytes, %llu handed over, %llu mapping calls), "
      "%llu "
      "threads; %llu samples of %llu bytes, %llu live; %llu stacks truncated, %llu walks failed; "
      "%llu ranges mapped in the end, %llu unsettled\n",
      Long(result.operations), Long(result.allocations), Long(result.bytes),
      Long(result.handed_over), Long(calls.at("mmap") + calls.at("munmap") + calls.at("mremap")),
      Long(result.threads), Long(total.allocated_samples), Long(total.allocated_bytes),
      Long(state->live.size()), Long(losses.stacks_truncated.load()),
      Long(losses.unwind_failed.load()), Long(mapped.size()), Long(unsettled));
  if (std::getenv("WRACKLINE_STORM_SECONDS") != nullptr) {
    for (const auto& [name, count] : calls) {
      std::printf("  %-40s %llu\n", name.c_str(), Long(count));
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Settings, EntriesStorm,
                         testing::Values(Setting{"All", 1, true}, Setting{"AllUnmoved", 1, false},
                                         Setting{"Some", 4096, true},
                                         Setting{"SomeUnmoved", 4096, false}),
                         [](const auto& info) { return std::string(info.param.name); });

}  // namespace
}  // namespace wrackline::preload
