#include "analyzer/render/run_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "analyzer/evidence/run_file.h"
#include "analyzer/render/json_parts.h"

namespace wrackline::render {
namespace {

using sizing::Moment;

Json GrantedJson(const flink::TaskManagerMemory& memory) {
  return {{"framework_heap", memory.framework_heap.count},
          {"task_heap", memory.task_heap.count},
          {"framework_off_heap", memory.framework_off_heap.count},
          {"task_off_heap", memory.task_off_heap.count},
          {"network", memory.network.count},
          {"managed", memory.managed.count},
          {"jvm_metaspace", memory.jvm_metaspace.count},
          {"jvm_overhead", memory.jvm_overhead.count}};
}

Json FamilyJson(const sizing::FamilyDemand& family) {
  return {{"name", family.name},
          {"write_buffer_size", family.write_buffer_size.count},
          {"max_write_buffers", family.max_write_buffers},
          {"memtables_peak", family.memtables_peak.count},
          {"own_cache_capacity", family.own_cache_capacity.count},
          {"databases", family.databases}};
}

Json LeakJson(const sizing::Leak& leak) {
  return {{"what", leak.what}, {"held", leak.held.count}, {"bytes_per_hour", leak.bytes_per_hour}};
}

Json HeadJson(const sizing::Run& run) {
  Json json;
  json["wrackline_run"] = evidence::kRunFileVersion;
  json["name"] = run.name;
  Put(&json, "limit", run.limit);
  json["killed"] = run.killed;
  if (run.partial) json["partial"] = true;
  json["lifetime_ms"] = run.lifetime.count();
  Put(&json, "flink_version", run.flink_version);
  if (run.granted) json["granted"] = GrantedJson(*run.granted);
  Put(&json, "slots", run.slots);
  Put(&json, "rocksdb_managed", run.rocksdb_managed);
  Put(&json, "rocksdb_fixed", run.rocksdb_fixed);
  if (run.databases > 0) json["databases"] = run.databases;
  for (const sizing::FamilyDemand& family : run.families)
    json["families"].push_back(FamilyJson(family));
  Put(&json, "network_used", run.network_used);
  Put(&json, "managed_used", run.managed_used);
  for (const sizing::Leak& leak : run.leaks) json["leaks"].push_back(LeakJson(leak));
  return json;
}

// By hand: a run has thousands of numbers, and a tree of each is ten times as slow.
template <typename Value>
void AddColumn(const sizing::Run& run, std::string_view name, Value value, std::string* text) {
  const bool any = std::any_of(run.moments.begin(), run.moments.end(),
                               [&](const Moment& moment) { return value(moment).has_value(); });
  if (!any) return;
  fmt::format_to(std::back_inserter(*text), "{}\"{}\":[", text->back() == '{' ? "" : ",", name);
  for (const Moment& moment : run.moments) {
    if (&moment != run.moments.data()) *text += ',';
    if (const std::optional<Bytes> amount = value(moment)) {
      fmt::format_to(std::back_inserter(*text), "{}", amount->count);
    } else {
      *text += "null";
    }
  }
  *text += ']';
}

}  // namespace

std::string RenderRun(const sizing::Run& run) {
  std::string text = HeadJson(run).dump(-1, ' ', true, Json::error_handler_t::replace);
  text.pop_back();
  text += ",\"moments\":{";
  AddColumn(
      run, "at_ms", [](const Moment& m) { return std::optional(Bytes{m.at.count()}); }, &text);
  AddColumn(
      run, "working_set", [](const Moment& m) { return std::optional(m.working_set); }, &text);
  constexpr struct {
    const char* name;
    std::optional<Bytes> Moment::*part;
  } kParts[] = {{"heap", &Moment::heap},
                {"heap_live", &Moment::heap_live},
                {"metaspace", &Moment::metaspace},
                {"direct", &Moment::direct},
                {"caches", &Moment::caches},
                {"memtables", &Moment::memtables},
                {"table_readers", &Moment::table_readers}};
  for (const auto& [name, part] : kParts)
    AddColumn(
        run, name, [part = part](const Moment& m) { return m.*part; }, &text);
  text += "}}\n";
  return text;
}

std::string RenderRunFile(const std::vector<sizing::Run>& runs) {
  std::string text;
  for (const sizing::Run& run : runs) text += RenderRun(run);
  return text;
}

}  // namespace wrackline::render
