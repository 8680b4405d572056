#include <cmath>

#include "analyzer/render/diff.h"
#include "analyzer/render/json_parts.h"

namespace wrackline::render {
namespace {

Json SideJson(const diff::Side& side) {
  Json json;
  json["source"] = side.source;
  json["subject"] = side.subject;
  json["kind"] = side.kind;
  if (side.time.time_since_epoch().count() != 0) json["time"] = Stamp(side.time);
  if (side.uptime) json["uptime_seconds"] = std::chrono::duration<double>(*side.uptime).count();
  if (side.interval) json["sampling_interval"] = side.interval->count;
  return json;
}

// Bytes and counts are whole; rates need not be.
Json Amount(double amount, bool whole) {
  if (whole) return static_cast<std::int64_t>(std::llround(amount));
  return amount;
}

Json RowJson(const diff::Row& row, bool whole) {
  Json json;
  json["id"] = row.id;
  json["label"] = row.label;
  json["unit"] = row.unit == diff::Unit::kBytes ? "bytes" : "count";
  if (row.before) json["before"] = Amount(*row.before, whole);
  if (row.after) json["after"] = Amount(*row.after, whole);
  if (row.before && row.after) json["change"] = Amount(row.Change(), whole);
  Put(&json, "percent", row.Percent());
  json["sampled"] = row.sampled;
  if (row.sampled) {
    json["standard_error_before"] = Amount(row.before_error, whole);
    json["standard_error_after"] = Amount(row.after_error, whole);
    json["samples_before"] = row.before_samples;
    json["samples_after"] = row.after_samples;
  }
  if (row.sampled && row.judged) {
    json["confidence"] = std::string(Name(row.verdict.confidence));
    json["p"] = row.verdict.p;
  }
  json["judged"] = row.judged;
  json["grown"] = row.grown;
  if (!row.frames.empty()) {
    Json frames = Json::array();
    for (const evidence::SiteFrame& frame : row.frames) {
      Json one;
      one["function"] = frame.function;
      Put(&one, "module", frame.module);
      if (frame.line != 0) {
        one["file"] = frame.file;
        one["line"] = frame.line;
      }
      frames.push_back(std::move(one));
    }
    json["frames"] = std::move(frames);
    json["label_frame"] = row.label_frame;
  }
  return json;
}

}  // namespace

std::string RenderDiffJson(const diff::Diff& diff) {
  const bool whole = !diff.options.per_hour;
  Json json;
  json["schema"] = 1;
  json["before"] = SideJson(diff.before);
  json["after"] = SideJson(diff.after);
  json["same_process"] = diff.same_process;
  json["per_hour"] = diff.options.per_hour;
  json["least_growth"] = diff.options.least_growth.count;
  json["least_percent"] = diff.options.least_percent;
  json["grew"] = diff.grew;
  json["notes"] = diff.notes;
  Json sections = Json::array();
  for (const diff::Section& section : diff.sections) {
    Json one;
    one["id"] = section.id;
    one["title"] = section.title;
    one["notes"] = section.notes;
    one["rows"] = Json::array();
    for (const diff::Row& row : section.rows) one["rows"].push_back(RowJson(row, whole));
    sections.push_back(std::move(one));
  }
  json["sections"] = std::move(sections);
  // Names from a recording may be no UTF-8.
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace wrackline::render
