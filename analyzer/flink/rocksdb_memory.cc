#include "analyzer/flink/rocksdb_memory.h"

#include "analyzer/flink/java_number.h"

namespace wrackline::flink {

// Flink computes both in Java doubles, in this order, and casts to long: the same IEEE operations
// here.
RocksDbMemory DivideForRocksDb(Bytes managed, double write_buffer_ratio) {
  const auto total = static_cast<double>(managed.count);
  return {{JavaLong((3 - write_buffer_ratio) * total / 3)},
          {JavaLong(2 * total * write_buffer_ratio / 3)}};
}

Bytes ArenaBlockSize(Bytes write_buffer_size) {
  constexpr std::int64_t kAlignment = 4096;
  const std::int64_t block = write_buffer_size.count / 8;
  const std::int64_t rest = block % kAlignment;
  return {rest == 0 ? block : block - rest + kAlignment};
}

Bytes MutableLimit(Bytes write_buffer_manager_capacity) {
  // Divided first: 7 * capacity could overflow. capacity * 7 / 8 = 7 * (capacity / 8) + 7 *
  // (capacity % 8) / 8.
  const std::int64_t capacity = write_buffer_manager_capacity.count;
  return {7 * (capacity / 8) + 7 * (capacity % 8) / 8};
}

bool ArenaBlockFits(Bytes write_buffer_size, Bytes write_buffer_manager_capacity) {
  return ArenaBlockSize(write_buffer_size) <= MutableLimit(write_buffer_manager_capacity);
}

Bytes ManagedPerSlot(Bytes managed, int slots) { return {managed.count / slots}; }

}  // namespace wrackline::flink
