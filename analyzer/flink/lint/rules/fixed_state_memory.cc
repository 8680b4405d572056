#include "analyzer/flink/lint/facts.h"

namespace wrackline::flink::lint {
namespace {

void Check(const Context& context, Findings& findings) {
  for (const EmbeddedBackend& backend : BackendsIn(context)) {
    const auto budget = StateBudgetOf(context, backend);
    if (!budget || (budget->kind != StateBudget::Kind::kFixedPerSlot &&
                    budget->kind != StateBudget::Kind::kFixedPerTaskManager))
      continue;
    // Flink counts the fixed amount nowhere. Managed memory is then used by nobody else (batch and
    // Python operators apart), and task off-heap is granted to the JVM's direct memory, which rarely
    // fills it: the two together are what native code may take before the overhead pays.
    const TaskManagerMemory& memory = *context.memory;
    const Bytes room = memory.managed + memory.task_off_heap;
    if (budget->total <= room) continue;
    const bool impossible = budget->total > room + memory.jvm_overhead;
    const bool slots =
        budget->kind == StateBudget::Kind::kFixedPerSlot && budget->per_slot != budget->total;
    findings.push_back(
        {impossible ? Severity::kError : Severity::kWarning, "", context.ValueOf(budget->key),
         std::string(backend.name) + " may take " + FormatBytes(budget->total) +
             (slots ? " (" + FormatBytes(budget->per_slot) + " in each slot)" : std::string()) +
             ", more than the " + FormatBytes(room) + " that Flink leaves for it",
         "The fixed amount is outside Flink's memory model: it comes out of managed memory (" +
             FormatBytes(memory.managed) + ", not used by " + std::string(backend.name) +
             " then), task off-heap (" + FormatBytes(memory.task_off_heap) + ")" +
             (impossible
                  ? " and overhead (" + FormatBytes(memory.jvm_overhead) +
                        "), which are together too small: the process outgrows its size."
                  : ", and what is missing out of the JVM overhead, which threads, code and the "
                    "allocator need."),
         "Delete " + budget->key +
             " and let managed memory bound it; or lower it, or raise "
             "taskmanager.memory.managed.size to at least " +
             FormatBytes(budget->total) + "."});
  }
}

}  // namespace

extern const Rule kFixedStateMemory;
const Rule kFixedStateMemory{
    .id = "fixed-state-memory",
    .severity = Severity::kError,
    .title = "memory.fixed-per-slot or fixed-per-tm larger than what the process has for it",
    .explanation =
        "state.backend.rocksdb.memory.fixed-per-slot is multiplied by the number of slots and "
        "appears in none of Flink's sizes. What native memory can take without going over the "
        "process size is managed memory (reserved, and then unused) and task off-heap. A warning "
        "when the fixed amount exceeds these, an error when it exceeds them and the whole JVM "
        "overhead.",
    .wrong = {.config = "taskmanager.memory.process.size: 4g\n"
                        "taskmanager.numberOfTaskSlots: 4\n"
                        "state.backend.type: rocksdb\n"
                        "state.backend.rocksdb.memory.fixed-per-slot: 1g\n"},
    .right = {.config = "taskmanager.memory.process.size: 4g\n"
                        "taskmanager.numberOfTaskSlots: 4\n"
                        "state.backend.type: rocksdb\n"
                        "state.backend.rocksdb.memory.fixed-per-slot: 256m\n"},
    .check = Check,
};

}  // namespace wrackline::flink::lint
