#include "analyzer/evidence/rocksdb.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include "analyzer/evidence/convert.h"
#include "analyzer/evidence/flink_database.h"

namespace wrackline::evidence {
namespace {

void Raise(std::optional<Bytes>* peak, std::optional<Bytes> now) {
  if (now && (!*peak || **peak < *now)) *peak = now;
}

std::optional<Bytes> Memtables(const proto::RocksDbFamilySample& family) {
  if (family.has_all_memtables()) return ToBytes(family.all_memtables());
  if (family.has_unflushed_memtables()) return ToBytes(family.unflushed_memtables());
  if (family.has_active_memtable()) return ToBytes(family.active_memtable());
  return std::nullopt;
}

RocksDbBlocks Blocks(const proto::RocksDbBlocks& from) {
  return {.data = ToBytes(from.data()),
          .index = ToBytes(from.index()),
          .filter = ToBytes(from.filter()),
          .other = ToBytes(from.other()),
          .blob = ToBytes(from.blob())};
}

RocksDbSplit Split(const proto::RocksDbCacheSplit& from) {
  RocksDbSplit split;
  split.usage = ToBytes(from.usage());
  split.memtable_reservations = ToBytes(from.memtable_reservations());
  split.other_reservations = ToBytes(from.other_reservations());
  split.unknown = Blocks(from.unknown());
  split.metadata = std::max(Bytes{}, split.usage - ToBytes(from.charged()));
  split.took = std::chrono::nanoseconds(std::min<std::uint64_t>(
      from.duration_ns(), static_cast<std::uint64_t>(std::chrono::nanoseconds::max().count())));
  return split;
}

RocksDbCache::Kind KindOf(proto::RocksDbCache::Kind kind) {
  if (kind == proto::RocksDbCache::BLOB) return RocksDbCache::Kind::kBlob;
  if (kind == proto::RocksDbCache::ROW) return RocksDbCache::Kind::kRow;
  return RocksDbCache::Kind::kBlock;  // and what a newer writer may know
}

// What is reserved in its cache; older recordings have the manager's usage only, which is a little
// less.
std::optional<Bytes> Reservation(const proto::RocksDbWriteBufferManager& manager) {
  if (!manager.charged_to_cache()) return std::nullopt;
  if (manager.has_cache_reservation()) return ToBytes(manager.cache_reservation());
  if (manager.has_memory_usage()) return ToBytes(manager.memory_usage());
  return std::nullopt;
}

// What all databases together hold, by the newest sample of each: a cache or manager that several databases share is in each one's
// sample and counts once. Kept up to date rather than summed anew: a recording has as many samples as it likes, of as many families.
class Totals {
 public:
  // The newest sample of its database, or more of it (one of many families comes in several records of one time). True: more of it.
  bool Take(const proto::RocksDbSample& sample) {
    const bool continues =
        databases_.count(sample.database_id()) != 0 &&
        databases_.at(sample.database_id()).monotonic_ns == sample.monotonic_ns();
    if (!continues) Forget(sample.database_id());
    Held& held = databases_[sample.database_id()];
    held.monotonic_ns = sample.monotonic_ns();
    Bytes memtables, readers;
    for (const auto& family : sample.families()) {
      memtables += Memtables(family).value_or(Bytes{});
      readers += ToBytes(family.table_readers());
    }
    held.memtables += memtables;
    held.readers += readers;
    memtables_ += memtables;
    readers_ += readers;
    for (const auto& cache : sample.caches()) {
      held.caches.insert(cache.id());
      Change(cache.id(),
             [&](Cache* one) { one->usage[sample.database_id()] = ToBytes(cache.usage()); });
    }
    for (const auto& manager : sample.write_buffer_managers()) {
      const std::optional<Bytes> reserved = Reservation(manager);
      if (!reserved || !held.managers.insert(manager.id()).second) continue;
      SetReserved(manager.id(), sample.database_id(), Reserved{manager.cache_id(), *reserved});
    }
    return continues;
  }

  void Forget(std::uint64_t database) {
    const auto found = databases_.find(database);
    if (found == databases_.end()) return;
    memtables_ = memtables_ - found->second.memtables;
    readers_ = readers_ - found->second.readers;
    for (const std::uint64_t cache : found->second.caches)
      Change(cache, [database](Cache* one) { one->usage.erase(database); });
    for (const std::uint64_t manager : found->second.managers)
      SetReserved(manager, database, std::nullopt);
    databases_.erase(found);
  }

  RocksDbMoment At(Time time) const { return {time, memtables_, caches_, readers_}; }
  bool Knows(std::uint64_t database) const { return databases_.count(database) != 0; }
  std::size_t size() const { return databases_.size(); }

 private:
  struct Held {
    std::uint64_t monotonic_ns = 0;
    Bytes memtables, readers;
    std::set<std::uint64_t> caches, managers;
  };
  struct Cache {
    std::map<std::uint64_t, Bytes> usage;  // as each database says
    Bytes charged;                         // memtables, which are counted as such
    Bytes Part() const {
      return usage.empty() ? Bytes{} : std::max(Bytes{}, usage.rbegin()->second - charged);
    }
  };
  struct Reserved {
    std::uint64_t cache = 0;
    Bytes bytes;
  };

  template <typename How>
  void Change(std::uint64_t id, const How& how) {
    Cache& cache = by_cache_[id];
    caches_ = caches_ - cache.Part();
    how(&cache);
    caches_ += cache.Part();
  }

  void SetReserved(std::uint64_t manager, std::uint64_t database,
                   std::optional<Reserved> reserved) {
    std::map<std::uint64_t, Reserved>& said = by_manager_[manager];
    if (!said.empty()) Charge(said.begin()->second, -1);
    if (reserved) {
      said[database] = *reserved;
    } else {
      said.erase(database);
    }
    if (!said.empty()) Charge(said.begin()->second, 1);
  }

  void Charge(const Reserved& reserved, int sign) {
    Change(reserved.cache, [&](Cache* one) {
      one->charged = sign > 0 ? one->charged + reserved.bytes : one->charged - reserved.bytes;
    });
  }

  std::map<std::uint64_t, Held> databases_;
  std::map<std::uint64_t, Cache> by_cache_;
  std::map<std::uint64_t, std::map<std::uint64_t, Reserved>> by_manager_;
  Bytes memtables_, readers_, caches_;
};

struct Builder {
  RocksDb result;
  std::map<std::pair<std::uint64_t, std::uint32_t>, std::size_t>
      families;  // (database, family id) -> index
  std::map<std::uint64_t, std::size_t> caches, managers;

  RocksDbFamily& Family(std::uint64_t database, std::uint32_t id) {
    const auto [place, fresh] = families.try_emplace({database, id}, result.families.size());
    if (fresh) result.families.emplace_back();
    return result.families[place->second];
  }
  RocksDbCache& Cache(std::uint64_t id) {
    const auto [place, fresh] = caches.try_emplace(id, result.caches.size());
    if (fresh) {
      result.caches.emplace_back();
      result.caches.back().id = id;
    }
    return result.caches[place->second];
  }
  RocksDbManager& Manager(std::uint64_t id) {
    const auto [place, fresh] = managers.try_emplace(id, result.managers.size());
    if (fresh) {
      result.managers.emplace_back();
      result.managers.back().id = id;
    }
    return result.managers[place->second];
  }

  void AddDescription(const proto::RocksDbDatabase& database) {
    result.databases += 1;
    if (!database.rocksdb_version().empty() &&
        std::find(result.versions.begin(), result.versions.end(), database.rocksdb_version()) ==
            result.versions.end())
      result.versions.push_back(database.rocksdb_version());
    for (const auto& described : database.families()) {
      RocksDbFamily& family = Family(database.database_id(), described.id());
      family.database_id = database.database_id();
      family.database = database.name().empty() ? DatabaseTitle(database.path()) : database.name();
      family.name = described.name();
      family.cache_id = described.cache_id();
      family.manager_id = database.write_buffer_manager_id();
      family.blob_cache_id = described.blob_cache_id();
      WRACKLINE_COPY_BYTES(family, described, write_buffer_size);
      WRACKLINE_COPY_BYTES(family, described, arena_block_size);
      if (described.has_max_write_buffer_number())
        family.max_write_buffers =
            static_cast<int>(std::min<std::uint32_t>(described.max_write_buffer_number(), 1 << 20));
    }
  }

  // Samples come in order of time, so the last one stays.
  void AddSample(const proto::RocksDbSample& sample, Time time) {
    result.time = std::max(result.time, time);
    for (const auto& seen : sample.families()) {
      RocksDbFamily& family = Family(sample.database_id(), seen.id());
      family.database_id = sample.database_id();
      if (!seen.name().empty()) family.name = seen.name();
      if (seen.cache_id() != 0) family.cache_id = seen.cache_id();
      family.time = time;
      WRACKLINE_COPY_BYTES(family, seen, active_memtable);
      WRACKLINE_COPY_BYTES(family, seen, unflushed_memtables);
      WRACKLINE_COPY_BYTES(family, seen, table_readers);
      family.all_memtables = Memtables(seen);
      if (seen.has_immutable_memtables())
        family.immutable_memtables =
            static_cast<int>(std::min<std::uint32_t>(seen.immutable_memtables(), 1 << 20));
      if (seen.has_cached_blocks()) family.cached_blocks = Blocks(seen.cached_blocks());
      family.former_blocks.reset();
      if (seen.has_former_blocks()) family.former_blocks = Blocks(seen.former_blocks());
      if (seen.has_live_versions())
        family.live_versions =
            static_cast<int>(std::min<std::uint32_t>(seen.live_versions(), 1 << 20));
      if (seen.has_pinned_sst_bytes()) family.pinned_files = ToBytes(seen.pinned_sst_bytes());
      RocksDbFamilyMoment& moment = result.family_history.emplace_back();
      moment.time = time;
      moment.family = families.at({sample.database_id(), seen.id()});
      moment.memtables = family.all_memtables.value_or(Bytes{});
      moment.table_readers = family.table_readers.value_or(Bytes{});
      if (family.cached_blocks) moment.cached = family.cached_blocks->Total();
      Raise(&family.memtables_peak, family.all_memtables);
      Raise(&family.table_readers_peak, family.table_readers);
    }
    for (const auto& seen : sample.caches()) {
      RocksDbCache& cache = Cache(seen.id());
      WRACKLINE_COPY_BYTES(cache, seen, capacity);
      WRACKLINE_COPY_BYTES(cache, seen, usage);
      WRACKLINE_COPY_BYTES(cache, seen, pinned_usage);
      if (seen.has_strict_capacity_limit()) cache.strict = seen.strict_capacity_limit();
      cache.kind = KindOf(seen.kind());
      if (seen.has_split()) cache.split = Split(seen.split());
      Raise(&cache.usage_peak, cache.usage);
    }
    for (const auto& seen : sample.write_buffer_managers()) {
      RocksDbManager& manager = Manager(seen.id());
      WRACKLINE_COPY_BYTES(manager, seen, buffer_size);
      WRACKLINE_COPY_BYTES(manager, seen, memory_usage);
      manager.charged_to_cache = seen.charged_to_cache();
      manager.cache_id = seen.cache_id();
      manager.reservation = Reservation(seen);
    }
  }

  // Ties caches to their families and to the memtables charged to them.
  std::optional<RocksDb> Finish() && {
    if (result.families.empty()) return std::nullopt;
    for (const RocksDbFamily& family : result.families) {
      if (family.cache_id != 0) Cache(family.cache_id).families.push_back(family.name);
      if (family.blob_cache_id != 0 && family.blob_cache_id != family.cache_id)
        Cache(family.blob_cache_id).families.push_back(family.name);
    }
    for (const RocksDbManager& manager : result.managers) {
      if (!manager.reservation || manager.cache_id == 0) continue;
      RocksDbCache& cache = Cache(manager.cache_id);
      cache.reservations = cache.reservations.value_or(Bytes{}) + *manager.reservation;
    }
    return std::move(result);
  }
};

Duration Apart(Time a, Time b) { return a > b ? a - b : b - a; }

// Of a closed database only its last sample says when that was: samples are a second apart.
constexpr Duration kGone = 2 * kRocksDbReach;

// Databases that nothing describes and that were sampled no more while others were: closed, and what said so is no longer in the file.
std::set<std::uint64_t> LongUnseen(const recorder::Recording& recording) {
  std::map<std::uint64_t, Time> last;
  Time newest{};
  for (const proto::Record& record : recording.rocksdb_samples) {
    const Time time = ToTime(record.time_ns());
    newest = std::max(newest, time);
    const std::uint64_t id = record.rocksdb_sample().database_id();
    if (recording.rocksdb_databases.count(id) == 0) last[id] = std::max(last[id], time);
  }
  std::set<std::uint64_t> unseen;
  for (const auto& [id, time] : last) {
    if (newest - time > kGone) unseen.insert(id);
  }
  return unseen;
}

}  // namespace

std::optional<RocksDb> RocksDbFromRecording(const recorder::Recording& recording) {
  Builder builder;
  std::set<std::uint64_t> closed = LongUnseen(recording);
  for (const auto& [id, database] : recording.rocksdb_databases) {
    if (database.closed()) {
      closed.insert(id);
    } else {
      builder.AddDescription(database);
    }
  }

  Totals totals;
  for (const proto::Record& record : recording.rocksdb_samples) {
    const proto::RocksDbSample& sample = record.rocksdb_sample();
    if (closed.count(sample.database_id()) != 0) continue;
    if (recording.rocksdb_databases.count(sample.database_id()) == 0 &&
        !totals.Knows(sample.database_id()))
      builder.result.databases += 1;
    const Time time = ToTime(record.time_ns());
    builder.AddSample(sample, time);
    std::vector<RocksDbMoment>& history = builder.result.history;
    if (totals.Take(sample) && !history.empty()) history.pop_back();
    history.push_back(totals.At(time));
  }
  return std::move(builder).Finish();
}

std::optional<RocksDb> RocksDbNear(const recorder::Recording& recording, Time time) {
  // The time of the sample of each database that says most of that moment, then its records.
  const auto says_more = [time](Time a, Time b) {
    if ((a <= time) != (b <= time)) return a <= time;
    return Apart(a, time) < Apart(b, time);
  };
  std::map<std::uint64_t, Time> nearest;
  for (const proto::Record& record : recording.rocksdb_samples) {
    const Time sampled = ToTime(record.time_ns());
    if (Apart(sampled, time) > kRocksDbReach) continue;
    const auto [place, fresh] = nearest.try_emplace(record.rocksdb_sample().database_id(), sampled);
    if (!fresh && says_more(sampled, place->second)) place->second = sampled;
  }
  Builder builder;
  for (const auto& [id, sampled] : nearest) {
    const auto described = recording.rocksdb_databases.find(id);
    if (described == recording.rocksdb_databases.end()) {
      builder.result.databases += 1;
    } else {
      builder.AddDescription(described->second);
    }
  }
  // A sample of many families comes in several records, told apart by their common clock.
  std::map<std::uint64_t, std::uint64_t> clocks;
  for (const proto::Record& record : recording.rocksdb_samples) {
    const proto::RocksDbSample& sample = record.rocksdb_sample();
    const auto chosen = nearest.find(sample.database_id());
    if (chosen != nearest.end() && ToTime(record.time_ns()) == chosen->second)
      clocks.try_emplace(sample.database_id(), sample.monotonic_ns());
  }
  for (const proto::Record& record : recording.rocksdb_samples) {
    const proto::RocksDbSample& sample = record.rocksdb_sample();
    const auto clock = clocks.find(sample.database_id());
    const Time sampled = ToTime(record.time_ns());
    if (clock != clocks.end() && clock->second == sample.monotonic_ns() &&
        Apart(sampled, time) <= 2 * kRocksDbReach)
      builder.AddSample(sample, sampled);
  }
  return std::move(builder).Finish();
}

std::optional<RocksDb> RocksDbOverLife(const recorder::Recording& recording) {
  std::set<std::uint64_t> closed = LongUnseen(recording);
  for (const auto& [id, database] : recording.rocksdb_databases) {
    if (database.closed()) closed.insert(id);
  }
  if (closed.empty()) return std::nullopt;
  Totals totals;
  std::set<std::pair<Time, std::uint64_t>> oldest;  // the same, by time
  std::map<std::uint64_t, Time> last_closed;        // of the closed ones that may still be open
  std::vector<RocksDbMoment> history;
  for (const proto::Record& record : recording.rocksdb_samples) {
    const proto::RocksDbSample& sample = record.rocksdb_sample();
    const Time time = ToTime(record.time_ns());
    if (const auto known = last_closed.find(sample.database_id()); known != last_closed.end())
      oldest.erase({known->second, known->first});
    while (!oldest.empty() && time - oldest.begin()->first > kGone) {
      totals.Forget(oldest.begin()->second);
      last_closed.erase(oldest.begin()->second);
      oldest.erase(oldest.begin());
    }
    if (closed.count(sample.database_id()) != 0) {
      last_closed[sample.database_id()] = time;
      oldest.emplace(time, sample.database_id());
    }
    if (totals.Take(sample) && !history.empty()) history.pop_back();
    history.push_back(totals.At(time));
  }
  if (history.empty()) return std::nullopt;
  std::stable_sort(history.begin(), history.end(),
                   [](const RocksDbMoment& a, const RocksDbMoment& b) { return a.time < b.time; });
  const auto most = std::max_element(
      history.begin(), history.end(),
      [](const RocksDbMoment& a, const RocksDbMoment& b) { return a.Total() < b.Total(); });
  std::optional<RocksDb> life = RocksDbNear(recording, most->time);
  if (!life) return std::nullopt;
  if (totals.size() == last_closed.size())
    history.push_back({history.back().time + kGone, {}, {}, {}});  // all were closed
  life->history = std::move(history);
  return life;
}

}  // namespace wrackline::evidence
