// RocksDB's memory is managed, and it holds more than that: which of the known ways past the bound it took.
#include <fmt/core.h>

#include <algorithm>

#include "analyzer/diagnosis/held.h"
#include "analyzer/diagnosis/rocksdb_budget.h"
#include "analyzer/diagnosis/rules.h"
#include "analyzer/ledger/rocksdb_totals.h"

namespace wrackline::diagnosis {
namespace {

using evidence::RocksDb;
using evidence::RocksDbCache;
using evidence::RocksDbFamily;
using evidence::RocksDbManager;

// Reservations and rounding of a healthy one: 256 KiB a manager, an arena block a family.
constexpr Bytes kLeast = 16 * kMiB;
constexpr std::int64_t kPart = 20;  // and 1/20 of the budget

// Shared caches, charged with the memtables: what Flink's managed memory makes.
bool IsManaged(const Case& c) {
  const RocksDb& rocksdb = *c.evidence.rocksdb;
  if (c.evidence.flink && c.evidence.flink->budgets && !c.evidence.flink->rocksdb_managed)
    return false;
  if (BudgetOf(rocksdb).families_unmanaged > 0) return false;
  return std::any_of(rocksdb.caches.begin(), rocksdb.caches.end(),
                     [](const RocksDbCache& cache) { return cache.families.size() > 1; }) ||
         std::any_of(rocksdb.managers.begin(), rocksdb.managers.end(),
                     [](const RocksDbManager& manager) { return manager.charged_to_cache; });
}

struct Bound {
  Bytes amount;
  std::string origin;
};

std::optional<Bound> BoundOf(const Case& c) {
  Bytes capacity;
  bool unknown = false;
  for (const RocksDbCache& cache : c.evidence.rocksdb->caches) {
    capacity += cache.capacity.value_or(Bytes{});
    unknown |= !cache.capacity;
  }
  if (capacity.count > 0 && !unknown) return Bound{capacity, "the capacity of its block caches"};
  if (c.evidence.flink && !c.evidence.flink->rocksdb_fixed && c.evidence.flink->budgets &&
      c.evidence.flink->budgets->managed)
    return Bound{*c.evidence.flink->budgets->managed,
                 "managed memory, by " + c.evidence.flink->budgets->origin};
  return std::nullopt;
}

struct Way {
  Bytes amount;
  std::string text, advice;
};

// Each by figures of its own; they may overlap, as pinned blocks are in the cache's usage.
std::vector<Way> WaysOf(const RocksDb& rocksdb) {
  std::vector<Way> ways;
  for (const RocksDbManager& manager : rocksdb.managers) {
    if (!manager.buffer_size || !manager.memory_usage || manager.buffer_size->count <= 0) continue;
    const Bytes over = *manager.memory_usage - *manager.buffer_size;
    if (10 * over > *manager.buffer_size)
      ways.push_back(
          {over,
           fmt::format("memtables of {} under a write buffer manager of {}: it asks for "
                       "flushes but does not stop writers",
                       FormatBytes(*manager.memory_usage), FormatBytes(*manager.buffer_size)),
           "state.backend.rocksdb.memory.write-buffer-ratio lower, or more flush threads "
           "(state.backend.rocksdb.thread.num): flushes do not keep up"});
  }
  for (const RocksDbCache& cache : rocksdb.caches) {
    if (!cache.capacity || !cache.usage) continue;
    const Bytes over = *cache.usage - *cache.capacity;
    if (over <= Bytes{}) continue;
    std::string text = fmt::format("a block cache of {} holds {}", FormatBytes(*cache.capacity),
                                   FormatBytes(*cache.usage));
    const Bytes pinned =
        cache.pinned_usage.value_or(Bytes{}) - cache.reservations.value_or(Bytes{});
    if (2 * pinned > over)
      text += fmt::format(", {} of it pinned by iterators, or as index and filter",
                          FormatBytes(pinned));
    if (cache.strict == false) text += "; its capacity is not strict, so it takes what is pinned";
    ways.push_back({over, std::move(text),
                    "keep iterators short: what they read stays pinned; a strict limit makes reads "
                    "fail instead, which Flink does not handle"});
  }
  Bytes kept, readers;
  int versions = 0;
  for (const RocksDbFamily& family : rocksdb.families) {
    if (family.all_memtables && family.unflushed_memtables)
      kept += std::max(Bytes{}, *family.all_memtables - *family.unflushed_memtables);
    readers += family.table_readers.value_or(Bytes{});
    versions = std::max(versions, family.live_versions.value_or(0));
  }
  if (kept >= kLeast)
    ways.push_back(
        {kept,
         fmt::format(
             "{} of memtables are flushed but kept by readers{}", FormatBytes(kept),
             versions > 1 ? fmt::format(" ({} versions are alive)", versions) : std::string()),
         "close iterators and snapshots: each keeps the memtables of its moment"});
  if (readers >= kLeast)
    ways.push_back(
        {readers,
         fmt::format("{} of table readers lie outside the cache: index and filter blocks "
                     "of every open file",
                     FormatBytes(readers)),
         "index and filter blocks into the cache (Flink does this with managed memory; an "
         "options factory may undo it), partitioned "
         "(state.backend.rocksdb.memory.partitioned-index-filters: true), or fewer open "
         "files (state.backend.rocksdb.files.open)"});
  std::stable_sort(ways.begin(), ways.end(),
                   [](const Way& a, const Way& b) { return a.amount > b.amount; });
  return ways;
}

}  // namespace

std::optional<Finding> RocksDbBeyondManaged(const Case& c) {
  if (!c.evidence.rocksdb || !IsManaged(c)) return std::nullopt;
  const std::optional<Bound> bound = BoundOf(c);
  if (!bound) return std::nullopt;
  // What RocksDB's own stacks hold beyond its figures is beyond the bound too.
  const Bytes by_stack = LineAmount(c, "rocksdb.other");
  const Bytes held = ledger::TotalsOf(*c.evidence.rocksdb).total + by_stack;
  const Bytes beyond = held - bound->amount;
  if (beyond < kLeast || kPart * beyond < bound->amount) return std::nullopt;
  Finding finding;
  finding.amount = beyond;
  const std::optional<Bytes> total = TotalOf(c);
  finding.role = EndedByLimit(c.outcome) && total && 4 * held > *total && 10 * beyond > *total
                     ? Role::kCause
                     : Role::kContributor;
  finding.summary = fmt::format("RocksDB held {}, {} more than the {} that it was given",
                                FormatBytes(held), FormatBytes(beyond), FormatBytes(bound->amount));
  finding.evidence.push_back(
      fmt::format("bound: {} is {}", FormatBytes(bound->amount), bound->origin));
  std::vector<Way> ways = WaysOf(*c.evidence.rocksdb);
  if (by_stack >= kLeast)
    ways.push_back({by_stack,
                    fmt::format("{} by RocksDB's call stacks that none of its figures counts",
                                FormatBytes(by_stack)),
                    {}});
  Bytes known;
  for (Way& way : ways) {
    known += way.amount;
    finding.evidence.push_back(std::move(way.text));
    if (!way.advice.empty()) finding.advice.push_back(std::move(way.advice));
  }
  if (2 * known < beyond)
    finding.against.emplace_back("which way past the bound most of it took is not known");
  finding.confidence = 2 * known < beyond ? Confidence::kMedium : Confidence::kHigh;
  finding.advice.push_back(fmt::format(
      "until then leave room for it: taskmanager.memory.jvm-overhead.max and .min larger by {}",
      FormatBytes(beyond)));
  return finding;
}

}  // namespace wrackline::diagnosis
