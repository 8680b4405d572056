// Objects that Java makes of RocksDB and does not close. Their memory is native: no collection of
// Java's heap gives it back.
#include <fmt/core.h>

#include <algorithm>
#include <chrono>
#include <map>

#include "analyzer/diagnosis/rocksdb_object_sites.h"
#include "analyzer/diagnosis/rules.h"

namespace wrackline::diagnosis {
namespace {

using evidence::RocksDbObjectKind;
using evidence::RocksDbObjects;

struct Unclosed {
  const char* name;  // in words, of many
  std::vector<std::string_view> classes;
  std::vector<std::string_view> functions;  // native methods that allocate for them
  // What a program may well keep: so many, and so many more a family or a database that is open.
  std::uint64_t kept, kept_of_family, kept_of_database;
  const char* advice;
};

// The alive ones of all its classes, over the time.
struct Series {
  std::uint64_t made = 0, closed = 0, alive = 0;
  std::map<evidence::Time, std::uint64_t> history;
};

Series SeriesOf(const RocksDbObjects& objects, const Unclosed& kind) {
  Series series;
  for (const std::string_view name : kind.classes) {
    const RocksDbObjectKind* found = objects.Of(name);
    if (found == nullptr) continue;
    series.made += found->made;
    series.closed += found->closed;
    series.alive += found->Alive();
    for (const RocksDbObjectKind::Point& point : found->history)
      series.history[point.time] += point.alive;
  }
  return series;
}

// Since the middle of the time: how many more are alive, in how long. Nothing when that is too short to say.
struct Growth {
  std::uint64_t objects = 0;
  double seconds = 0;
};
std::optional<Growth> GrowthOf(const Series& series) {
  if (series.history.size() < 2) return std::nullopt;
  const evidence::Time end = series.history.rbegin()->first;
  const auto middle = series.history.lower_bound(end - (end - series.history.begin()->first) / 2);
  const double seconds = std::chrono::duration<double>(end - middle->first).count();
  if (seconds < 0.05 || middle->second >= series.alive) return std::nullopt;
  return Growth{series.alive - middle->second, seconds};
}

// More than `most` were alive at each record of the last quarter of the time: it is no peak that passes.
bool StaysAbove(const Series& series, std::uint64_t most) {
  if (series.history.empty()) return series.alive > most;
  const evidence::Time begin = series.history.begin()->first;
  const evidence::Time end = series.history.rbegin()->first;
  return std::all_of(series.history.lower_bound(end - (end - begin) / 4), series.history.end(),
                     [most](const auto& point) { return point.second > most; });
}

std::string AgeText(evidence::Duration age) {
  const double seconds = std::chrono::duration<double>(age).count();
  return seconds < 600 ? fmt::format("{:.0f} s", seconds)
                       : fmt::format("{:.0f} minutes", seconds / 60);
}

Finding Describe(const Case& c, const Unclosed& kind, const Series& series) {
  Finding finding;
  const ObjectSites sites = SitesOf(c.evidence.sites, kind.functions);
  finding.amount = sites.live;
  const bool most = c.ledger && 2 * sites.live > c.ledger->total;
  // A leak that is small so far is worth knowing; one that was not sampled may be large.
  const bool small = c.ledger && sites.top != nullptr && 50 * sites.live < c.ledger->total;
  finding.role = EndedByLimit(c.outcome) && most ? Role::kCause
                 : small                         ? Role::kInformation
                                                 : Role::kContributor;
  const std::optional<Growth> growth = GrowthOf(series);
  finding.confidence =
      growth || 10 * series.closed < series.made ? Confidence::kHigh : Confidence::kMedium;
  finding.summary =
      fmt::format("{} {} of RocksDB were never closed by Java", series.alive, kind.name);
  finding.evidence.push_back(fmt::format("{} made, {} closed", series.made, series.closed));
  if (growth) {
    finding.evidence.push_back(fmt::format(
        "{} more in the last {:.1f} s: {:.0f} an hour", growth->objects, growth->seconds,
        static_cast<double>(growth->objects) * 3600 / growth->seconds));
  }
  if (sites.top != nullptr) {
    finding.evidence.push_back(fmt::format("they hold about {}, {} of it made by {}",
                                           FormatBytes(sites.live), FormatBytes(sites.top->live),
                                           sites.place));
  } else {
    finding.evidence.push_back("no allocation of theirs was sampled: who makes them is not known");
  }
  if (c.evidence.rocksdb_objects->incomplete)
    finding.evidence.push_back("RocksDB was loaded before it was watched: there may be more");
  finding.advice.emplace_back(kind.advice);
  return finding;
}

// Of the open ones, as far as they are known.
std::optional<Finding> Look(const Case& c, const Unclosed& kind) {
  if (!c.evidence.rocksdb_objects) return std::nullopt;
  const RocksDbObjects& objects = *c.evidence.rocksdb_objects;
  const Series series = SeriesOf(objects, kind);
  const std::uint64_t families = c.evidence.rocksdb ? c.evidence.rocksdb->families.size() : 0;
  const std::uint64_t most =
      kind.kept + kind.kept_of_family * families + kind.kept_of_database * objects.open_databases;
  if (!StaysAbove(series, most)) return std::nullopt;
  return Describe(c, kind, series);
}

constexpr const char* kClose =
    "close them, best by try-with-resources: from RocksDB 7.0 on no collection of Java's heap does";

}  // namespace

// From 8.10.0 on each org.rocksdb.RocksDB makes one for itself and close() forgets it (rocksdb#15036): a
// database that was opened and closed leaves one behind.
std::optional<Finding> RocksDbUnclosedReadOptions(const Case& c) {
  if (!c.evidence.rocksdb_objects) return std::nullopt;
  Unclosed kind = {"ReadOptions",
                   {"ReadOptions"},
                   {"ReadOptions_newReadOptions", "ReadOptions_copyReadOptions"},
                   100,
                   20,
                   1,
                   kClose};
  const RocksDbObjectKind* databases = c.evidence.rocksdb_objects->Of("RocksDB");
  const RocksDbObjectKind* options = c.evidence.rocksdb_objects->Of("ReadOptions");
  constexpr std::uint64_t kFew = 20;
  const bool by_closed = databases != nullptr && options != nullptr && databases->closed >= kFew &&
                         options->Alive() >= databases->closed;
  if (by_closed) kind.kept = std::min(kind.kept, kFew / 2);
  std::optional<Finding> finding = Look(c, kind);
  if (!finding || !by_closed) return finding;
  finding->evidence.push_back(
      fmt::format("{} databases were opened and closed: from 8.10.0 on RocksDB's Java class makes "
                  "one for each and "
                  "does not close it (rocksdb#15036)",
                  databases->closed));
  finding->advice.emplace_back(
      "open databases once, not for each use, until a release closes them");
  return finding;
}

std::optional<Finding> RocksDbUnclosedIterators(const Case& c) {
  std::optional<Finding> finding = Look(
      c, {"iterators",
          {"RocksIterator"},
          {"RocksDB_iterator", "RocksIterator_", "Transaction_getIterator",
           "WriteBatchWithIndex_iterator"},
          100,
          20,
          1,
          "close them: each one also keeps the memtables, table files and blocks of its moment"});
  if (!finding) return finding;
  for (const evidence::RocksDbIterators& iterators : c.evidence.rocksdb_objects->iterators) {
    finding->evidence.push_back(fmt::format(
        "{} of {}, the oldest {} old", iterators.alive,
        iterators.database.empty() ? "a database that is not known" : iterators.database,
        AgeText(iterators.oldest)));
    if (finding->evidence.size() > 6) break;
  }
  return finding;
}

std::optional<Finding> RocksDbUnclosedStatistics(const Case& c) {
  return Look(c,
              {"Statistics",
               {"Statistics"},
               {"Statistics_newStatistics", "Options_statistics", "DBOptions_statistics"},
               10,
               0,
               2,
               "close each with its database: it has counters and histograms for every processor, "
               "hundreds of KiB"});
}

std::optional<Finding> RocksDbUnclosedWriteBatches(const Case& c) {
  return Look(c, {"WriteBatch objects",
                  {"WriteBatch"},
                  {"WriteBatch_", "WriteBatchWithIndex_"},
                  100,
                  20,
                  1,
                  kClose});
}

std::optional<Finding> RocksDbUnclosedOptions(const Case& c) {
  return Look(
      c,
      {"Options objects",
       {"Options", "DBOptions", "ColumnFamilyOptions", "WriteOptions", "FlushOptions"},
       {"Options_new", "Options_copy", "DBOptions_", "ColumnFamilyOptions_",
        "ColumnFamilyHandle_getDescriptor", "WriteOptions_", "FlushOptions_"},
       100,
       20,
       10,
       "close them, those of ColumnFamilyHandle.getDescriptor() too: options keep the cache that "
       "they name"});
}

std::optional<Finding> RocksDbUnclosedSnapshots(const Case& c) {
  return Look(c,
              {"snapshots",
               {"Snapshot"},
               {"RocksDB_getSnapshot"},
               50,
               0,
               10,
               "release them (RocksDB.releaseSnapshot): each keeps old values from being dropped"});
}

}  // namespace wrackline::diagnosis
