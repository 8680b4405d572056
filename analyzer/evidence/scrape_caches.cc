#include "analyzer/evidence/scrape_caches.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <utility>

#include "analyzer/evidence/scrape_slots.h"
#include "analyzer/flink/memory_model.h"
#include "analyzer/flink/memory_size.h"

namespace wrackline::evidence {
namespace {

// The reading that most families show; of several the largest.
std::optional<Bytes> MostFrequent(const std::vector<const ScrapedFamily*>& families,
                                  std::optional<Bytes> ScrapedFamily::*field) {
  std::map<Bytes, int> counts;
  for (const ScrapedFamily* family : families) {
    if (family->*field) ++counts[*(family->*field)];
  }
  std::optional<Bytes> most;
  int count = 0;
  for (const auto& [amount, times] : counts) {
    if (times >= count) {
      most = amount;
      count = times;
    }
  }
  return most;
}

RocksDbFamily FamilyOf(const ScrapedFamily& scraped, Time time) {
  RocksDbFamily family;
  family.name = scraped.name;
  family.time = time;
  family.active_memtable = scraped.active_memtable;
  family.unflushed_memtables = scraped.unflushed_memtables;
  family.all_memtables = scraped.all_memtables         ? scraped.all_memtables
                         : scraped.unflushed_memtables ? scraped.unflushed_memtables
                                                       : scraped.active_memtable;
  family.table_readers = scraped.table_readers;
  family.immutable_memtables = scraped.immutable_memtables;
  family.memtables_peak = family.all_memtables;
  family.table_readers_peak = family.table_readers;
  return family;
}

RocksDbCache CacheOf(const std::vector<const ScrapedFamily*>& families, std::uint64_t id) {
  RocksDbCache cache;
  cache.id = id;
  cache.capacity = MostFrequent(families, &ScrapedFamily::cache_capacity);
  cache.usage = MostFrequent(families, &ScrapedFamily::cache_usage);
  cache.pinned_usage = MostFrequent(families, &ScrapedFamily::cache_pinned);
  cache.usage_peak = cache.usage;
  for (const ScrapedFamily* family : families) cache.families.push_back(family->name);
  return cache;
}

// Flink charges the memtables of a shared cache to it, through a write buffer manager of 2r/(3 - r)
// of the cache's capacity (flink/rocksdb_memory.h). What is reserved is at least the memtables.
RocksDbManager ManagerOf(const std::vector<const ScrapedFamily*>& families, double ratio,
                         RocksDbCache* cache) {
  RocksDbManager manager;
  manager.id = cache->id;
  manager.cache_id = cache->id;
  manager.charged_to_cache = true;
  if (cache->capacity)
    manager.buffer_size = Bytes{static_cast<std::int64_t>(
        static_cast<double>(cache->capacity->count) * 2 * ratio / (3 - ratio))};
  Bytes memtables;
  for (const ScrapedFamily* family : families)
    memtables += FamilyOf(*family, {}).all_memtables.value_or(Bytes{});
  manager.memory_usage = memtables;
  manager.reservation = std::min(memtables, cache->usage.value_or(Bytes{}));
  cache->reservations = manager.reservation;
  return manager;
}

// A gauge that no family has is not switched on in Flink.
void NoteMissing(const ScrapedTaskManager& scraped, std::vector<std::string>* notes) {
  bool usage = false, capacity = false, memtables = false, readers = false;
  for (const ScrapedDatabase& database : scraped.databases) {
    for (const ScrapedFamily& family : database.families) {
      usage |= family.cache_usage.has_value();
      capacity |= family.cache_capacity.has_value();
      memtables |= family.all_memtables.has_value();
      readers |= family.table_readers.has_value();
    }
  }
  std::string missing;
  const auto add = [&missing](bool present, const char* name) {
    if (!present) missing += (missing.empty() ? "" : ", ") + std::string(name);
  };
  add(usage, "block-cache-usage");
  add(capacity, "block-cache-capacity");
  add(memtables, "size-all-mem-tables");
  add(readers, "estimate-table-readers-mem");
  if (!missing.empty())
    notes->push_back("Not in the scrape, so not in any sum: " + missing +
                     " (state.backend.rocksdb.metrics.NAME: true switches them on).");
}

}  // namespace

std::optional<ConfiguredRocksDb> ReadConfiguredRocksDb(const flink::Configuration& configuration,
                                                       flink::Version version) {
  const auto memory =
      flink::DeriveTaskManagerMemory(configuration, version, flink::Mode::kStandalone);
  if (!memory.ok()) return std::nullopt;
  const auto budget = flink::ReadRocksDbBudget(configuration, version, memory.value().managed);
  if (!budget.ok()) return std::nullopt;
  ConfiguredRocksDb configured{budget.value(), std::nullopt, std::nullopt};
  // RocksDB's own defaults, 64 MB and 2, unless one of Flink's predefined sets is chosen.
  const std::string set =
      configuration.Get("state.backend.rocksdb.predefined-options").value_or("DEFAULT");
  if (set == "DEFAULT") {
    configured.write_buffer_size = 64 * kMiB;
    configured.max_write_buffers = 2;
  }
  if (const auto text = configuration.Get("state.backend.rocksdb.writebuffer.size")) {
    const auto size = flink::ParseMemorySize(*text);
    configured.write_buffer_size.reset();
    if (size.ok()) configured.write_buffer_size = Bytes{size.value().bytes};
  }
  if (const auto text = configuration.Get("state.backend.rocksdb.writebuffer.count")) {
    int count = 0;
    const auto parsed = std::from_chars(text->data(), text->data() + text->size(), count);
    configured.max_write_buffers.reset();
    if (parsed.ec == std::errc{} && count > 0 && count <= 1 << 20)
      configured.max_write_buffers = count;
  }
  return configured;
}

std::optional<RocksDb> RocksDbFromScrape(const ScrapedTaskManager& task_manager,
                                         const std::optional<ConfiguredRocksDb>& configured,
                                         Time time, std::vector<std::string>* notes) {
  if (task_manager.databases.empty()) return std::nullopt;
  RocksDb result;
  result.time = time;
  result.databases =
      static_cast<int>(std::min<std::size_t>(task_manager.databases.size(), 1 << 20));
  std::vector<std::size_t> first;  // family of each database in result.families
  for (std::size_t i = 0; i < task_manager.databases.size(); ++i) {
    const ScrapedDatabase& database = task_manager.databases[i];
    first.push_back(result.families.size());
    for (const ScrapedFamily& scraped : database.families) {
      RocksDbFamily& family = result.families.emplace_back(FamilyOf(scraped, time));
      family.database_id = i + 1;
      family.database = database.Label();
      if (configured) {
        family.write_buffer_size = configured->write_buffer_size;
        family.max_write_buffers = configured->max_write_buffers;
      }
    }
  }
  const auto add_cache = [&](const std::vector<const ScrapedFamily*>& families) -> RocksDbCache* {
    RocksDbCache cache = CacheOf(families, result.caches.size() + 1);
    if (!cache.usage && !cache.capacity) return nullptr;
    return &result.caches.emplace_back(std::move(cache));
  };

  std::optional<flink::RocksDbBudget> budget;
  if (configured) budget = configured->budget;
  std::vector<bool> grouped(task_manager.databases.size(), false);
  for (const std::vector<std::size_t>& databases :
       DatabasesOfSharedCaches(task_manager, budget, notes)) {
    std::vector<const ScrapedFamily*> families;
    for (const std::size_t i : databases) {
      grouped[i] = true;
      for (const ScrapedFamily& family : task_manager.databases[i].families)
        families.push_back(&family);
    }
    RocksDbCache* const cache = add_cache(families);
    if (cache == nullptr) continue;
    result.managers.push_back(
        ManagerOf(families, configured ? configured->budget.write_buffer_ratio : 0.5, cache));
    for (const std::size_t i : databases) {
      for (std::size_t f = 0; f < task_manager.databases[i].families.size(); ++f) {
        result.families[first[i] + f].cache_id = cache->id;
        result.families[first[i] + f].manager_id = cache->id;
      }
    }
  }
  for (std::size_t i = 0; i < task_manager.databases.size(); ++i) {
    if (grouped[i]) continue;
    for (std::size_t f = 0; f < task_manager.databases[i].families.size(); ++f) {
      const RocksDbCache* cache = add_cache({&task_manager.databases[i].families[f]});
      if (cache != nullptr) result.families[first[i] + f].cache_id = cache->id;
    }
  }
  NoteMissing(task_manager, notes);
  notes->insert(notes->end(), task_manager.remarks.begin(), task_manager.remarks.end());

  RocksDbMoment moment;
  moment.time = time;
  for (const RocksDbFamily& family : result.families) {
    moment.memtables += family.all_memtables.value_or(Bytes{});
    moment.table_readers += family.table_readers.value_or(Bytes{});
  }
  for (const RocksDbCache& cache : result.caches)
    moment.caches += cache.usage.value_or(Bytes{}) - cache.reservations.value_or(Bytes{});
  result.history.push_back(moment);
  return result;
}

}  // namespace wrackline::evidence
