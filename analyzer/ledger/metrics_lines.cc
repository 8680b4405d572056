// What Flink's metrics name: RocksDB's lines, and the JVM's own figures.
#include <algorithm>

#include "analyzer/ledger/lines.h"

namespace wrackline::ledger {
namespace {

void Add(Ledger* ledger, const char* id, const char* label, const std::optional<Bytes>& amount,
         const std::optional<Bytes>& budget, const char* source, Confidence confidence) {
  if (amount && amount->count > 0)
    ledger->lines.push_back(
        {id, label, Holder::kJvm, *amount, std::nullopt, budget, source, confidence});
}

void AddJvmLines(const evidence::FlinkMemory& memory, Ledger* ledger) {
  Add(ledger, "jvm.heap", "Java heap (committed)", memory.heap_committed, memory.heap_max,
      "Status.JVM.Memory.Heap.Committed", Confidence::kUpperBound);
  Add(ledger, "jvm.metaspace", "metaspace (committed)", memory.metaspace_committed, std::nullopt,
      "Status.JVM.Memory.Metaspace.Committed", Confidence::kUpperBound);
  // The JVM's own sum has the compressed class space twice, as its own pool and inside metaspace:
  // what is left here is the code cache and that.
  if (memory.non_heap_committed && memory.metaspace_committed)
    Add(ledger, "jvm.code_cache", "code cache",
        std::max(Bytes{}, *memory.non_heap_committed - *memory.metaspace_committed), std::nullopt,
        "Status.JVM.Memory.NonHeap.Committed less Metaspace.Committed", Confidence::kUpperBound);
  // Flink's network memory is direct buffers too, and in this figure.
  Add(ledger, "jvm.direct", "direct buffers, network too", memory.direct, std::nullopt,
      "Status.JVM.Memory.Direct.MemoryUsed", Confidence::kExact);
}

}  // namespace

std::optional<Ledger> LedgerOfMetrics(const evidence::Evidence& evidence) {
  if (!evidence.metrics) return std::nullopt;
  Ledger ledger;
  ledger.basis = Basis::kMetrics;
  ledger.time = evidence.last_record;
  AddRocksDbLines(evidence, &ledger);
  AddJvmLines(evidence.metrics->memory, &ledger);
  ledger.total = ledger.Sum();
  AddGroups(evidence, &ledger);
  ledger.notes.push_back(
      "This is what the metrics name, not the whole process: thread stacks, the collector's and "
      "the "
      "compiler's memory, other native memory, what the allocator keeps, page cache and kernel "
      "memory are not in them.");
  return ledger;
}

}  // namespace wrackline::ledger
