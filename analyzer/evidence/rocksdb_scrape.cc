#include "analyzer/evidence/rocksdb_scrape.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <tuple>
#include <utility>

#include "analyzer/evidence/convert.h"

namespace wrackline::evidence {
namespace {

constexpr std::size_t kMostFamilies = 65536;
constexpr std::string_view kOperator = "flink_taskmanager_job_task_operator_";
constexpr std::string_view kStatus = "flink_taskmanager_Status_";
constexpr std::string_view kRocksDb = "_rocksdb_";
constexpr std::string_view kFamilyLabel = "column_family";

struct FamilyGauge {
  std::string_view name;
  std::optional<Bytes> ScrapedFamily::*field;
};
constexpr FamilyGauge kFamilyGauges[] = {
    {"block_cache_capacity", &ScrapedFamily::cache_capacity},
    {"block_cache_usage", &ScrapedFamily::cache_usage},
    {"block_cache_pinned_usage", &ScrapedFamily::cache_pinned},
    {"cur_size_active_mem_table", &ScrapedFamily::active_memtable},
    {"cur_size_all_mem_tables", &ScrapedFamily::unflushed_memtables},
    {"size_all_mem_tables", &ScrapedFamily::all_memtables},
    {"estimate_table_readers_mem", &ScrapedFamily::table_readers},
};
constexpr std::string_view kImmutable = "num_immutable_mem_table";

struct StatusGauge {
  std::string_view name;
  std::optional<Bytes> FlinkMemory::*field;
};
constexpr StatusGauge kStatusGauges[] = {
    {"JVM_Memory_Heap_Used", &FlinkMemory::heap_used},
    {"JVM_Memory_Heap_Committed", &FlinkMemory::heap_committed},
    {"JVM_Memory_Heap_Max", &FlinkMemory::heap_max},
    {"JVM_Memory_NonHeap_Committed", &FlinkMemory::non_heap_committed},
    {"JVM_Memory_Metaspace_Committed", &FlinkMemory::metaspace_committed},
    {"JVM_Memory_Direct_MemoryUsed", &FlinkMemory::direct},
    {"JVM_Memory_Mapped_MemoryUsed", &FlinkMemory::mapped},
    {"Shuffle_Netty_TotalMemory", &FlinkMemory::network},
    {"Shuffle_Netty_UsedMemory", &FlinkMemory::network_used},
    {"Flink_Memory_Managed_Total", &FlinkMemory::managed_total},
    {"Flink_Memory_Managed_Used", &FlinkMemory::managed_used},
};

// Gauges of Java say -1 for what is not defined.
std::optional<Bytes> Amount(double value) {
  if (!(value >= 0)) return std::nullopt;
  if (value >= 9.0e18) return value > 1e300 ? std::nullopt : std::optional(ToBytes(~0ULL));
  return ToBytes(static_cast<std::uint64_t>(value));
}

int Number(std::string_view text) {
  int number = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), number);
  return parsed.ec == std::errc{} && number >= 0 ? number : 0;
}

std::string_view Either(std::string_view first, std::string_view second) {
  return first.empty() ? second : first;
}

std::string_view TaskManagerOf(const ScrapeSample& sample) {
  return Either(Either(sample.Label("tm_id"), sample.Label("host")), sample.Label("instance"));
}

struct DatabaseKey {
  std::string job, task, operator_id;
  int subtask;
  std::string attempt;
  auto operator<=>(const DatabaseKey&) const = default;
};

struct Gathered {
  FlinkMemory memory;
  std::map<DatabaseKey, std::pair<ScrapedDatabase, std::map<std::string, ScrapedFamily>>> databases;
};

class Gatherer {
 public:
  void Add(const ScrapeSample& sample) {
    if (sample.name.rfind(kStatus, 0) == 0) {
      AddStatus(sample);
    } else if (sample.name.rfind(kOperator, 0) == 0) {
      AddOperator(sample);
    } else {
      return;
    }
    if (sample.time && (!time_ || *time_ < *sample.time)) time_ = sample.time;
  }
  bool TooMany() const { return families_ > kMostFamilies; }

  FlinkScrape Finish() &&;

 private:
  void AddStatus(const ScrapeSample& sample) {
    const std::string_view name = std::string_view(sample.name).substr(kStatus.size());
    for (const StatusGauge& gauge : kStatusGauges) {
      if (gauge.name == name)
        task_managers_[std::string(TaskManagerOf(sample))].memory.*gauge.field =
            Amount(sample.value);
    }
  }

  void AddOperator(const ScrapeSample& sample) {
    const std::string_view name = std::string_view(sample.name).substr(kOperator.size());
    const std::size_t at = name.rfind(kRocksDb);
    if (at == std::string_view::npos) return;
    const std::string_view property = name.substr(at + kRocksDb.size());
    const FamilyGauge* gauge =
        std::find_if(std::begin(kFamilyGauges), std::end(kFamilyGauges),
                     [&](const FamilyGauge& known) { return known.name == property; });
    const bool amount = gauge != std::end(kFamilyGauges);
    if ((!amount && property != kImmutable) || TooMany()) return;
    ScrapedFamily& family = FamilyOf(sample, name.substr(0, at));
    if (amount) {
      family.*gauge->field = Amount(sample.value);
    } else {
      const std::optional<Bytes> count = Amount(sample.value);
      family.immutable_memtables.reset();
      if (count)
        family.immutable_memtables =
            static_cast<int>(std::min<std::int64_t>(count->count, 1 << 20));
    }
  }

  ScrapedFamily& FamilyOf(const ScrapeSample& sample, std::string_view name) {
    const std::string_view label = sample.Label(kFamilyLabel);
    if (name == kFamilyLabel && !label.empty()) name = label;
    const std::string_view task = Either(sample.Label("task_id"), sample.Label("task_name"));
    const std::string_view of = Either(sample.Label("operator_id"), sample.Label("operator_name"));
    const DatabaseKey key{std::string(sample.Label("job_id")), std::string(task), std::string(of),
                          Number(sample.Label("subtask_index")),
                          std::string(sample.Label("task_attempt_id"))};
    auto& [database, families] = task_managers_[std::string(TaskManagerOf(sample))].databases[key];
    if (families.empty()) {
      database.job = key.job;
      database.job_name = sample.Label("job_name");
      database.task = key.task;
      database.operator_id = key.operator_id;
      database.operator_name = Either(sample.Label("operator_name"), key.operator_id);
      database.attempt = key.attempt;
      database.attempt_number = Number(sample.Label("task_attempt_num"));
      database.subtask = key.subtask;
    }
    const auto [place, fresh] = families.try_emplace(std::string(name));
    if (fresh) {
      ++families_;
      place->second.name = name;
    }
    return place->second;
  }

  std::map<std::string, Gathered> task_managers_;
  std::size_t families_ = 0;
  std::optional<Time> time_;
};

// A database that was reopened after a failure is still in a scrape that other scrapes were added
// to: only its newest attempt is open.
void KeepNewestAttempts(std::vector<ScrapedDatabase>* databases,
                        std::vector<std::string>* remarks) {
  std::map<std::tuple<std::string, std::string, std::string, int>, std::pair<int, std::string>>
      newest;
  const auto place = [](const ScrapedDatabase& database) {
    return std::tuple(database.job, database.task, database.operator_id, database.subtask);
  };
  const auto age = [](const ScrapedDatabase& database) {
    return std::pair(database.attempt_number, database.attempt);
  };
  for (const ScrapedDatabase& database : *databases) {
    auto& best = newest[place(database)];
    best = std::max(best, age(database));
  }
  const auto older = std::stable_partition(
      databases->begin(), databases->end(),
      [&](const ScrapedDatabase& database) { return newest.at(place(database)) == age(database); });
  if (older == databases->end()) return;
  const auto count = databases->end() - older;
  remarks->push_back(std::to_string(count) + (count == 1 ? " database" : " databases") +
                     " of an earlier attempt left out: " + older->Label() +
                     (count == 1 ? "" : ", ..."));
  databases->erase(older, databases->end());
}

FlinkScrape Gatherer::Finish() && {
  FlinkScrape scrape;
  scrape.time = time_;
  for (auto& [id, gathered] : task_managers_) {
    ScrapedTaskManager& manager = scrape.task_managers.emplace_back();
    manager.id = id;
    manager.memory = gathered.memory;
    for (auto& [key, content] : gathered.databases) {
      manager.databases.push_back(std::move(content.first));
      for (auto& [name, family] : content.second) {
        // A gauge is 0 until Flink first reads it, up to 5 s after the state was made. No cache of
        // Flink's has no capacity.
        if (family.cache_capacity == Bytes{})
          family.cache_capacity = family.cache_usage = family.cache_pinned = std::nullopt;
        manager.databases.back().families.push_back(std::move(family));
      }
    }
    KeepNewestAttempts(&manager.databases, &manager.remarks);
    std::stable_sort(manager.databases.begin(), manager.databases.end(),
                     [](const ScrapedDatabase& a, const ScrapedDatabase& b) {
                       return std::tie(a.operator_name, a.subtask) <
                              std::tie(b.operator_name, b.subtask);
                     });
  }
  return scrape;
}

Result<FlinkScrape> Finished(Gatherer gatherer) {
  if (gatherer.TooMany())
    return Error{"more than 65,536 RocksDB column families", "scrape one TaskManager at a time"};
  return std::move(gatherer).Finish();
}

}  // namespace

std::string ScrapedDatabase::Label() const {
  return operator_name + "[" + std::to_string(subtask) + "]";
}

Result<FlinkScrape> ReadFlinkScrape(std::string_view text) {
  Gatherer gatherer;
  const Status failed =
      ParsePrometheusText(text, [&](const ScrapeSample& sample) { gatherer.Add(sample); });
  if (failed) return *failed;
  return Finished(std::move(gatherer));
}

Result<FlinkScrape> FlinkScrapeOf(const std::vector<ScrapeSample>& samples) {
  Gatherer gatherer;
  for (const ScrapeSample& sample : samples) gatherer.Add(sample);
  return Finished(std::move(gatherer));
}

}  // namespace wrackline::evidence
