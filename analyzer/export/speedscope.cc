#include <nlohmann/json.hpp>

#include "analyzer/export/named_stacks.h"
#include "analyzer/render/inert.h"

namespace wrackline::exports {
namespace {

using Json = nlohmann::ordered_json;

Json Sampled(const char* name, const std::map<std::vector<std::size_t>, std::int64_t>& stacks) {
  Json samples = Json::array(), weights = Json::array();
  std::int64_t total = 0;
  for (const auto& [frames, bytes] : stacks) {
    samples.push_back(frames);
    weights.push_back(bytes);
    total += bytes;
  }
  return {{"type", "sampled"},
          {"name", name},
          {"unit", "bytes"},
          {"startValue", 0},
          {"endValue", total},
          {"samples", std::move(samples)},
          {"weights", std::move(weights)}};
}

}  // namespace

std::string Speedscope(const Profile& profile) {
  const NamedStacks named = NameStacks(profile);
  Json frames = Json::array();
  for (const NamedFrame& frame : named.frames) {
    Json one = {{"name", frame.name}};
    if (!frame.file.empty()) one["file"] = frame.file;
    if (frame.line != 0) one["line"] = frame.line;
    frames.push_back(std::move(one));
  }
  Json profiles = Json::array();
  if (profile.live_known) profiles.push_back(Sampled("live bytes", named.live));
  if (!named.allocated.empty()) profiles.push_back(Sampled("allocated bytes", named.allocated));
  const Json json = {{"$schema", "https://www.speedscope.app/file-format-schema.json"},
                     {"shared", {{"frames", std::move(frames)}}},
                     {"profiles", std::move(profiles)},
                     {"name", render::Inert(profile.subject, true)},
                     {"activeProfileIndex", 0},
                     {"exporter", "wrackline"}};
  return json.dump(-1, ' ', true, Json::error_handler_t::replace) + "\n";
}

}  // namespace wrackline::exports
