#include "analyzer/evidence/rocksdb_objects.h"

#include <algorithm>
#include <map>
#include <set>

#include "analyzer/evidence/convert.h"

namespace wrackline::evidence {
namespace {

using Count = proto::RocksDbObjectCount;

// Java's class. Empty: a kind that a newer writer may know.
std::string_view NameOf(Count::Kind kind) {
  switch (kind) {
    case Count::READ_OPTIONS:
      return "ReadOptions";
    case Count::WRITE_OPTIONS:
      return "WriteOptions";
    case Count::WRITE_BATCH:
      return "WriteBatch";
    case Count::ITERATOR:
      return "RocksIterator";
    case Count::STATISTICS:
      return "Statistics";
    case Count::OPTIONS:
      return "Options";
    case Count::DB_OPTIONS:
      return "DBOptions";
    case Count::COLUMN_FAMILY_OPTIONS:
      return "ColumnFamilyOptions";
    case Count::CACHE:
      return "Cache";
    case Count::WRITE_BUFFER_MANAGER:
      return "WriteBufferManager";
    case Count::SNAPSHOT:
      return "Snapshot";
    case Count::DATABASE:
      return "RocksDB";
    case Count::TRANSACTION:
      return "Transaction";
    case Count::FLUSH_OPTIONS:
      return "FlushOptions";
    default:
      return "";
  }
}

Duration Between(std::uint64_t from_ns, std::uint64_t to_ns) {
  if (to_ns <= from_ns) return Duration{};
  return Duration(static_cast<Duration::rep>(std::min<std::uint64_t>(
      to_ns - from_ns, static_cast<std::uint64_t>(Duration::max().count()))));
}

// A process has one or two. Each point of the history is a sum over all of them.
constexpr std::size_t kMostLibraries = 64;

// By library: its newest counts. The sum of all is one point of a kind's history.
using Counts = std::map<std::uint64_t, std::map<Count::Kind, const Count*>>;

void AddPoint(const Counts& counts, Time time, std::map<Count::Kind, RocksDbObjectKind>* kinds) {
  std::map<Count::Kind, RocksDbObjectKind> now;
  for (const auto& [library, of_library] : counts) {
    for (const auto& [kind, count] : of_library) {
      now[kind].made += count->made();
      now[kind].closed += count->closed();
    }
  }
  for (const auto& [kind, sum] : now) {
    RocksDbObjectKind& to = (*kinds)[kind];
    to.made = sum.made;
    to.closed = sum.closed;
    to.history.push_back({time, sum.Alive()});
  }
}

// What databases use: of each cache and manager the newest time that a database which has it was sampled, and whether one that
// was open at the end has it.
struct Uses {
  std::set<std::uint64_t> open;
  std::map<std::uint64_t, std::uint64_t> last_ns;  // CLOCK_MONOTONIC
};

Uses UsesIn(const recorder::Recording& recording) {
  Uses uses;
  std::map<std::uint64_t, std::set<std::uint64_t>> of_database;
  for (const auto& [id, database] : recording.rocksdb_databases) {
    std::set<std::uint64_t>& used = of_database[id];
    used.insert({database.write_buffer_manager_id(), database.row_cache_id()});
    for (const auto& family : database.families()) {
      used.insert({family.cache_id(), family.blob_cache_id()});
    }
  }
  for (const proto::Record& record : recording.rocksdb_samples) {
    const proto::RocksDbSample& sample = record.rocksdb_sample();
    std::set<std::uint64_t>& used = of_database[sample.database_id()];
    for (const auto& family : sample.families()) used.insert(family.cache_id());
    for (const auto& cache : sample.caches()) used.insert(cache.id());
    for (const auto& manager : sample.write_buffer_managers()) {
      used.insert({manager.id(), manager.cache_id()});
    }
    for (const std::uint64_t id : used) {
      uses.last_ns[id] = std::max(uses.last_ns[id], sample.monotonic_ns());
    }
  }
  for (const auto& [id, used] : of_database) {
    const auto described = recording.rocksdb_databases.find(id);
    if (described != recording.rocksdb_databases.end() && described->second.closed()) continue;
    uses.open.insert(used.begin(), used.end());
  }
  return uses;
}

void AddShared(const proto::RocksDbObjects& last, const recorder::Recording& recording,
               const Uses& uses, RocksDbObjects* out) {
  std::vector<std::uint64_t> times;  // of this library's records
  for (const proto::Record& record : recording.rocksdb_objects) {
    if (record.rocksdb_objects().library_id() == last.library_id())
      times.push_back(record.rocksdb_objects().monotonic_ns());
  }
  std::sort(times.begin(), times.end());
  for (const auto& from : last.shared()) {
    RocksDbSharedObject shared;
    shared.id = from.id();
    shared.manager = from.kind() == Count::WRITE_BUFFER_MANAGER;
    shared.age = Between(from.made_ns(), last.monotonic_ns());
    shared.closed_by_java = from.closed_by_java();
    if (from.has_holders()) shared.holders = from.holders();
    WRACKLINE_COPY_BYTES(shared, from, capacity);
    WRACKLINE_COPY_BYTES(shared, from, usage);
    WRACKLINE_COPY_BYTES(shared, from, pinned_usage);
    shared.used = uses.open.count(from.id()) != 0;
    // An address may have been that of another cache before.
    std::uint64_t unused_since = from.made_ns();
    if (const auto found = uses.last_ns.find(from.id()); found != uses.last_ns.end())
      unused_since = std::max(unused_since, found->second);
    if (!shared.used) {
      shared.unused = Between(unused_since, last.monotonic_ns());
      shared.unused_records = static_cast<std::uint64_t>(
          times.end() - std::upper_bound(times.begin(), times.end(), unused_since));
    }
    out->shared.push_back(shared);
  }
}

void AddIterators(const proto::RocksDbObjects& last, const recorder::Recording& recording,
                  RocksDbObjects* out) {
  for (const auto& from : last.iterators()) {
    RocksDbIterators iterators;
    const auto database = recording.rocksdb_databases.find(from.database_id());
    if (database != recording.rocksdb_databases.end()) {
      iterators.database =
          database->second.name().empty() ? database->second.path() : database->second.name();
    }
    iterators.alive = from.alive();
    iterators.oldest = Between(from.oldest_ns(), last.monotonic_ns());
    out->iterators.push_back(iterators);
  }
}

}  // namespace

const RocksDbObjectKind* RocksDbObjects::Of(std::string_view name) const {
  const auto found = std::find_if(kinds.begin(), kinds.end(),
                                  [name](const auto& kind) { return kind.name == name; });
  return found == kinds.end() ? nullptr : &*found;
}

std::optional<RocksDbObjects> RocksDbObjectsFromRecording(const recorder::Recording& recording) {
  if (recording.rocksdb_objects.empty()) return std::nullopt;
  RocksDbObjects out;
  Counts counts;
  std::map<Count::Kind, RocksDbObjectKind> kinds;
  std::map<std::uint64_t, const proto::RocksDbObjects*> last;
  for (const proto::Record& record : recording.rocksdb_objects) {
    const proto::RocksDbObjects& objects = record.rocksdb_objects();
    if (last.size() == kMostLibraries && last.count(objects.library_id()) == 0) continue;
    out.time = ToTime(record.time_ns());
    out.incomplete = out.incomplete || objects.incomplete();
    last[objects.library_id()] = &objects;
    auto& of_library = counts[objects.library_id()];
    for (const Count& count : objects.counts()) of_library[count.kind()] = &count;
    AddPoint(counts, out.time, &kinds);
  }
  for (auto& [kind, objects] : kinds) {
    if (NameOf(kind).empty()) continue;
    objects.name = NameOf(kind);
    out.kinds.push_back(std::move(objects));
  }
  const Uses uses = UsesIn(recording);
  for (const auto& [library, objects] : last) {
    out.unlisted += objects->unlisted();
    AddShared(*objects, recording, uses, &out);
    AddIterators(*objects, recording, &out);
  }
  std::stable_sort(out.iterators.begin(), out.iterators.end(),
                   [](const auto& a, const auto& b) { return a.alive > b.alive; });
  if (const RocksDbObjectKind* databases = out.Of("RocksDB"); databases != nullptr)
    out.open_databases = databases->Alive();
  std::uint64_t read = 0;
  for (const auto& [id, database] : recording.rocksdb_databases) {
    if (!database.closed()) read += 1;
  }
  out.unread_databases = out.open_databases > read ? out.open_databases - read : 0;
  return out;
}

}  // namespace wrackline::evidence
