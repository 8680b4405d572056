// Prometheus's text exposition format, as a scrape of /metrics gives it.
//
//   const Status failed = ParsePrometheusText(text, [](const ScrapeSample& sample) {
//     if (sample.name == "up") Use(sample.value, sample.Label("instance"));
//   });
//
// Read: the text format 0.0.4, names in quotes (Prometheus 3), and of OpenMetrics its exemplars,
// which are skipped, and its end mark, after which nothing may come. Comments are skipped, so are
// types and units. Pure; any thread. Text may be hostile: memory is bounded by the longest line,
// time by the text's length.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "analyzer/evidence/evidence.h"
#include "lib/base/result.h"

namespace wrackline::evidence {

struct ScrapeSample {
  std::string name;
  std::vector<std::pair<std::string, std::string>> labels;  // values without their escapes
  double value = 0;                                         // may be NaN or infinite
  std::optional<Time> time;                                 // where the line has one
  std::size_t line = 0;                                     // from 1

  // "" when there is no such label.
  std::string_view Label(std::string_view label) const;
};

// Calls `visit` for each sample in order of the text. Errors name the line and stop the reading:
// what is no sample and no comment, more than 256 labels, a last line without an end (the text is
// cut off, and its number may be too).
Status ParsePrometheusText(std::string_view text,
                           const std::function<void(const ScrapeSample&)>& visit);

// True when `beginning` (the first few KiB are enough) can be such a text: its first line that is
// no comment is a sample, or it has comments only and some is a HELP or TYPE.
bool LooksLikePrometheusText(std::string_view beginning);

}  // namespace wrackline::evidence
