// How fast recorded runs are replayed against a configuration: the middle of `wrackline size --check`, without reading them.
// items_per_second is runs a second, each of kMostMoments moments.
#include <benchmark/benchmark.h>

#include "analyzer/sizing/backtest.h"

namespace {

using wrackline::Bytes;
using wrackline::kMiB;
using namespace wrackline::sizing;  // NOLINT: a program of one page

Run ARun(const Target& target, int number) {
  Run run;
  run.name = "run-" + std::to_string(number);
  run.granted = wrackline::flink::DeriveTaskManagerMemory(target.configuration, target.version,
                                                          wrackline::flink::Mode::kStandalone)
                    .value();
  run.slots = 2;
  run.rocksdb_managed = true;
  run.killed = number % 2 == 0;
  for (const char* name : {"value", "list", "map", "window"})
    run.families.push_back({name, 64 * kMiB, 2, {}, {}, 2});
  for (std::size_t i = 0; i < kMostMoments; ++i) {
    const auto step = static_cast<std::int64_t>(i);
    Moment moment;
    moment.at = Milliseconds{1000 * step};
    moment.working_set = 600 * kMiB + step * kMiB;
    moment.heap = 100 * kMiB;
    moment.heap_live = 50 * kMiB;
    moment.metaspace = 50 * kMiB;
    moment.direct = 80 * kMiB;
    moment.caches = 100 * kMiB + Bytes{step * kMiB.count / 2};
    moment.memtables = 40 * kMiB;
    moment.table_readers = 4 * kMiB;
    run.moments.push_back(moment);
  }
  run.lifetime = Milliseconds{1000 * kMostMoments};
  return run;
}

void ReplayRuns(benchmark::State& state) {
  Target target{{}, {1, 20, 3}, wrackline::kGiB};
  target.configuration.Set("taskmanager.memory.process.size", "1g");
  std::vector<Run> runs;
  for (int i = 0; i < state.range(0); ++i) runs.push_back(ARun(target, i));
  for (auto _ : state) benchmark::DoNotOptimize(TestBack(runs, target, {}));
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(ReplayRuns)->Arg(1)->Arg(1000)->Unit(benchmark::kMillisecond);

}  // namespace

BENCHMARK_MAIN();
