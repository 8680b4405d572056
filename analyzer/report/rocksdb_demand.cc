#include "analyzer/report/rocksdb_demand.h"

#include <algorithm>
#include <map>
#include <set>
#include <string>

namespace wrackline::report {
namespace {

using evidence::RocksDb;
using evidence::RocksDbFamily;

std::map<std::uint64_t, int> CacheUsers(const RocksDb& rocksdb) {
  std::map<std::uint64_t, int> users;
  for (const RocksDbFamily& family : rocksdb.families) {
    if (family.cache_id != 0) users[family.cache_id] += 1;
  }
  return users;
}

}  // namespace

const std::optional<RocksDb>& RocksDbOf(const evidence::Evidence& evidence) {
  return evidence.rocksdb_over_life ? evidence.rocksdb_over_life : evidence.rocksdb;
}

std::vector<sizing::FamilyDemand> FamiliesOf(const RocksDb& rocksdb) {
  std::map<std::string, sizing::FamilyDemand> by_name;
  std::map<std::string, std::set<std::uint64_t>> databases;  // of each family name
  std::map<std::uint64_t, Bytes> capacities;
  for (const evidence::RocksDbCache& cache : rocksdb.caches)
    capacities[cache.id] += cache.capacity.value_or(Bytes{});
  const std::map<std::uint64_t, int> users = CacheUsers(rocksdb);
  for (const RocksDbFamily& family : rocksdb.families) {
    sizing::FamilyDemand& needs = by_name[family.name];
    needs.name = family.name;
    databases[family.name].insert(family.database_id);
    needs.databases = static_cast<int>(databases[family.name].size());
    needs.write_buffer_size =
        std::max(needs.write_buffer_size, family.write_buffer_size.value_or(Bytes{}));
    needs.max_write_buffers =
        std::max(needs.max_write_buffers, family.max_write_buffers.value_or(0));
    needs.memtables_peak += family.memtables_peak.value_or(Bytes{});
    if (family.cache_id == 0 || users.at(family.cache_id) != 1) continue;
    const auto capacity = capacities.find(family.cache_id);
    if (capacity != capacities.end()) needs.own_cache_capacity += capacity->second;
  }
  std::vector<sizing::FamilyDemand> families;
  families.reserve(by_name.size());
  for (auto& [name, family] : by_name) families.push_back(std::move(family));
  return families;
}

bool SharesOneCache(const RocksDb& rocksdb) {
  return CacheUsers(rocksdb).size() == 1 && rocksdb.families.size() > 1;
}

bool HasWriteBufferManager(const RocksDb& rocksdb) {
  return std::any_of(rocksdb.managers.begin(), rocksdb.managers.end(),
                     [](const evidence::RocksDbManager& manager) {
                       return manager.buffer_size && manager.buffer_size->count > 0;
                     });
}

std::optional<bool> RocksDbIsManaged(const evidence::Evidence& evidence) {
  const std::optional<evidence::FlinkFacts>& flink = evidence.flink;
  const std::optional<RocksDb>& rocksdb = RocksDbOf(evidence);
  if (!rocksdb) {
    if (!flink || !flink->rocksdb) return std::nullopt;
    return flink->rocksdb_managed;
  }
  if (HasWriteBufferManager(*rocksdb)) return true;
  const std::map<std::uint64_t, int> users = CacheUsers(*rocksdb);
  // A database of one family has a cache for it alone either way.
  if (!users.empty() && rocksdb->families.size() > 1)
    return std::any_of(users.begin(), users.end(),
                       [](const auto& cache) { return cache.second > 1; });
  return flink ? flink->rocksdb_managed : false;
}

}  // namespace wrackline::report
