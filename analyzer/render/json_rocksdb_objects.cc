#include "analyzer/render/json_parts.h"

namespace wrackline::render {
namespace {

double Seconds(evidence::Duration duration) {
  return static_cast<double>(
             std::chrono::duration_cast<std::chrono::milliseconds>(duration).count()) /
         1e3;
}

Json SharedJson(const evidence::RocksDbSharedObject& shared) {
  Json json = {{"id", shared.id},
               {"class", shared.manager ? "WriteBufferManager" : "Cache"},
               {"age_seconds", Seconds(shared.age)},
               {"closed_by_java", shared.closed_by_java},
               {"used_by_open_database", shared.used}};
  Put(&json, "holders", shared.holders);
  Put(&json, "capacity", shared.capacity);
  Put(&json, "usage", shared.usage);
  Put(&json, "pinned_usage", shared.pinned_usage);
  if (shared.unused) json["unused_seconds"] = Seconds(*shared.unused);
  return json;
}

}  // namespace

Json RocksDbObjectsJson(const evidence::RocksDbObjects& objects) {
  Json kinds = Json::array(), shared = Json::array(), iterators = Json::array();
  for (const evidence::RocksDbObjectKind& kind : objects.kinds)
    kinds.push_back({{"class", kind.name},
                     {"made", kind.made},
                     {"closed", kind.closed},
                     {"alive", kind.Alive()}});
  for (const evidence::RocksDbSharedObject& object : objects.shared)
    shared.push_back(SharedJson(object));
  for (const evidence::RocksDbIterators& of : objects.iterators)
    iterators.push_back(
        {{"database", of.database}, {"alive", of.alive}, {"oldest_seconds", Seconds(of.oldest)}});
  return {{"time", Stamp(objects.time)},
          {"incomplete", objects.incomplete},
          {"open_databases", objects.open_databases},
          {"unread_databases", objects.unread_databases},
          {"unlisted", objects.unlisted},
          {"classes", std::move(kinds)},
          {"shared", std::move(shared)},
          {"iterators", std::move(iterators)}};
}

}  // namespace wrackline::render
