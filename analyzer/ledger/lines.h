// The makers of ledger lines, one per source; BuildLedger puts them together. Rules:
// docs/ledger.md.
#pragma once

#include <vector>

#include "analyzer/ledger/ledger.h"

namespace wrackline::ledger {

// The source of the VM's lines where nobody read what is resident: a ledger that has it counts malloc's part of them too.
inline constexpr const char* kTrackedCommitted = "Native Memory Tracking, committed";

// Memtables per family, caches without the memtables charged to them, table readers; and what
// RocksDB's stacks hold beyond these figures, where that is more than the sampling error.
void AddRocksDbLines(const evidence::Evidence& evidence, Ledger* ledger);

// Sites outside RocksDB: the largest ones by name, the others in one line.
void AddNativeLines(const evidence::Evidence& evidence, Ledger* ledger);

// The allocator's own: rounding and headers, free memory it keeps, metadata.
void AddAllocatorLines(const evidence::Evidence& evidence, Ledger* ledger);

// By how much the process's anonymous memory has grown (or shrunk, negative) from the allocator's
// reading to the last tick, where that is more than a twentieth of it; else 0. Allocator figures of
// another amount of memory explain nothing.
Bytes MemoryChangedSince(const evidence::Evidence& evidence,
                         const evidence::AllocatorFigures& allocator);

// The VM's resident memory by kind, of the reading nearest to the ledger's time. Returns what of it is shared memory (ZGC's
// heap), which the kernel's figures hold too.
Bytes AddJvmLines(const evidence::Evidence& evidence, const evidence::TimelinePoint& point,
                  Ledger* ledger);

// Page cache, mapped files, shared memory less `jvm_shared`, kernel memory; for the resident basis only the resident
// file pages.
void AddKernelLines(const evidence::TimelinePoint& point, Bytes jvm_shared, Ledger* ledger);

// The ledger of a scrape of metrics: RocksDB's lines and the JVM's. Nothing when the evidence is a
// recording.
std::optional<Ledger> LedgerOfMetrics(const evidence::Evidence& evidence);

// Puts every line into its group, with the budgets that Flink's configuration grants (groups.cc).
void AddGroups(const evidence::Evidence& evidence, Ledger* ledger);

// Whose direct buffers a site allocates.
enum class DirectUse { kNone, kNetwork, kFramework, kUser };
DirectUse DirectUseOf(const evidence::Site& site);

// Live bytes and their variance over the sites inside or outside RocksDB.
struct LiveEstimate {
  Bytes live;       // as requested of the allocator
  Bytes untouched;  // of these: without a page
  double variance = 0;
  Bytes StandardError() const;
  Bytes Resident() const { return live - untouched; }
};
LiveEstimate EstimateLive(const std::vector<evidence::Site>& sites, bool in_rocksdb);

}  // namespace wrackline::ledger
