// More written families than a write buffer manager has room for arena blocks: nothing is short of memory, and RocksDB does little else
// than flush and compact (flink::ArenaBlocksFit).
#include <fmt/core.h>

#include <algorithm>

#include "analyzer/diagnosis/rules.h"
#include "analyzer/flink/rocksdb_memory.h"

namespace wrackline::diagnosis {
namespace {

using evidence::RocksDb;
using evidence::RocksDbFamily;
using evidence::RocksDbManager;

// No block is larger; a damaged recording's may be, and is multiplied.
constexpr Bytes kLargestBlock{std::int64_t{1} << 40};

// What the memtables of one manager take before much is in them.
struct Blocks {
  int written = 0;
  Bytes largest, write_buffer, manager;
  bool Fit() const { return flink::ArenaBlocksFit(written, largest, manager); }
  Bytes Total() const { return (written + 1) * largest; }  // with one that is being flushed
  Bytes Beyond() const { return Total() - manager; }
};

Blocks BlocksUnder(const RocksDbManager& manager, const RocksDb& rocksdb) {
  Blocks blocks;
  blocks.manager = *manager.buffer_size;
  for (const RocksDbFamily& family : rocksdb.families) {
    if (family.manager_id != manager.id || !family.arena_block_size || !family.memtables_peak)
      continue;
    // One that nothing was written to has its head, 2 KiB.
    const Bytes block = *family.arena_block_size;
    if (block.count <= 0 || block > kLargestBlock || *family.memtables_peak < block) continue;
    ++blocks.written;
    blocks.largest = std::max(blocks.largest, block);
    blocks.write_buffer = std::max(blocks.write_buffer, family.write_buffer_size.value_or(Bytes{}));
  }
  return blocks;
}

// 0: none is small enough.
Bytes LargestWriteBuffer(const Blocks& blocks) {
  // Which RocksDB it is shows in its blocks.
  const flink::Version flink = blocks.largest < flink::ArenaBlockSize(blocks.write_buffer)
                                   ? flink::kNewestKnownVersion
                                   : flink::kOldestVersion;
  return flink::LargestWriteBuffer(blocks.write_buffer, blocks.written, blocks.manager, flink);
}

}  // namespace

std::optional<Finding> RocksDbFlushesWithoutEnd(const Case& c) {
  if (!c.evidence.rocksdb) return std::nullopt;
  std::optional<Blocks> worst;
  int managers = 0;
  for (const RocksDbManager& manager : c.evidence.rocksdb->managers) {
    if (!manager.buffer_size || manager.buffer_size->count <= 0) continue;
    const Blocks blocks = BlocksUnder(manager, *c.evidence.rocksdb);
    if (blocks.written == 0 || blocks.Fit()) continue;
    ++managers;
    if (!worst || blocks.Beyond() > worst->Beyond()) worst = blocks;
  }
  if (!worst) return std::nullopt;
  Finding finding;
  finding.role = Role::kInformation;
  finding.confidence = Confidence::kMedium;
  finding.summary = fmt::format(
      "under load RocksDB flushes without end: {} written column families and a flush take {} as "
      "soon as they are written to, and their write buffer manager is of {}",
      worst->written, FormatBytes(worst->Total()), FormatBytes(worst->manager));
  finding.evidence.push_back(
      fmt::format("a memtable grows by arena blocks of {}, of a write buffer of {}",
                  FormatBytes(worst->largest), FormatBytes(worst->write_buffer)));
  finding.evidence.emplace_back(
      "a manager that is full starts a flush at every write while half of it is mutable: the files "
      "are small, and compaction has them all to merge");
  if (managers > 1) finding.evidence.push_back(fmt::format("so it is under {} managers", managers));
  finding.against.emplace_back(
      "no memory is lost by it: it costs processor time and disk; how often it flushed is not "
      "recorded");
  const Bytes wanted = LargestWriteBuffer(*worst);
  finding.advice.push_back(
      wanted.count > 0
          ? fmt::format(
                "state.backend.rocksdb.writebuffer.size: {}m (write_buffer_size elsewhere): "
                "the manager bounds the memtables all the same",
                wanted.count / kMiB.count)
          : "fewer slots or databases under one manager, or a larger one");
  return finding;
}

}  // namespace wrackline::diagnosis
