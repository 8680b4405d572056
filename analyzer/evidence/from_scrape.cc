#include "analyzer/evidence/from_scrape.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

namespace wrackline::evidence {
namespace {

const ScrapedTaskManager* Find(const FlinkScrape& scrape, const std::string& id) {
  const auto found =
      std::find_if(scrape.task_managers.begin(), scrape.task_managers.end(),
                   [&](const ScrapedTaskManager& manager) { return manager.id == id; });
  return found == scrape.task_managers.end() ? nullptr : &*found;
}

Result<std::string> Choose(const std::vector<ScrapeInput>& inputs,
                           const std::optional<std::string>& wanted) {
  const std::vector<std::string> ids = TaskManagersIn(inputs);
  if (ids.empty())
    return Error{inputs.front().source + " has no metric of a Flink TaskManager",
                 "scrape the port of metrics.reporter.prom on the TaskManager"};
  std::string named;
  for (const std::string& id : ids) {
    named += (named.empty() ? "" : ", ") + (id.empty() ? std::string("(unnamed)") : id);
    if (named.size() > 200) {
      named += ", ...";
      break;
    }
  }
  if (wanted)
    return std::find(ids.begin(), ids.end(), *wanted) != ids.end()
               ? Result<std::string>(*wanted)
               : Error{"no TaskManager '" + *wanted + "' in the scrape", "it has " + named};
  if (ids.size() > 1)
    return Error{"the scrape has " + std::to_string(ids.size()) + " TaskManagers: " + named,
                 "choose one with --taskmanager ID"};
  return ids.front();
}

void Raise(std::optional<Bytes>* peak, const std::optional<Bytes>& amount) {
  if (amount && (!*peak || **peak < *amount)) *peak = amount;
}

// Raises the peaks of the newest state to what an earlier scrape shows. Families are known by their
// database and name, a cache by a family that uses it.
void RaisePeaks(const RocksDb& earlier, RocksDb* state) {
  std::map<std::pair<std::string, std::string>, const RocksDbFamily*> before;
  for (const RocksDbFamily& family : earlier.families)
    before[{family.database, family.name}] = &family;
  for (RocksDbFamily& family : state->families) {
    const auto found = before.find({family.database, family.name});
    if (found == before.end()) continue;
    Raise(&family.memtables_peak, found->second->all_memtables);
    Raise(&family.table_readers_peak, found->second->table_readers);
    const std::uint64_t now = family.cache_id, then = found->second->cache_id;
    if (now == 0 || then == 0 || now > state->caches.size() || then > earlier.caches.size())
      continue;
    Raise(&state->caches[now - 1].usage_peak, earlier.caches[then - 1].usage);
  }
}

}  // namespace

std::vector<std::string> TaskManagersIn(const std::vector<ScrapeInput>& inputs) {
  std::set<std::string> ids;
  for (const ScrapeInput& input : inputs) {
    for (const ScrapedTaskManager& manager : input.scrape.task_managers) ids.insert(manager.id);
  }
  return {ids.begin(), ids.end()};
}

Result<Evidence> EvidenceFromScrapes(const std::vector<ScrapeInput>& inputs,
                                     const std::optional<std::string>& task_manager,
                                     const std::optional<ConfiguredRocksDb>& configured,
                                     std::optional<Bytes> limit) {
  const Result<std::string> id = Choose(inputs, task_manager);
  if (!id.ok()) return id.error();
  Evidence evidence;
  MetricsFacts facts;
  facts.task_manager = id.value();
  facts.scrapes = 0;
  std::vector<RocksDb> series;
  for (const ScrapeInput& input : inputs) {
    const ScrapedTaskManager* const manager = Find(input.scrape, id.value());
    if (manager == nullptr) continue;
    const Time time = input.scrape.time.value_or(input.time);
    evidence.source = input.source;
    evidence.last_record = time;
    facts.scrapes += 1;
    const FlinkMemory before = std::exchange(facts.memory, manager->memory);
    Raise(&facts.memory.network_used, before.network_used);
    Raise(&facts.memory.managed_used, before.managed_used);
    facts.notes.clear();
    if (auto rocksdb = RocksDbFromScrape(*manager, configured, time, &facts.notes))
      series.push_back(std::move(*rocksdb));
    evidence.rocksdb.reset();
    if (!manager->databases.empty()) evidence.rocksdb = series.back();
  }
  if (evidence.rocksdb) {
    evidence.rocksdb->history.clear();
    for (const RocksDb& moment : series) {
      RaisePeaks(moment, &*evidence.rocksdb);
      evidence.rocksdb->history.insert(evidence.rocksdb->history.end(), moment.history.begin(),
                                       moment.history.end());
    }
  }
  if (limit) evidence.limit = Figure{*limit, evidence.last_record, "--limit"};
  evidence.metrics = std::move(facts);
  return evidence;
}

}  // namespace wrackline::evidence
