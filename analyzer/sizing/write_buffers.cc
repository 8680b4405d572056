#include "analyzer/sizing/write_buffers.h"

#include <algorithm>

#include "analyzer/flink/rocksdb_memory.h"

namespace wrackline::sizing {
namespace {

// More than any slot has; what a damaged run file says times a block does not overflow.
constexpr std::int64_t kMostWritten = 10'000;

// Of a slot, rounded up: the slots of a TaskManager run the same operators.
int WrittenIn(const Run& run, int slots, flink::Version version) {
  std::int64_t written = 0;
  for (const FamilyDemand& family : run.families) {
    // One that nothing was written to has its head, 2 KiB.
    const Bytes block = flink::ArenaBlockSize(family.write_buffer_size, version);
    if (block.count == 0 || family.memtables_peak < block) continue;
    written += std::max(1, family.databases > 0 ? family.databases : run.databases);
  }
  return static_cast<int>(std::min((written + slots - 1) / slots, kMostWritten));
}

}  // namespace

std::optional<WriteBuffers> WriteBuffersFor(const std::vector<Run>& runs, Bytes managed,
                                            const flink::RocksDbBudget& budget,
                                            flink::Version version) {
  WriteBuffers buffers;
  for (const Run& run : runs) {
    const int slots = std::max(1, run.slots.value_or(budget.slots));
    buffers.written = std::max(buffers.written, WrittenIn(run, slots, version));
    for (const FamilyDemand& family : run.families)
      buffers.present = std::max(buffers.present, family.write_buffer_size);
  }
  if (buffers.written == 0) return std::nullopt;
  const Bytes manager =
      flink::DivideForRocksDb(flink::ManagedPerSlot(managed, std::max(1, budget.slots)),
                              budget.write_buffer_ratio)
          .write_buffer_manager_capacity;
  buffers.wanted = flink::LargestWriteBuffer(buffers.present, buffers.written, manager, version);
  if (buffers.wanted == buffers.present) return std::nullopt;
  buffers.block = flink::ArenaBlockSize(buffers.present, version);
  buffers.manager = manager;
  return buffers;
}

}  // namespace wrackline::sizing
