// Live bytes of every site, over a thousand seeds: the whole way from the hooks' templates through
// the region and the live table, the recorder thread's reading of them and the analyzer's sites.
// The estimate must be unbiased for each site, spread as the theory says, and the standard error
// that the report prints must be that spread. Seeds are fixed: every run draws the same.
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <cstdint>
#include <map>
#include <set>
#include <vector>

#include "analyzer/evidence/sites.h"
#include "preload/hooks/malloc_hooks.h"
#include "tests/unit/preload/test_state.h"

namespace wrackline::preload {
namespace {

// The draws are the same at any speed; under a sanitizer a thousand take minutes, and what it looks
// for it has seen after a few.
#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
constexpr int kSeeds = 30;
#else
constexpr int kSeeds = 1000;
#endif
constexpr std::uint64_t kInterval = 64 << 10;

enum SiteId { kSmall, kHalfFreed, kRing, kPages, kCleared, kUnmoved, kGrown, kSites };

// --- an allocator of addresses that nothing is behind, but for `grown`, which copies

std::uint64_t g_next_address = 0;
void* FakeMalloc(std::size_t size) {
  const std::uint64_t address = g_next_address;
  g_next_address += (size + 31) / 16 * 16;
  return reinterpret_cast<void*>(address);
}
void* FakeCalloc(std::size_t count, std::size_t size) { return FakeMalloc(count * size); }
void FakeFree(void*) {}

// --- the hooks, and the sites that call them

std::array<std::set<std::uint64_t>, kSites> g_callers;

[[gnu::noinline]] void* Malloc(SiteId site, std::size_t size) {
  const void* caller = __builtin_return_address(0);
  void* block = AllocateThrough(FakeMalloc, Request{size, caller}, size);
  if (block != nullptr && g_callers[site].empty()) {
    g_callers[site].insert(reinterpret_cast<std::uint64_t>(caller));
  }
  return block;
}
[[gnu::noinline]] void* Calloc(SiteId site, std::size_t count, std::size_t size) {
  const void* caller = __builtin_return_address(0);
  void* block = AllocateThrough(FakeCalloc, Request{count * size, caller, 0, true}, count, size);
  g_callers[site].insert(reinterpret_cast<std::uint64_t>(caller));
  return block;
}
[[gnu::noinline]] void* Realloc(SiteId site, void* old, std::size_t size) {
  const void* caller = __builtin_return_address(0);
  void* block = ReallocateThrough(Next().realloc, caller, old, size, size);
  g_callers[site].insert(reinterpret_cast<std::uint64_t>(caller));
  return block;
}
void Free(void* block) { FreeThrough(FakeFree, block); }

// Each returns to one place: no tail call, no copy.
#if defined(__clang__)
#define SITE [[gnu::noinline]] void*
#else
#define SITE [[gnu::noinline, gnu::noclone]] void*
#endif
#define STAY asm volatile("" ::: "memory")
SITE Small() {
  void* block = Malloc(kSmall, 128);
  STAY;
  return block;
}
SITE HalfFreed() {
  void* block = Malloc(kHalfFreed, 96);
  STAY;
  return block;
}
SITE Ring(std::size_t size) {
  void* block = Malloc(kRing, size);
  STAY;
  return block;
}
SITE Pages() {
  void* block = Malloc(kPages, 8192);
  STAY;
  return block;
}
SITE Cleared() {
  void* block = Calloc(kCleared, 3, 1000);
  STAY;
  return block;
}
SITE Unmoved() {
  void* block = Malloc(kUnmoved, 100'000);
  STAY;
  return block;
}
SITE Grown(void* old, std::size_t size) {
  void* block = Realloc(kGrown, old, size);
  STAY;
  return block;
}

struct Truth {
  double live = 0;      // bytes at the end
  double variance = 0;  // of an unbiased estimate of them
};
using Truths = std::array<Truth, kSites>;

void AddObject(Truth* truth, std::size_t size) {
  const double s = static_cast<double>(size);
  const double p = -std::expm1(-s / static_cast<double>(kInterval));
  truth->live += s;
  truth->variance += s * s * (1 - p) / p;
}

// One life of a program, all sites mixed; `blocks` are alive at its end.
void Live(std::vector<void*>* blocks, std::vector<void*>* grown, Truths* truths) {
  std::array<void*, 1 << 14> ring = {};
  constexpr std::size_t kRingMask = ring.size() - 1;
  std::array<std::size_t, 1 << 14> ring_sizes = {};
  const auto keep = [&](SiteId site, void* block, std::size_t size) {
    blocks->push_back(block);
    if (truths != nullptr) AddObject(&(*truths)[site], size);
  };
  for (std::size_t i = 0; i < 150'000; ++i) {
    keep(kSmall, Small(), 128);
    void* short_lived = HalfFreed();
    if (i % 2 == 0) {
      keep(kHalfFreed, HalfFreed(), 96);
    }
    Free(short_lived);
    // Sizes of all kinds; each lives for 16,384 others.
    void*& in_ring = ring[i & kRingMask];
    if (in_ring != nullptr) Free(in_ring);
    ring_sizes[i & kRingMask] = 16 + i * 7919 % 1990;
    in_ring = Ring(ring_sizes[i & kRingMask]);
    if (i % 64 == 0) keep(kPages, Pages(), 8192);
    if (i % 32 == 0) keep(kCleared, Cleared(), 3000);
    if (i % 1000 == 0) keep(kUnmoved, Unmoved(), 100'000);
    if (i % 50 == 0) {
      // Grows in steps, from where the allocator puts it into the region and back, or never.
      void* block = nullptr;
      for (std::size_t size : {500, 700, 9000, 5000}) block = Grown(block, size);
      grown->push_back(block);
      if (truths != nullptr) AddObject(&(*truths)[kGrown], 5000);
    }
  }
  for (std::size_t i = 0; i < ring.size(); ++i) keep(kRing, ring[i], ring_sizes[i]);
}

// What the recorder thread would have in its file.
class Recorder {
 public:
  explicit Recorder(TestState* state) : state_(*state) {
    auto& process = recording_.process.emplace();
    process.set_sampling_interval(kInterval);
  }
  std::vector<evidence::Site> Sites() {
    recording_.live_objects.clear();
    const auto put = [this](std::uint32_t slot, const LiveObject& object) {
      proto::LiveObject& live = recording_.live_objects[slot];
      live.set_slot(slot);
      live.set_address(object.address);
      live.set_size(object.size);
      live.set_weight(object.weight);
      live.set_stack_id(object.stack_id);
    };
    LiveObject object;
    state_->live.TakeDirty([&](std::uint32_t slot) {
      if (state_->live.Read(slot, &object) == LiveTable::SlotState::kOccupied) put(slot, object);
      return true;
    });
    state_->region.TakeDirty([&](std::uint32_t slot) {
      if (state_->region.Read(slot, &object) == LiveTable::SlotState::kOccupied) {
        put(LiveTable::kSlots + slot, object);
      }
      return true;
    });
    state_->stacks.TakeDirty([&](std::uint32_t id) {
      recorder::Stack& stack = recording_.stacks[id];
      if (!stack.frames.empty()) return true;
      const std::uint64_t* frames;
      std::uint32_t depth;
      state_->stacks.Frames(id, &frames, &depth, &stack.truncated);
      stack.frames.assign(frames, frames + depth);
      return true;
    });
    return evidence::SitesFromRecording(recording_, std::chrono::seconds(1));
  }
  // The site that these return addresses are of; kSites: none of ours.
  int Which(const evidence::Site& site) const {
    const std::uint64_t caller = recording_.stacks.at(site.stacks.at(0)).frames.at(0);
    for (int i = 0; i < kSites; ++i) {
      if (g_callers[static_cast<std::size_t>(i)].contains(caller)) return i;
    }
    return kSites;
  }

 private:
  TestState& state_;
  recorder::Recording recording_;
};

struct Moments {
  double mean, variance;
};
Moments MomentsOf(const std::vector<double>& values) {
  double sum = 0;
  for (double v : values) sum += v;
  const double mean = sum / static_cast<double>(values.size());
  double squares = 0;
  for (double v : values) squares += (v - mean) * (v - mean);
  return {mean, squares / static_cast<double>(values.size() - 1)};
}

TEST(SiteStatistics, LiveBytesOfEverySite) {
  TestState state(kInterval);
  state->place = 1;
  Recorder recorder(&state);
  Truths truths;
  std::array<std::vector<double>, kSites> estimates, variances;
  std::vector<void*> blocks, grown;
  for (int seed = 1; seed <= kSeeds; ++seed) {
    internal::t_thread.thread_id = 1;
    internal::t_thread.random = static_cast<std::uint64_t>(seed) * 0x9E3779B97F4A7C15ull | 1;
    internal::t_thread.bytes_until_sample = DrawGap(&internal::t_thread.random, kInterval);
    g_next_address = 0x100000;
    blocks.clear();
    grown.clear();
    Live(&blocks, &grown, seed == 1 ? &truths : nullptr);

    std::array<double, kSites> live = {}, variance = {};
    for (const evidence::Site& site : recorder.Sites()) {
      if (site.samples == 0) continue;
      const int which = recorder.Which(site);
      ASSERT_LT(which, static_cast<int>(kSites));
      live[static_cast<std::size_t>(which)] += static_cast<double>(site.live.count);
      const double error = static_cast<double>(site.standard_error.count);
      variance[static_cast<std::size_t>(which)] += error * error;
    }
    for (std::size_t i = 0; i < kSites; ++i) {
      estimates[i].push_back(live[i]);
      variances[i].push_back(variance[i]);
    }
    for (void* block : blocks) Free(block);
    for (void* block : grown) FreeThrough(Next().free, block);
    ASSERT_EQ(state->live.size() + state->region.Count().objects, 0u);
  }
  // Nothing was lost, or the estimates would be short of it.
  EXPECT_EQ(state->losses.live_table_full.load(), 0u);
  EXPECT_EQ(state->losses.stack_table_full.load(), 0u);
  EXPECT_EQ(state->losses.reentrant.load(), 0u);
  EXPECT_EQ(state->losses.freed_twice.load(), 0u);

  const char* const names[] = {"small",   "half freed", "ring", "pages",
                               "cleared", "unmoved",    "grown"};
  for (std::size_t i = 0; i < kSites; ++i) {
    SCOPED_TRACE(names[i]);
    const Moments moments = MomentsOf(estimates[i]);
    const double error_of_mean = std::sqrt(moments.variance / kSeeds);
    const double spread = std::sqrt(moments.variance / truths[i].variance);
    const double printed = std::sqrt(MomentsOf(variances[i]).mean / truths[i].variance);
    std::printf(
        "%-10s %6.2f MiB live, mean error %+.3f %% (%+.2f standard errors), spread %.3f and "
        "printed "
        "standard error %.3f of theory\n",
        names[i], truths[i].live / (1 << 20), 100 * (moments.mean / truths[i].live - 1),
        (moments.mean - truths[i].live) / error_of_mean, spread, printed);
    // Thirty seeds are for the sanitizers, not for statistics: the mean's error is then Student's with
    // 29 degrees of freedom, and the first thirty happen to be 4.0 of it below for one site.
    EXPECT_NEAR(moments.mean, truths[i].live, (kSeeds >= 1000 ? 3 : 5) * error_of_mean);
    // The observed spread is itself uncertain by 1/sqrt(2 (n - 1)): 2.2 % with a thousand.
    const double uncertain = 1 / std::sqrt(2.0 * (kSeeds - 1));
    EXPECT_NEAR(spread, 1, std::max(0.1, 4 * uncertain));
    EXPECT_NEAR(printed, 1, std::max(0.03, uncertain));
    if (kSeeds >= 1000) {
      EXPECT_NEAR(moments.mean / truths[i].live, 1, 0.005);
    }
  }
}

}  // namespace
}  // namespace wrackline::preload
