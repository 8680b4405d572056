#include "analyzer/flink/lint/facts.h"

namespace wrackline::flink::lint {
namespace {

// What RocksDB and its allocator take beyond the bytes that RocksDB counts: an eighth, as in
// docs/sizing.md. The JVM's own share of the overhead (code, GC, symbols, thread stacks) is seldom
// below 128 MiB.
constexpr std::int64_t kRetention = 8;
constexpr Bytes kJvmShare = 128 * kMiB;

void Check(const Context& context, Findings& findings) {
  for (const EmbeddedBackend& backend : BackendsIn(context)) {
    const auto budget = StateBudgetOf(context, backend);
    if (!budget || budget->kind != StateBudget::Kind::kManaged) continue;
    const TaskManagerMemory& memory = *context.memory;
    if (memory.task_off_heap.count > 0 || memory.managed.count == 0) continue;
    const Bytes slack{memory.managed.count / kRetention};
    if (memory.jvm_overhead >= kJvmShare + slack) continue;
    const auto suggested = (slack.count + 32 * kMiB.count - 1) / (32 * kMiB.count) * 32;
    findings.push_back(
        {Severity::kWarning, "", context.ValueOf(options::kTaskOffHeap),
         "Nothing is set aside for what " + std::string(backend.name) +
             " takes beyond its managed " + FormatBytes(memory.managed),
         "Its cache is no strict bound: pinned blocks, iterators, table readers and the "
         "allocator's "
         "losses come on top, about an eighth (" +
             FormatBytes(slack) + "). Task off-heap is 0 and the JVM overhead of " +
             FormatBytes(memory.jvm_overhead) + " also holds the JVM's code and thread stacks.",
         "Write taskmanager.memory.task.off-heap.size: " + std::to_string(suggested) +
             "m, or raise taskmanager.memory.jvm-overhead.min (and .max)."});
  }
}

}  // namespace

extern const Rule kNoNativeSlack;
const Rule kNoNativeSlack{
    .id = "no-native-slack",
    .severity = Severity::kWarning,
    .title = "task off-heap 0 and a small overhead beside managed RocksDB",
    .explanation =
        "RocksDB's block cache is created without a strict limit, and its bytes are not all that "
        "it "
        "costs: the allocator keeps about an eighth more. With "
        "taskmanager.memory.task.off-heap.size "
        "at its default of 0 all of that must fit into the JVM overhead, which is 192 MiB for a "
        "small TaskManager and stops at 1 GiB for a large one. Named when the overhead is smaller "
        "than 128 MiB plus an eighth of managed memory.",
    .wrong = {.config = "taskmanager.memory.process.size: 1728m\n"
                        "taskmanager.memory.managed.size: 700m\n"
                        "state.backend.type: rocksdb\n"},
    .right = {.config = "taskmanager.memory.process.size: 1728m\n"
                        "taskmanager.memory.managed.size: 600m\n"
                        "taskmanager.memory.task.off-heap.size: 96m\n"
                        "state.backend.type: rocksdb\n"},
    .check = Check,
};

}  // namespace wrackline::flink::lint
