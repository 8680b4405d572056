// How fast rows of `wrackline model --batch` are answered: parsing, the model, printing; no input or
// output. items_per_second is rows a second.
#include <benchmark/benchmark.h>

#include "analyzer/flink/model_batch.h"

namespace {

using wrackline::flink::AnswerRow;
using wrackline::flink::BatchKind;

void Answer(benchmark::State& state, BatchKind kind, const char* row) {
  for (auto _ : state)
    benchmark::DoNotOptimize(AnswerRow(kind, wrackline::flink::Version{1, 20, 5}, row));
  state.SetItemsProcessed(state.iterations());
}

BENCHMARK_CAPTURE(Answer, taskmanager, BatchKind::kTaskManager,
                  R"({"id":"1","cat":"x","mode":"standalone","config":{)"
                  R"("taskmanager.memory.process.size":"12g",)"
                  R"("taskmanager.memory.managed.fraction":"0.3",)"
                  R"("taskmanager.memory.network.max":"1g"}})");
// Three exceptions deep.
BENCHMARK_CAPTURE(Answer, taskmanager_refused, BatchKind::kTaskManager,
                  R"({"id":"1","cat":"x","mode":"standalone","config":{)"
                  R"("taskmanager.memory.process.size":"4 gib"}})");
BENCHMARK_CAPTURE(Answer, jobmanager, BatchKind::kJobManager,
                  R"({"id":"1","cat":"x","mode":"standalone","config":{)"
                  R"("jobmanager.memory.process.size":"2g"}})");
BENCHMARK_CAPTURE(Answer, rocksdb, BatchKind::kRocksDb,
                  R"({"managed_bytes":308700779,"write_buffer_ratio":0.5,)"
                  R"("high_prio_pool_ratio":0.1,"write_buffer_size":67108864})");
BENCHMARK_CAPTURE(Answer, slot, BatchKind::kSlot,
                  R"({"managed_bytes":1073754169,"slots":2,"consumer_weights":null,)"
                  R"("use_cases":["STATE_BACKEND","PYTHON"],"state_backend_uses_managed":true,)"
                  R"("use_case":"STATE_BACKEND"})");
BENCHMARK_CAPTURE(Answer, config_yaml, BatchKind::kConfiguration,
                  R"({"id":"1","file":"config.yaml","text":)"
                  R"("taskmanager:\n  memory:\n    process:\n      size: 4g\n"})");

}  // namespace

BENCHMARK_MAIN();
