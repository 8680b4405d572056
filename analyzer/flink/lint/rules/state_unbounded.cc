#include "analyzer/flink/lint/facts.h"

namespace wrackline::flink::lint {
namespace {

void Check(const Context& context, Findings& findings) {
  for (const EmbeddedBackend& backend : BackendsIn(context)) {
    const auto budget = StateBudgetOf(context, backend);
    if (!budget || budget->kind != StateBudget::Kind::kNone) continue;
    const std::string stem(backend.stem);
    const auto cache = SizeOf(context, StemOption{stem + "block.cache-size", "8m"}.Get());
    const auto buffer = SizeOf(context, StemOption{stem + "writebuffer.size", "64m"}.Get());
    const auto buffers = IntOf(context, StemOption{stem + "writebuffer.count", "2"}.Get());
    std::string each = "a cache and write buffers of its own";
    if (cache && buffer && buffers && *buffers > 0 &&
        buffer->count < kMaxMemorySize.bytes / *buffers / 2) {
      const Bytes amount = *cache + *buffers * *buffer;
      each += ", " + FormatBytes(amount) + " with these settings";
    }
    findings.push_back({Severity::kWarning, "", context.ValueOf(budget->key),
                        std::string(backend.name) + " has no bound: " + budget->key +
                            " is false and nothing is fixed",
                        "Each column family (state) of each operator in each slot gets " + each +
                            ", outside all that Flink derives; four states with the defaults are "
                            "544 MiB a slot. The "
                            "pod's limit does not know of it, while the managed memory (" +
                            FormatBytes(context.memory->managed) + ") stays reserved and unused.",
                        "Write " + budget->key + ": true, or set " + stem +
                            "memory.fixed-per-slot and leave room for it."});
  }
}

}  // namespace

extern const Rule kStateUnbounded;
const Rule kStateUnbounded{
    .id = "state-unbounded",
    .severity = Severity::kWarning,
    .title = "memory.managed: false with RocksDB or ForSt: memory that nothing bounds",
    .explanation =
        "With state.backend.rocksdb.memory.managed: false and no fixed amount, every column family "
        "has its own block cache (8 MiB) and write buffers (2 x 64 MiB): 136 MiB a state, times "
        "states, operators and slots. None of it is in Flink's sizes. This is the commonest reason "
        "for a TaskManager that is killed while every metric is under its limit.",
    .wrong = {.config = "taskmanager.memory.process.size: 4g\n"
                        "state.backend.type: rocksdb\n"
                        "state.backend.rocksdb.memory.managed: false\n"},
    .right = {.config = "taskmanager.memory.process.size: 4g\n"
                        "state.backend.type: rocksdb\n"
                        "state.backend.rocksdb.memory.managed: true\n"},
    .check = Check,
};

}  // namespace wrackline::flink::lint
