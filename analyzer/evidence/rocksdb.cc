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
  return {ToBytes(from.data()), ToBytes(from.index()), ToBytes(from.filter()), ToBytes(from.blob()),
          ToBytes(from.other())};
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

// The newest sample of each database; one of many families comes in several records of one time.
using Newest = std::map<std::uint64_t, std::vector<const proto::RocksDbSample*>>;

// What is reserved in its cache; older recordings have the manager's usage only, which is a little
// less.
std::optional<Bytes> Reservation(const proto::RocksDbWriteBufferManager& manager) {
  if (!manager.charged_to_cache()) return std::nullopt;
  if (manager.has_cache_reservation()) return ToBytes(manager.cache_reservation());
  if (manager.has_memory_usage()) return ToBytes(manager.memory_usage());
  return std::nullopt;
}

// What all databases together held, from the newest sample of each: a cache or manager that several
// databases share is in each one's sample and counts once.
RocksDbMoment Total(const Newest& newest, Time time) {
  RocksDbMoment moment;
  moment.time = time;
  std::map<std::uint64_t, Bytes> caches, charged;
  std::set<std::uint64_t> managers;
  for (const auto& [database, samples] : newest) {
    for (const proto::RocksDbSample* sample : samples) {
      for (const auto& family : sample->families()) {
        moment.memtables += Memtables(family).value_or(Bytes{});
        moment.table_readers += ToBytes(family.table_readers());
      }
      for (const auto& cache : sample->caches()) caches[cache.id()] = ToBytes(cache.usage());
      for (const auto& manager : sample->write_buffer_managers()) {
        const std::optional<Bytes> reserved = Reservation(manager);
        if (reserved && managers.insert(manager.id()).second)
          charged[manager.cache_id()] += *reserved;
      }
    }
  }
  for (const auto& [id, usage] : caches) {
    const auto reserved = charged.find(id);
    moment.caches +=
        std::max(Bytes{}, usage - (reserved == charged.end() ? Bytes{} : reserved->second));
  }
  return moment;
}

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

}  // namespace

std::optional<RocksDb> RocksDbFromRecording(const recorder::Recording& recording) {
  Builder builder;
  std::set<std::uint64_t> closed;
  for (const auto& [id, database] : recording.rocksdb_databases) {
    if (database.closed()) {
      closed.insert(id);
    } else {
      builder.AddDescription(database);
    }
  }

  Newest newest;
  for (const proto::Record& record : recording.rocksdb_samples) {
    const proto::RocksDbSample& sample = record.rocksdb_sample();
    if (closed.count(sample.database_id()) != 0) continue;
    if (recording.rocksdb_databases.count(sample.database_id()) == 0 &&
        newest.count(sample.database_id()) == 0)
      builder.result.databases += 1;
    const Time time = ToTime(record.time_ns());
    builder.AddSample(sample, time);
    std::vector<const proto::RocksDbSample*>& last = newest[sample.database_id()];
    const bool continues = !last.empty() && last.back()->monotonic_ns() == sample.monotonic_ns();
    if (!continues) last.clear();
    last.push_back(&sample);
    std::vector<RocksDbMoment>& history = builder.result.history;
    if (continues && !history.empty()) history.pop_back();
    history.push_back(Total(newest, time));
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
  std::set<std::uint64_t> closed;
  for (const auto& [id, database] : recording.rocksdb_databases) {
    if (database.closed()) closed.insert(id);
  }
  if (closed.empty()) return std::nullopt;
  // Of a closed database only its last sample says when that was: samples are a second apart.
  constexpr Duration kGone = 2 * kRocksDbReach;
  Newest newest;
  std::map<std::uint64_t, Time> last_closed;  // of the closed ones that may still be open
  std::vector<RocksDbMoment> history;
  for (const proto::Record& record : recording.rocksdb_samples) {
    const proto::RocksDbSample& sample = record.rocksdb_sample();
    const Time time = ToTime(record.time_ns());
    for (auto one = last_closed.begin(); one != last_closed.end();) {
      const bool gone = one->first != sample.database_id() && time - one->second > kGone;
      if (gone) newest.erase(one->first);
      one = gone ? last_closed.erase(one) : std::next(one);
    }
    std::vector<const proto::RocksDbSample*>& last = newest[sample.database_id()];
    const bool continues = !last.empty() && last.back()->monotonic_ns() == sample.monotonic_ns();
    if (!continues) last.clear();
    last.push_back(&sample);
    if (closed.count(sample.database_id()) != 0) last_closed[sample.database_id()] = time;
    if (continues && !history.empty()) history.pop_back();
    history.push_back(Total(newest, time));
  }
  if (history.empty()) return std::nullopt;
  std::stable_sort(history.begin(), history.end(),
                   [](const RocksDbMoment& a, const RocksDbMoment& b) { return a.time < b.time; });
  const auto most = std::max_element(
      history.begin(), history.end(),
      [](const RocksDbMoment& a, const RocksDbMoment& b) { return a.Total() < b.Total(); });
  std::optional<RocksDb> life = RocksDbNear(recording, most->time);
  if (!life) return std::nullopt;
  if (newest.size() == last_closed.size())
    history.push_back({history.back().time + kGone, {}, {}, {}});  // all were closed
  life->history = std::move(history);
  return life;
}

}  // namespace wrackline::evidence
