#include "analyzer/flink/lint/facts.h"
#include "analyzer/flink/rocksdb_memory.h"

namespace wrackline::flink::lint {
namespace {

void Check(const Context& context, Findings& findings) {
  for (const EmbeddedBackend& backend : BackendsIn(context)) {
    const auto budget = StateBudgetOf(context, backend);
    if (!budget || budget->kind == StateBudget::Kind::kNone || budget->per_slot.count <= 0)
      continue;
    const StemOption size{std::string(backend.stem) + "writebuffer.size", "64m"};
    const StemOption ratio{std::string(backend.stem) + "memory.write-buffer-ratio", "0.5"};
    const auto buffer = SizeOf(context, size.Get());
    const auto share = DoubleOf(context, ratio.Get());
    if (!buffer || !share || !(*share >= 0 && *share <= 1)) continue;
    const Bytes manager = DivideForRocksDb(budget->per_slot, *share).write_buffer_manager_capacity;
    const Bytes block = ArenaBlockSize(*buffer, context.version);
    if (block <= MutableLimit(manager)) continue;
    const std::int64_t fits = MutableLimit(manager).count / 4096 * 4096 * 8;
    findings.push_back(
        {Severity::kWarning, "", context.ValueOf(size.key),
         "Write buffers of " + FormatBytes(*buffer) + " are too large for a budget of " +
             FormatBytes(budget->per_slot) + " a slot",
         "The write buffer manager gets " + FormatBytes(manager) +
             " and begins to flush at 7/8 of it, " + FormatBytes(MutableLimit(manager)) +
             "; one arena block is " + FormatBytes(block) +
             ". The first block of every memtable is over the mark, so that each write starts a "
             "flush.",
         fits >= 4 * kMiB.count
             ? "Write " + size.key + ": " + std::to_string(fits >> 20) +
                   "m or less; or give the slot more "
                   "managed memory."
             : std::string("Give the slot more managed memory, or use fewer slots.")});
  }
}

}  // namespace

extern const Rule kWriteBufferArena;
const Rule kWriteBufferArena{
    .id = "write-buffer-arena",
    .severity = Severity::kWarning,
    .title = "write buffers too large for the slot's budget",
    .explanation =
        "RocksDB takes memory for a memtable in arena blocks of an eighth of the write buffer, and "
        "its write buffer manager starts a flush at 7/8 of its capacity (2/3 x ratio of the slot's "
        "budget). A block larger than that mark makes every write flush: tiny files, endless "
        "compaction, and memory that rises all the same. Flink checks the same since 1.12 and only "
        "logs a warning. From Flink 2.0 on RocksDB's blocks are at most 1 MiB.",
    .wrong = {.config = "taskmanager.memory.process.size: 1728m\n"
                        "taskmanager.numberOfTaskSlots: 32\n"
                        "state.backend.type: rocksdb\n"
                        "state.backend.rocksdb.writebuffer.size: 128m\n"},
    .right = {.config = "taskmanager.memory.process.size: 1728m\n"
                        "taskmanager.numberOfTaskSlots: 4\n"
                        "state.backend.type: rocksdb\n"
                        "state.backend.rocksdb.writebuffer.size: 128m\n"},
    .check = Check,
};

}  // namespace wrackline::flink::lint
