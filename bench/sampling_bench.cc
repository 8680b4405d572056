// What the parts of the sampled path cost, each alone. (Whole programs with and without the shim:
// docs/benchmarks.md.)
#include <benchmark/benchmark.h>
#include <sys/mman.h>

#include <cstdint>
#include <vector>

#include "preload/sampling/allocation.h"
#include "preload/unwind/native_unwinder.h"

namespace wrackline::preload {
namespace {

template <typename T>
T* Zeroed() {
  return static_cast<T*>(
      mmap(nullptr, sizeof(T), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
}

void BM_DrawGap(benchmark::State& state) {
  std::uint64_t random = 1;
  for (auto _ : state) benchmark::DoNotOptimize(DrawGap(&random, 512 * 1024));
}
BENCHMARK(BM_DrawGap);

void BM_SampleWeight(benchmark::State& state) {
  std::uint64_t size = static_cast<std::uint64_t>(state.range(0));
  for (auto _ : state) {
    benchmark::DoNotOptimize(size);
    benchmark::DoNotOptimize(SampleWeight(size, 512 * 1024));
  }
}
BENCHMARK(BM_SampleWeight)->Arg(64)->Arg(8192)->Arg(1 << 20);

// Insert and remove with so many live samples already there.
void BM_LiveTableInsertRemove(benchmark::State& state) {
  static LiveTable* table = nullptr;
  table = Zeroed<LiveTable>();
  for (std::int64_t i = 0; i < state.range(0); ++i) {
    table->Insert({0x700000000000u + static_cast<std::uint64_t>(i) * 4096, 1, 1, 1, 1, 1});
  }
  LiveObject removed;
  std::uint64_t address = 0x10000;
  for (auto _ : state) {
    address += 4096;
    benchmark::DoNotOptimize(table->Insert({address, 1, 1, 1, 1, 1}));
    benchmark::DoNotOptimize(table->Remove(address, &removed));
  }
  munmap(static_cast<void*>(table), sizeof(LiveTable));
}
BENCHMARK(BM_LiveTableInsertRemove)->Arg(0)->Arg(2000)->Arg(60000);

// What every free pays, with so many live samples.
void BM_MayContain(benchmark::State& state) {
  auto* table = Zeroed<LiveTable>();
  for (std::int64_t i = 0; i < state.range(0); ++i) {
    table->Insert({0x700000000000u + static_cast<std::uint64_t>(i) * 4096, 1, 1, 1, 1, 1});
  }
  std::uint64_t address = 0x10000;
  std::uint64_t maybe = 0;
  for (auto _ : state) {
    address += 64;
    maybe += table->MayContain(address) ? 1 : 0;
  }
  state.counters["false positives"] =
      static_cast<double>(maybe) / static_cast<double>(state.iterations());
  munmap(static_cast<void*>(table), sizeof(LiveTable));
}
BENCHMARK(BM_MayContain)->Arg(0)->Arg(2000)->Arg(60000);

void BM_InternKnownStack(benchmark::State& state) {
  auto* table = Zeroed<StackTable>();
  std::vector<std::uint64_t> frames;
  for (std::int64_t i = 0; i < state.range(0); ++i)
    frames.push_back(0x400000 + static_cast<std::uint64_t>(i) * 77);
  bool full = false;
  for (auto _ : state) {
    benchmark::DoNotOptimize(
        table->Intern(frames.data(), static_cast<std::uint32_t>(frames.size()), false, &full));
  }
  munmap(static_cast<void*>(table), sizeof(StackTable));
}
BENCHMARK(BM_InternKnownStack)->Arg(16)->Arg(64);

[[gnu::noinline]] std::uint32_t Capture() {
  std::uint64_t frames[128];
  bool truncated = false;
  const std::uint32_t depth = CaptureStack(__builtin_return_address(0), frames, 128, &truncated);
  benchmark::DoNotOptimize(frames);
  return depth;
}
[[gnu::noinline]] std::uint32_t CaptureBelow(std::int64_t levels) {
  const std::uint32_t depth = levels == 0 ? Capture() : CaptureBelow(levels - 1);
  benchmark::ClobberMemory();  // no tail call
  return depth;
}

void BM_CaptureStack(benchmark::State& state) {
  PrepareUnwinder();
  std::uint32_t depth = 0;
  for (auto _ : state) depth = CaptureBelow(state.range(0));
  state.counters["frames"] = depth;
}
BENCHMARK(BM_CaptureStack)->Arg(0)->Arg(8)->Arg(50);

// The fast path: an allocation that is not sampled.
void BM_AfterAllocation(benchmark::State& state) {
  for (auto _ : state) AfterAllocation(&state, 64, nullptr);
}
BENCHMARK(BM_AfterAllocation);

}  // namespace
}  // namespace wrackline::preload

BENCHMARK_MAIN();
