#include <nlohmann/json.hpp>

#include "analyzer/flink/memory_json.h"
#include "analyzer/render/backtest.h"

namespace wrackline::render {
namespace {

using sizing::Death;
using sizing::Replay;

const char* DeathName(Death death) {
  switch (death) {
    case Death::kNone:
      return "none";
    case Death::kLimit:
      return "limit";
    case Death::kHeap:
      return "heap";
    case Death::kDirectMemory:
      return "direct_memory";
    case Death::kMetaspace:
      break;
  }
  return "metaspace";
}

Json ReplayJson(const Replay& replay) {
  Json json = {{"run", replay.run},
               {"lives", replay.death == Death::kNone},
               {"death", DeathName(replay.death)}};
  if (replay.died_at) json["died_at_ms"] = replay.died_at->count();
  json["peak"] = replay.peak.count;
  json["peak_at_ms"] = replay.peak_at.count();
  json["headroom"] = replay.headroom.count;
  json["parts"] = Json::array();
  for (const Replay::Part& part : replay.parts)
    json["parts"].push_back({{"name", part.name},
                             {"recorded", part.recorded.count},
                             {"predicted", part.predicted.count}});
  json["assumptions"] = replay.assumptions;
  return json;
}

}  // namespace

Json BackTestJson(const sizing::BackTest& test) {
  Json json = {{"survives", test.survives},
               {"limit", test.limit.count},
               {"headroom_asked", test.headroom_asked.count},
               {"least_headroom", test.least_headroom.count},
               {"memory", flink::ComponentsJson(test.memory)},
               {"replays", Json::array()}};
  for (const Replay& replay : test.replays) json["replays"].push_back(ReplayJson(replay));
  return json;
}

std::string RenderBackTestJson(const BackTestView& view) {
  Json json = {{"schema", 1},
               {"configuration", view.source},
               {"flink_version", view.version},
               {"limit_from", view.limit_from},
               {"notes", view.notes}};
  json["backtest"] = BackTestJson(view.test);
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace wrackline::render
