#include "analyzer/flink/lint/facts.h"

namespace wrackline::flink::lint {
namespace {

void Check(const Context& context, Findings& findings) {
  if (StateBackendOf(context) != StateBackend::kHeap || context.memory == nullptr ||
      context.memory->managed.count == 0)
    return;
  const Option backend = StateBackendOption(context.version);
  const bool by_hand =
      IsSet(context, options::kManagedFraction) || IsSet(context, options::kManagedSize);
  const Option& managed =
      IsSet(context, options::kManagedSize) ? options::kManagedSize : options::kManagedFraction;
  findings.push_back(
      {by_hand ? Severity::kWarning : Severity::kInfo, "",
       context.ValueOf(by_hand ? managed : backend),
       FormatBytes(context.memory->managed) + " of managed memory are reserved that the heap state "
                                              "backend never uses",
       "State is on the Java heap, which gets only " + FormatBytes(context.memory->JvmHeap()) +
           "; managed memory serves RocksDB, batch operators and Python alone.",
       "For streaming jobs without Python write taskmanager.memory.managed.fraction: 0.0 (or "
       "taskmanager.memory.managed.size: 0m): it goes to the task heap."});
}

}  // namespace

extern const Rule kManagedWithHeapBackend;
const Rule kManagedWithHeapBackend{
    .id = "managed-with-heap-backend",
    .severity = Severity::kWarning,
    .title = "managed memory beside a heap state backend",
    .explanation =
        "hashmap (and the older filesystem and jobmanager backends) keep state on the heap. The "
        "managed memory, 40 % of Flink's memory by default, is then reserved for nobody, unless "
        "batch or Python operators run here. A warning when it was set by hand, an info when it is "
        "the default.",
    .wrong = {.config = "taskmanager.memory.process.size: 4g\n"
                        "taskmanager.memory.managed.fraction: 0.5\n"
                        "state.backend.type: hashmap\n"},
    .right = {.config = "taskmanager.memory.process.size: 4g\n"
                        "taskmanager.memory.managed.fraction: 0.0\n"
                        "state.backend.type: hashmap\n"},
    .check = Check,
};

}  // namespace wrackline::flink::lint
