#include <nlohmann/json.hpp>

#include "analyzer/render/json_parts.h"
#include "analyzer/render/model.h"

namespace wrackline::render {
namespace {

using flink::ModelFacts;

void PutRefusal(const ModelFacts& facts, Json* answer) {
  (*answer)["error_class"] = facts.refused->error_class;
  (*answer)["error"] = facts.refused->message;
  for (const auto& cause : facts.refused->causes)
    (*answer)["causes"].push_back(Json::array({cause.error_class, cause.message}));
  (*answer)["next_step"] = facts.next_step;
}

Json BytesOf(const ModelFacts& facts) {
  Json bytes = Json::object();
  for (const flink::Component& component : facts.components)
    bytes[std::string(component.id)] = component.bytes.count;
  bytes["total_flink"] = facts.total_flink.count;
  bytes["total_process"] = facts.total_process.count;
  return bytes;
}

constexpr const char* KindName(flink::RocksDbBudgetKind kind) {
  switch (kind) {
    case flink::RocksDbBudgetKind::kManaged:
      return "managed";
    case flink::RocksDbBudgetKind::kFixedPerSlot:
      return "fixed-per-slot";
    case flink::RocksDbBudgetKind::kFixedPerTaskManager:
      return "fixed-per-tm";
    case flink::RocksDbBudgetKind::kNone:
      break;
  }
  return "unbounded";
}

Json RocksDbOf(const flink::RocksDbFacts& rocksdb) {
  Json json = {{"budget", KindName(rocksdb.kind)}};
  if (rocksdb.kind == flink::RocksDbBudgetKind::kNone) {
    json["per_state_bytes"] = rocksdb.per_state.count;
    return json;
  }
  json["managed_bytes"] = rocksdb.shared.count;
  json["write_buffer_ratio"] = rocksdb.ratio;
  json["high_prio_pool_ratio"] = rocksdb.high_prio;
  json["write_buffer_size"] = rocksdb.write_buffer.count;
  json["cache_capacity"] = rocksdb.cache.count;
  json["write_buffer_manager_capacity"] = rocksdb.write_buffer_manager.count;
  json["default_arena_block_size"] = rocksdb.arena.count;
  json["mutable_limit"] = rocksdb.mutable_limit.count;
  json["arena_block_size_valid"] = rocksdb.arena_fits;
  return json;
}

Json Noted(const std::vector<std::string>& notes) {
  Json json = Json::array();
  for (const std::string& note : notes) json.push_back(note);
  return json;
}

std::string Written(const Json& json) {
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace

std::string RenderModelJson(const ModelView& view) {
  const ModelFacts& facts = view.facts;
  Json json = {{"flink_version", FormatVersion(facts.version)},
               {"role", facts.role == flink::Role::kTaskManager ? "taskmanager" : "jobmanager"},
               {"mode", facts.mode == flink::Mode::kStandalone ? "standalone" : "containerized"},
               {"source", view.source},
               {"notes", Noted(view.notes)},
               {"ok", !facts.refused}};
  if (facts.refused) {
    PutRefusal(facts, &json);
    return Written(json);
  }
  json["bytes"] = BytesOf(facts);
  json["jvm_args"] = facts.jvm_arguments;
  json["dynamic_args"] = Json::object();
  for (const auto& [key, value] : facts.dynamic) json["dynamic_args"][key] = value;
  if (view.limit) {
    json["limit"] = view.limit->count;
    json["fits"] = ModelFits(view);
    json["spare"] = (*view.limit - facts.total_process).count;
  }
  if (facts.role == flink::Role::kTaskManager) {
    json["slots"] = facts.slots;
    json["slot_managed_bytes"] = facts.managed_per_slot.count;
    json["slot_shares"] = Json::array();
    for (const flink::SlotFacts& slot : facts.slot)
      json["slot_shares"].push_back({{"use_cases", slot.with},
                                     {"use_case", slot.consumer},
                                     {"fraction", slot.fraction},
                                     {"use_case_bytes", slot.bytes.count}});
    if (facts.rocksdb) json["rocksdb"] = RocksDbOf(*facts.rocksdb);
    Put(&json, "rocksdb_error", facts.rocksdb_problem);
  }
  return Written(json);
}

std::string RenderUpgradeJson(const flink::Upgrade& upgrade, const std::string& source,
                              const std::vector<std::string>& notes) {
  Json json = {{"from", FormatVersion(upgrade.before.version)},
               {"to", FormatVersion(upgrade.after.version)},
               {"source", source},
               {"notes", Noted(notes)},
               {"starts", !upgrade.after.refused}};
  for (const auto& [name, facts] :
       {std::pair<const char*, const ModelFacts*>("before", &upgrade.before),
        {"after", &upgrade.after}}) {
    Json side = {{"ok", !facts->refused}};
    if (facts->refused) {
      PutRefusal(*facts, &side);
    } else {
      side["bytes"] = BytesOf(*facts);
      side["jvm_args"] = facts->jvm_arguments;
    }
    json[name] = std::move(side);
  }
  json["changes"] = Json::array();
  for (const flink::UpgradeChange& change : upgrade.changes)
    json["changes"].push_back({{"since", FormatVersion(change.since)},
                               {"key", change.key},
                               {"breaks", change.breaks},
                               {"what", change.what},
                               {"do", change.step}});
  return Written(json);
}

}  // namespace wrackline::render
