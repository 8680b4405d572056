// RocksDB may take more than the limit leaves it: what its options allow, added up, against what is
// left beside the rest of the process.
#include <fmt/core.h>

#include <algorithm>
#include <map>
#include <set>

#include "analyzer/diagnosis/rocksdb_budget.h"
#include "analyzer/diagnosis/rules.h"

namespace wrackline::diagnosis {
namespace {

std::string CountOf(std::size_t count, const char* singular, const char* plural) {
  return fmt::format("{} {}", count, count == 1 ? singular : plural);
}

// "4 families x (2 x 64.0 MiB write buffers + 8.0 MiB block cache) = 544.0 MiB" when all families
// are alike; otherwise write buffers and caches apart.
std::string Equation(const RocksDbBudget& budget) {
  if (budget.uniform)
    return fmt::format("{} x ({} x {} write buffers + {} block cache) = {}",
                       CountOf(budget.families, "family", "families"), budget.uniform->buffers,
                       FormatBytes(budget.uniform->buffer_size), FormatBytes(budget.uniform->cache),
                       FormatBytes(budget.Total()));
  return fmt::format(
      "write buffers of {} {} + {} {} = {}", CountOf(budget.families, "family", "families"),
      FormatBytes(budget.write_buffers), CountOf(budget.caches, "block cache", "block caches"),
      FormatBytes(budget.cache_capacity), FormatBytes(budget.Total()));
}

// RocksDB's figures are not there, but its configuration is: nothing bounds it, and how much it took is not known.
std::optional<Finding> ByConfiguration(const Case& c) {
  if (!c.evidence.flink || c.evidence.flink->rocksdb_managed) return std::nullopt;
  const evidence::FlinkFacts& flink = *c.evidence.flink;
  const bool used = flink.rocksdb || flink.state_backend.find("ocks") != std::string::npos;
  Finding finding;
  finding.role = EndedByLimit(c.outcome) && used ? Role::kCause : Role::kContributor;
  finding.confidence = used ? Confidence::kMedium : Confidence::kLow;
  finding.summary =
      "RocksDB is not bound to managed memory: each column family of each operator takes a cache "
      "and "
      "write buffers of its own";
  finding.evidence.emplace_back("state.backend.rocksdb.memory.managed: false");
  if (!flink.state_backend.empty())
    finding.evidence.push_back("state backend: " + flink.state_backend);
  if (!used) finding.against.emplace_back("whether the job has RocksDB state at all is not known");
  finding.against.emplace_back("RocksDB's own figures are not here: how much it held is not known");
  // What is anonymous beyond all that Flink grants the VM: RocksDB and whatever else is native.
  const auto& kill = c.evidence.ending.kernel_kill;
  if (flink.budgets && kill && kill->anon_rss) {
    const evidence::FlinkBudgets& b = *flink.budgets;
    Bytes granted;
    for (const auto& part : {b.framework_heap, b.task_heap, b.framework_off_heap, b.task_off_heap,
                             b.network, b.metaspace, b.overhead})
      granted += part.value_or(Bytes{});
    if (*kill->anon_rss > granted) {
      finding.amount = *kill->anon_rss - granted;
      finding.evidence.push_back(fmt::format(
          "{} were anonymous at the kill, {} more than everything that Flink grants beside managed "
          "memory ({})",
          FormatBytes(*kill->anon_rss), FormatBytes(finding.amount), b.origin));
    }
  }
  finding.advice.emplace_back(
      "state.backend.rocksdb.memory.managed: true, with taskmanager.memory.managed.fraction or "
      ".size "
      "for what it may take");
  return finding;
}

}  // namespace

RocksDbBudget BudgetOf(const evidence::RocksDb& rocksdb) {
  RocksDbBudget budget;
  std::map<std::uint64_t, Bytes> managed;  // manager -> the buffers of its families
  std::map<std::uint64_t, int> cache_users;
  std::optional<UniformFamily> uniform;
  bool alike = true;
  for (const evidence::RocksDbFamily& family : rocksdb.families) {
    budget.families += 1;
    if (family.cache_id != 0) cache_users[family.cache_id] += 1;
    if (!family.write_buffer_size || !family.max_write_buffers) {
      budget.families_unknown += 1;
      alike = false;
      continue;
    }
    const Bytes buffers = std::int64_t{*family.max_write_buffers} * *family.write_buffer_size;
    if (family.manager_id != 0) {
      managed[family.manager_id] += buffers;
      alike = false;
      continue;
    }
    budget.families_unmanaged += 1;
    budget.write_buffers += buffers;
    UniformFamily shape{*family.max_write_buffers, *family.write_buffer_size, {}};
    for (const evidence::RocksDbCache& cache : rocksdb.caches) {
      if (cache.id == family.cache_id) shape.cache = cache.capacity.value_or(Bytes{});
    }
    if (uniform && !(*uniform == shape)) alike = false;
    uniform = shape;
  }
  std::set<std::uint64_t> charged_caches;
  for (const evidence::RocksDbManager& manager : rocksdb.managers) {
    const auto found = managed.find(manager.id);
    if (found == managed.end()) continue;
    // A manager of size 0 bounds nothing.
    const bool bounds = manager.buffer_size && manager.buffer_size->count > 0;
    const Bytes most = bounds ? std::min(found->second, *manager.buffer_size) : found->second;
    if (bounds) budget.managed = true;
    // Charged to a cache: inside that cache's capacity already.
    if (!(bounds && manager.charged_to_cache)) budget.write_buffers += most;
    managed.erase(found);
  }
  for (const auto& [id, buffers] : managed) budget.write_buffers += buffers;
  for (const evidence::RocksDbCache& cache : rocksdb.caches) {
    if (!cache.capacity) continue;
    budget.caches += 1;
    budget.cache_capacity += *cache.capacity;
    if (cache_users[cache.id] > 1) alike = false;
  }
  if (alike && budget.families > 0) budget.uniform = uniform;
  return budget;
}

std::optional<Finding> RocksDbUnmanaged(const Case& c) {
  if (!c.evidence.rocksdb) return ByConfiguration(c);
  if (!c.ledger || !c.evidence.limit) return std::nullopt;
  const RocksDbBudget budget = BudgetOf(*c.evidence.rocksdb);
  if (budget.families == budget.families_unknown) return std::nullopt;
  const Bytes held = c.ledger->Of(ledger::Holder::kRocksDb);
  // What the limit leaves to RocksDB: reclaimable page cache gives way and does not count.
  Bytes outside = c.ledger->total - held;
  for (const ledger::Line& line : c.ledger->lines) {
    if (line.id == "file.page_cache") outside -= line.amount;
  }
  const Bytes left = std::max(Bytes{}, c.evidence.limit->amount - outside);
  if (budget.Total() <= left) return std::nullopt;

  Finding finding;
  finding.amount = held;
  const bool mostly = 2 * held > c.ledger->total;
  finding.role = EndedByLimit(c.outcome)
                     ? (4 * held > c.ledger->total ? Role::kCause : Role::kContributor)
                     : Role::kContributor;
  finding.confidence = mostly ? Confidence::kHigh : Confidence::kMedium;
  // Metrics name a part of what is outside RocksDB: less is left than this.
  const char* const at_most = c.evidence.metrics ? "at most " : "";
  finding.summary = fmt::format("{} with {} may take {}, and the limit leaves {}{}",
                                CountOf(budget.families, "column family", "column families"),
                                budget.managed ? "write buffers" : "unmanaged write buffers",
                                FormatBytes(budget.Total()), at_most, FormatBytes(left));
  finding.evidence.push_back(Equation(budget));
  finding.evidence.push_back(
      fmt::format("RocksDB held {} of {}", FormatBytes(held), FormatBytes(c.ledger->total)));
  finding.evidence.push_back(fmt::format("limit {} less {} outside RocksDB leaves {}{}",
                                         FormatBytes(c.evidence.limit->amount),
                                         FormatBytes(outside), at_most, FormatBytes(left)));
  if (budget.families_unknown > 0)
    finding.evidence.push_back(fmt::format("the options of {} are not known and not in this sum",
                                           CountOf(budget.families_unknown, "family", "families")));
  return finding;
}

}  // namespace wrackline::diagnosis
