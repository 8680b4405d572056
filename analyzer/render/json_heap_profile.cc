#include "analyzer/render/json_parts.h"

namespace wrackline::render {

Json HeapProfileJson(const evidence::HeapProfileFacts& profile) {
  Json json = {{"file", profile.file}, {"format", profile.format}};
  if (profile.taken.time_since_epoch().count() != 0) json["time"] = Stamp(profile.taken);
  Put(&json, "sampling_interval", profile.interval);
  json["exact"] = profile.exact;
  if (profile.live_known) {
    json["live"] = profile.live.count;
    json["live_objects"] = profile.live_objects;
    if (profile.exact || profile.interval) json["standard_error"] = profile.standard_error.count;
  }
  if (profile.allocated.count > 0) json["allocated"] = profile.allocated.count;
  json["stacks"] = profile.stacks;
  json["notes"] = profile.notes;
  return json;
}

}  // namespace wrackline::render
