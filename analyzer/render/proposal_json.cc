#include <charconv>

#include "analyzer/render/json_parts.h"
#include "analyzer/render/proposal.h"
#include "analyzer/render/proposal_parts.h"

namespace wrackline::render {
namespace {

using sizing::Proposal;

// A setting as its type: integers and booleans as JSON's own, everything else as a string.
Json Setting(const std::string& text) {
  if (text == "true") return true;
  if (text == "false") return false;
  std::int64_t number = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), number);
  if (!text.empty() && parsed.ec == std::errc{} && parsed.ptr == text.data() + text.size())
    return number;
  return text;
}

Json MemoryJson(const flink::TaskManagerMemory& memory) {
  return {{"framework_heap", memory.framework_heap.count},
          {"task_heap", memory.task_heap.count},
          {"framework_off_heap", memory.framework_off_heap.count},
          {"task_off_heap", memory.task_off_heap.count},
          {"network", memory.network.count},
          {"managed", memory.managed.count},
          {"jvm_metaspace", memory.jvm_metaspace.count},
          {"jvm_overhead", memory.jvm_overhead.count},
          {"total_flink", memory.total_flink.count},
          {"total_process", memory.total_process.count}};
}

Json ReplayJson(const sizing::Replay& replay) {
  Json json = {{"run", replay.run}, {"ends_by", EndOf(replay)}};
  if (replay.died_at) json["died_at_ms"] = replay.died_at->count();
  json["peak"] = replay.peak.count;
  json["peak_at_ms"] = replay.peak_at.count();
  json["headroom"] = replay.headroom.count;
  for (const sizing::Replay::Part& part : replay.parts)
    json["parts"].push_back({{"name", part.name},
                             {"recorded", part.recorded.count},
                             {"predicted", part.predicted.count}});
  if (!replay.assumptions.empty()) json["assumptions"] = replay.assumptions;
  return json;
}

Json TestJson(const sizing::BackTest& test) {
  Json json = {{"survives", test.survives},
               {"limit", test.limit.count},
               {"headroom_asked", test.headroom_asked.count},
               {"least_headroom", test.least_headroom.count},
               {"memory", MemoryJson(test.memory)}};
  json["runs"] = Json::array();
  for (const sizing::Replay& replay : test.replays) json["runs"].push_back(ReplayJson(replay));
  return json;
}

}  // namespace

Json JsonOfProposal(const Proposal& proposal) {
  Json changes = Json::array();
  for (const sizing::Change& change : proposal.changes)
    changes.push_back({{"key", change.key},
                       {"old_value", change.old_value},
                       {"new_value", change.new_value},
                       {"reason", change.reason}});
  Json settings = Json::object();
  for (const auto& [key, value] : proposal.settings) settings[key] = Setting(value);
  Json json = {{"fits", proposal.fits},
               {"summary", proposal.summary},
               {"changes", std::move(changes)},
               {"settings", std::move(settings)},
               {"arithmetic", proposal.arithmetic},
               {"advice", proposal.advice},
               {"predicted_peak", proposal.predicted_peak.count},
               {"headroom", proposal.headroom.count},
               {"smallest_limit", proposal.smallest_limit.count}};
  for (const sizing::ComponentRow& row : proposal.components) {
    Json one = {{"name", row.name}};
    Put(&one, "peak", row.peak);
    one["need"] = row.need.count;
    one["before"] = row.before.count;
    one["after"] = row.after.count;
    one["reason"] = row.reason;
    json["components"].push_back(std::move(one));
  }
  for (const sizing::Kept& kept : proposal.kept)
    json["kept"].push_back({{"key", kept.key}, {"value", kept.value}, {"reason", kept.reason}});
  if (proposal.backtest) json["backtest"] = TestJson(*proposal.backtest);
  return json;
}

std::string ProposalJson(const Proposal& proposal) {
  Json json = {{"schema", kProposalJsonSchema}};
  json.update(JsonOfProposal(proposal));
  return json.dump(2, ' ', true, Json::error_handler_t::replace) + "\n";
}

}  // namespace wrackline::render
