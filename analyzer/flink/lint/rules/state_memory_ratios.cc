#include "analyzer/flink/java_number.h"
#include "analyzer/flink/lint/facts.h"

namespace wrackline::flink::lint {
namespace {

// Outside of these one half of the budget starves the other.
constexpr double kLeastWriteBuffers = 0.1;
constexpr double kMostWriteBuffers = 0.8;
constexpr double kMostHighPriority = 0.5;

void CheckBackend(const Context& context, const EmbeddedBackend& backend, Findings& findings) {
  const auto budget = StateBudgetOf(context, backend);
  if (!budget || budget->kind == StateBudget::Kind::kNone) return;  // ignored-key
  const StemOption write{std::string(backend.stem) + "memory.write-buffer-ratio", "0.5"};
  const StemOption high{std::string(backend.stem) + "memory.high-prio-pool-ratio", "0.1"};
  const auto writes = DoubleOf(context, write.Get());
  const auto prio = DoubleOf(context, high.Get());
  if (!writes || !prio) return;
  const bool write_set = IsSet(context, write.Get());
  const bool high_set = IsSet(context, high.Get());
  if (!write_set && !high_set) return;
  const StemOption& first = write_set ? write : high;
  for (const auto& [option, value] : {std::pair{&write, *writes}, std::pair{&high, *prio}}) {
    if (value >= 0 && value <= 1) continue;
    findings.push_back({Severity::kError, "", context.ValueOf(option->key),
                        option->key + " is no ratio: " + JavaDoubleToString(value),
                        "It is a part of the budget, from 0 to 1; " + std::string(backend.name) +
                            " cannot be opened with another.",
                        "Write " + std::string(option->default_text) + ", the default."});
    return;
  }
  if (2 * *writes / (3 - *writes) + *prio >= 1) {
    findings.push_back({Severity::kError, "", context.ValueOf(first.key),
                        "Write buffers and the high-priority pool together fill the whole cache",
                        "Flink says, when a job starts: Invalid configuration: writeBufferRatio " +
                            JavaDoubleToString(*writes) + " with highPriPoolRatio " +
                            JavaDoubleToString(*prio) +
                            " (2 r / (3 - r) and the pool's ratio must stay below 1 together).",
                        "Lower " + first.key + "; the defaults are 0.5 and 0.1."});
    return;
  }
  if (write_set && *writes < kLeastWriteBuffers)
    findings.push_back(
        {Severity::kWarning, "", context.ValueOf(write.key),
         write.key + " leaves almost nothing for writes",
         "All memtables of a slot share 2/3 x the ratio of its budget; below a tenth they "
         "are flushed in tiny files, and compaction never rests.",
         "Write a ratio from 0.2 to 0.7; the default is 0.5."});
  if (write_set && *writes > kMostWriteBuffers)
    findings.push_back(
        {Severity::kWarning, "", context.ValueOf(write.key),
         write.key + " leaves almost nothing for reads",
         "Memtables are charged to the block cache, and the manager may overshoot by half: "
         "index, filter and data blocks are thrown out and read from disk again.",
         "Write a ratio from 0.2 to 0.7; the default is 0.5."});
  if (high_set && *prio > kMostHighPriority)
    findings.push_back(
        {Severity::kWarning, "", context.ValueOf(high.key),
         high.key + " takes the larger part of the cache for index and filter blocks",
         "Data blocks get what is left after it and the write buffers.",
         "Write a ratio from 0.1 to 0.3; the default is 0.1."});
  if (high_set && *prio == 0)
    findings.push_back({Severity::kWarning, "", context.ValueOf(high.key),
                        high.key + " of 0 lets data blocks throw out index and filter blocks",
                        "Each read then may need three blocks from disk instead of one.",
                        "Delete it: the default is 0.1."});
}

void Check(const Context& context, Findings& findings) {
  for (const EmbeddedBackend& backend : BackendsIn(context))
    CheckBackend(context, backend, findings);
}

}  // namespace

extern const Rule kStateMemoryRatios;
const Rule kStateMemoryRatios{
    .id = "state-memory-ratios",
    .severity = Severity::kError,
    .title = "write-buffer-ratio or high-prio-pool-ratio at an extreme",
    .explanation =
        "The slot's budget is one cache; write-buffer-ratio says how much of it memtables may be "
        "charged to, high-prio-pool-ratio how much is kept for index and filter blocks. An error "
        "where Flink refuses the pair when a job starts (2 r / (3 - r) + h >= 1), a warning where "
        "one of the uses is starved.",
    .wrong = {.config = "taskmanager.memory.process.size: 4g\n"
                        "state.backend.type: rocksdb\n"
                        "state.backend.rocksdb.memory.write-buffer-ratio: 0.95\n"},
    .right = {.config = "taskmanager.memory.process.size: 4g\n"
                        "state.backend.type: rocksdb\n"
                        "state.backend.rocksdb.memory.write-buffer-ratio: 0.6\n"},
    .check = Check,
};

}  // namespace wrackline::flink::lint
