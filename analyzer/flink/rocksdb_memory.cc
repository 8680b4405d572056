#include "analyzer/flink/rocksdb_memory.h"

#include <algorithm>

#include "analyzer/flink/java_number.h"

namespace wrackline::flink {
namespace {

// Its RocksDB is 8.10; before it was 6.20 or older.
constexpr Version kSmallArenaBlocks{2, 0, 0};

}  // namespace

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

Bytes ArenaBlockSize(Bytes write_buffer_size, Version flink) {
  const Bytes block = ArenaBlockSize(write_buffer_size);
  return flink < kSmallArenaBlocks ? block : std::min(block, 1 * kMiB);
}

bool ArenaBlocksFit(int written, Bytes block, Bytes write_buffer_manager_capacity) {
  return (written + 1) * block <= write_buffer_manager_capacity;
}

Bytes LargestWriteBuffer(Bytes present, int written, Bytes write_buffer_manager_capacity,
                         Version flink) {
  if (ArenaBlocksFit(written, ArenaBlockSize(present, flink), write_buffer_manager_capacity))
    return present;
  const Bytes half{write_buffer_manager_capacity.count / 2};
  Bytes smaller = 1 * kMiB;
  while (smaller.count <= present.count / 2) smaller = 2 * smaller;
  for (; smaller >= 1 * kMiB; smaller = {smaller.count / 2}) {
    const Bytes block = ArenaBlockSize(smaller, flink);
    if (smaller < present && written * block < half &&
        ArenaBlocksFit(written, block, write_buffer_manager_capacity))
      return smaller;
  }
  return {};
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
