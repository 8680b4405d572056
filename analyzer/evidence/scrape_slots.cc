#include "analyzer/evidence/scrape_slots.h"

#include <fmt/core.h>

#include <algorithm>
#include <iterator>
#include <map>
#include <tuple>
#include <utility>

#include "analyzer/flink/rocksdb_memory.h"

namespace wrackline::evidence {
namespace {

using flink::RocksDbBudgetKind;

constexpr int kMostSlots = 1024;
// What RocksDB gives a family that was given no cache: 8 MiB, newer versions 32 MiB.
constexpr Bytes kOwnDefault = 8 * kMiB, kNewerOwnDefault = 32 * kMiB;
// A usage below this is an empty cache's own bookkeeping: equal ones mean nothing.
constexpr Bytes kTelling = 64 * kKiB;

enum class Sharing { kUnknown, kNoCache, kOwn, kShared };

struct Range {
  Bytes least, most;

  // 0 when they overlap.
  Bytes Gap(const Range& other) const {
    return std::max({Bytes{}, other.least - most, least - other.most});
  }
  void Join(const Range& other) {
    least = std::min(least, other.least);
    most = std::max(most, other.most);
  }
};

// Readings of one cache differ while it is written: Flink takes the gauges one after the other.
Bytes Tolerance(Bytes capacity) { return std::max(kMiB, Bytes{capacity.count / 16}); }

std::optional<Range> UsageOf(const ScrapedDatabase& database) {
  std::optional<Range> range;
  for (const ScrapedFamily& family : database.families) {
    if (!family.cache_usage) continue;
    const Range one{*family.cache_usage, *family.cache_usage};
    if (range) {
      range->Join(one);
    } else {
      range = one;
    }
  }
  return range;
}

// The largest capacity that its families show; 0 without one.
Bytes CapacityOf(const ScrapedDatabase& database) {
  Bytes capacity;
  for (const ScrapedFamily& family : database.families)
    capacity = std::max(capacity, family.cache_capacity.value_or(Bytes{}));
  return capacity;
}

bool OneCapacity(const ScrapedDatabase& database) {
  const Bytes capacity = CapacityOf(database);
  return std::all_of(database.families.begin(), database.families.end(),
                     [&](const ScrapedFamily& family) {
                       return family.cache_capacity.value_or(capacity) == capacity;
                     });
}

bool SameTellingUsage(const ScrapedDatabase& database) {
  std::map<Bytes, int> seen;
  for (const ScrapedFamily& family : database.families) {
    if (family.cache_usage && *family.cache_usage >= kTelling && ++seen[*family.cache_usage] > 1)
      return true;
  }
  return false;
}

// Databases of one execution: one slot.
struct Unit {
  std::string task;
  int subtask = 0;
  std::vector<std::size_t> databases;
  std::optional<Range> usage;
};

struct Slot {
  std::vector<std::size_t> databases;
  std::string task;  // the last one that was placed: no two subtasks of a task are in one slot
  int subtask = 0;   // of the first one
  std::optional<Range> usage;

  void Add(const Unit& unit) {
    if (databases.empty()) subtask = unit.subtask;
    task = unit.task;
    databases.insert(databases.end(), unit.databases.begin(), unit.databases.end());
    if (usage && unit.usage) {
      usage->Join(*unit.usage);
    } else if (unit.usage) {
      usage = unit.usage;
    }
  }
};

class Sorter {
 public:
  Sorter(const ScrapedTaskManager& task_manager,
         const std::optional<flink::RocksDbBudget>& configured, std::vector<std::string>* notes)
      : scraped_(task_manager), configured_(configured), notes_(notes) {}

  // Groups of databases that share a cache; a database in none has families with their own.
  std::vector<std::vector<std::size_t>> Groups() {
    std::vector<Sharing> sharing;
    for (const ScrapedDatabase& database : scraped_.databases) sharing.push_back(Look(database));
    Settle(&sharing);
    std::map<std::pair<std::string, Bytes>, std::vector<std::size_t>> shared;  // by job, capacity
    std::size_t own = 0;
    for (std::size_t i = 0; i < sharing.size(); ++i) {
      const ScrapedDatabase& database = scraped_.databases[i];
      if (sharing[i] == Sharing::kShared) {
        const bool whole = PerTaskManager();
        shared[{whole ? std::string() : database.job, CapacityOf(database)}].push_back(i);
      } else if (sharing[i] == Sharing::kOwn) {
        ++own;
      }
    }
    std::map<Bytes, std::vector<std::vector<std::size_t>>> placed;
    for (const auto& [key, databases] : shared) {
      if (PerTaskManager()) {
        placed[key.second].push_back(databases);
      } else {
        Place(databases, key.second, &placed[key.second]);
      }
    }
    std::vector<std::vector<std::size_t>> groups;
    for (auto& [capacity, same_capacity] : placed) {
      if (!configured_ && !SlotsOf(capacity)) JoinAlike(&same_capacity);
      std::move(same_capacity.begin(), same_capacity.end(), std::back_inserter(groups));
    }
    Explain(groups.size(), own);
    return groups;
  }

 private:
  bool PerTaskManager() const {
    return configured_ && configured_->kind == RocksDbBudgetKind::kFixedPerTaskManager;
  }
  double Ratio() const { return configured_ ? configured_->write_buffer_ratio : 0.5; }

  // The number of slots among which managed memory is divided, when the capacity is the cache of
  // one: Flink's own division, to the byte.
  std::optional<int> SlotsOf(Bytes capacity) const {
    const std::optional<Bytes>& total = scraped_.memory.managed_total;
    if (!total || total->count <= 0 || capacity.count <= 0) return std::nullopt;
    if (scraped_.memory.managed_used.value_or(*total) == Bytes{}) return std::nullopt;
    for (int slots = 1; slots <= kMostSlots; ++slots) {
      const Bytes cache =
          flink::DivideForRocksDb(flink::ManagedPerSlot(*total, slots), Ratio()).cache_capacity;
      if (cache == capacity) return slots;
      if (cache < capacity) break;
    }
    return std::nullopt;
  }

  Sharing Look(const ScrapedDatabase& database) {
    const std::optional<Range> usage = UsageOf(database);
    const Bytes capacity = CapacityOf(database);
    if (!usage && capacity == Bytes{}) return Sharing::kNoCache;
    if (OneCapacity(database) && SlotsOf(capacity)) return Sharing::kShared;
    if (!OneCapacity(database)) return Sharing::kOwn;
    // Before the spread: a scrape may fall between two readings of the gauges, and then shows two
    // usages of one cache, each several times.
    if (SameTellingUsage(database)) return Sharing::kShared;
    if (usage && usage->most - usage->least > Tolerance(capacity)) return Sharing::kOwn;
    return Sharing::kUnknown;
  }

  // What a database does not tell: as the others of the TaskManager that do, else as Flink says,
  // else as RocksDB does by itself, else once.
  void Settle(std::vector<Sharing>* sharing) {
    const bool some_own =
        std::find(sharing->begin(), sharing->end(), Sharing::kOwn) != sharing->end();
    const bool some_shared =
        std::find(sharing->begin(), sharing->end(), Sharing::kShared) != sharing->end();
    for (std::size_t i = 0; i < sharing->size(); ++i) {
      if ((*sharing)[i] != Sharing::kUnknown) continue;
      const Bytes capacity = CapacityOf(scraped_.databases[i]);
      if (some_own != some_shared) {
        (*sharing)[i] = some_own ? Sharing::kOwn : Sharing::kShared;
      } else if (configured_) {
        // Managed memory that is not in use: the job switched it off in its code.
        const bool unused = configured_->kind == RocksDbBudgetKind::kManaged &&
                            scraped_.memory.managed_used == Bytes{};
        (*sharing)[i] = configured_->kind == RocksDbBudgetKind::kNone || unused ? Sharing::kOwn
                                                                                : Sharing::kShared;
      } else if (capacity == kOwnDefault || capacity == kNewerOwnDefault) {
        (*sharing)[i] = Sharing::kOwn;
      } else {
        (*sharing)[i] = Sharing::kShared;
        doubtful_ = true;
      }
    }
  }

  std::vector<Unit> Units(const std::vector<std::size_t>& databases) const {
    std::map<std::tuple<std::string, int, std::string>, Unit> units;
    for (const std::size_t i : databases) {
      const ScrapedDatabase& database = scraped_.databases[i];
      Unit& unit = units[{database.task, database.subtask, database.attempt}];
      unit.task = database.task;
      unit.subtask = database.subtask;
      unit.databases.push_back(i);
      const std::optional<Range> usage = UsageOf(database);
      if (unit.usage && usage) {
        unit.usage->Join(*usage);
      } else if (usage) {
        unit.usage = usage;
      }
    }
    // The task with the most subtasks first: it shows how many slots there are.
    std::map<std::string, std::size_t> subtasks;
    for (const auto& [key, unit] : units) ++subtasks[unit.task];
    std::vector<Unit> ordered;
    ordered.reserve(units.size());
    for (auto& [key, unit] : units) ordered.push_back(std::move(unit));
    std::stable_sort(ordered.begin(), ordered.end(), [&](const Unit& a, const Unit& b) {
      return subtasks[a.task] > subtasks[b.task];
    });
    return ordered;
  }

  // Databases of one job and one capacity into slots.
  void Place(const std::vector<std::size_t>& databases, Bytes capacity,
             std::vector<std::vector<std::size_t>>* groups) {
    const std::vector<Unit> units = Units(databases);
    const std::size_t most_slots = static_cast<std::size_t>(SlotsOf(capacity).value_or(kMostSlots));
    const Bytes tolerance = Tolerance(capacity);
    std::vector<Slot> slots;
    for (std::size_t begin = 0; begin < units.size();) {
      std::size_t end = begin;
      while (end < units.size() && units[end].task == units[begin].task) ++end;
      std::vector<const Unit*> left;
      left.reserve(end - begin);
      for (std::size_t i = begin; i < end; ++i) left.push_back(&units[i]);
      const std::size_t others = slots.size();  // those that this task did not open
      // First those whose readings overlap with those of a slot of the same subtask number, then the
      // nearest; a reading far from all slots is a slot of its own while there can be more.
      for (const bool same_subtask : {true, false}) {
        std::vector<const Unit*> still;
        for (const Unit* unit : left) {
          Slot* slot =
              Nearest(&slots, others, *unit, same_subtask ? Bytes{} : tolerance, same_subtask);
          if (slot == nullptr && !same_subtask && slots.size() >= most_slots)
            slot = Nearest(&slots, others, *unit, Bytes{std::int64_t{1} << 52}, false);
          if (slot != nullptr) {
            slot->Add(*unit);
          } else if (same_subtask) {
            still.push_back(unit);
          } else {
            slots.emplace_back().Add(*unit);
          }
        }
        left = std::move(still);
      }
      begin = end;
    }
    for (Slot& slot : slots) groups->push_back(std::move(slot.databases));
  }

  // Slots whose caches show the same may have one together (fixed-per-tm memory): in doubt once.
  void JoinAlike(std::vector<std::vector<std::size_t>>* groups) {
    if (groups->size() < 2) return;
    Bytes least{std::int64_t{1} << 52}, most;
    for (const std::vector<std::size_t>& databases : *groups) {
      std::optional<Range> range;
      for (const std::size_t i : databases) {
        const std::optional<Range> usage = UsageOf(scraped_.databases[i]);
        if (range && usage) {
          range->Join(*usage);
        } else if (usage) {
          range = usage;
        }
      }
      if (!range || range->most < kTelling) return;
      most = std::max(most, range->least);
      least = std::min(least, range->most);
    }
    if (most > least) return;  // some two do not overlap
    for (std::size_t i = 1; i < groups->size(); ++i)
      groups->front().insert(groups->front().end(), (*groups)[i].begin(), (*groups)[i].end());
    groups->resize(1);
    doubtful_ = true;
  }

  // Among the first `count` slots.
  static Slot* Nearest(std::vector<Slot>* slots, std::size_t count, const Unit& unit,
                       Bytes tolerance, bool same_subtask) {
    Slot* nearest = nullptr;
    std::pair<Bytes, bool> best;
    for (std::size_t i = 0; i < count; ++i) {
      Slot& slot = (*slots)[i];
      if (slot.task == unit.task || (same_subtask && slot.subtask != unit.subtask)) continue;
      const Bytes gap = slot.usage && unit.usage ? slot.usage->Gap(*unit.usage) : Bytes{};
      const std::pair<Bytes, bool> cost{gap, slot.subtask != unit.subtask};
      if (gap > tolerance || (nearest != nullptr && !(cost < best))) continue;
      nearest = &slot;
      best = cost;
    }
    return nearest;
  }

  void Explain(std::size_t shared, std::size_t own) {
    if (shared > 0 && PerTaskManager()) {
      notes_->push_back("One block cache for the whole TaskManager: fixed-per-tm memory.");
    } else if (shared > 0) {
      std::optional<int> slots;
      for (const ScrapedDatabase& database : scraped_.databases) {
        if (!slots) slots = SlotsOf(CapacityOf(database));
      }
      notes_->push_back(
          slots ? fmt::format("Block caches are one a slot: their capacity is Flink's share of {} "
                              "managed memory for {} {}.",
                              FormatBytes(*scraped_.memory.managed_total), *slots,
                              *slots == 1 ? "slot" : "slots")
                : std::string("Block caches are taken to be one a slot: the families of a database "
                              "show the same."));
    }
    if (own > 0)
      notes_->push_back(
          "Each family of a database without shared memory has a block cache of its own: they show "
          "different usages or capacities, or managed memory is not in use.");
    if (doubtful_)
      notes_->push_back(
          "Whether some families share a block cache cannot be told from these figures: they are "
          "taken to share it, so the total is a lower bound. --flink-config FILE decides.");
  }

  const ScrapedTaskManager& scraped_;
  const std::optional<flink::RocksDbBudget>& configured_;
  std::vector<std::string>* notes_;
  bool doubtful_ = false;
};

}  // namespace

std::vector<std::vector<std::size_t>> DatabasesOfSharedCaches(
    const ScrapedTaskManager& task_manager, const std::optional<flink::RocksDbBudget>& configured,
    std::vector<std::string>* notes) {
  return Sorter(task_manager, configured, notes).Groups();
}

}  // namespace wrackline::evidence
