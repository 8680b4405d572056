// What the JSON renderers share.
#pragma once

#include <chrono>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "analyzer/evidence/evidence.h"
#include "analyzer/report/report.h"

namespace wrackline::render {

using Json = nlohmann::ordered_json;

// Seconds since 1970, to the millisecond: a double holds that exactly enough.
inline double Stamp(evidence::Time time) {
  return static_cast<double>(
             std::chrono::duration_cast<std::chrono::milliseconds>(time.time_since_epoch())
                 .count()) /
         1e3;
}

inline void Put(Json* object, const char* key, const std::optional<Bytes>& amount) {
  if (amount) (*object)[key] = amount->count;
}
template <typename T>
void Put(Json* object, const char* key, const std::optional<T>& value) {
  if (value) (*object)[key] = *value;
}
inline void Put(Json* object, const char* key, const std::string& text) {
  if (!text.empty()) (*object)[key] = text;
}

// The whole report, as RenderJson prints it.
Json ReportJson(const report::Report& report);
// Families, caches, write buffer managers, and the totals with each byte once.
Json RocksDbJson(const evidence::RocksDb& rocksdb);
// Whose samples the sites are, where they are another tool's.
Json HeapProfileJson(const evidence::HeapProfileFacts& profile);
// What Java made of RocksDB and did not close.
Json RocksDbObjectsJson(const evidence::RocksDbObjects& objects);
// The last minutes before a kill; of a report that has them.
Json AtTheKillJson(const report::Report& report);
Json JsonOfProposal(const sizing::Proposal& proposal);
Json TimeToLimitJson(const report::TimeToLimit& time);

// The files of a folder and what became of each; and what would have said more.
Json SourcesJson(const evidence::Evidence& evidence);
Json LackingJson(const evidence::Evidence& evidence);

}  // namespace wrackline::render
