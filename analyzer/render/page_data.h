// What the page draws beyond the JSON report. Times are milliseconds after the page's base, series are columns of equal length,
// a figure that was not observed is null.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "analyzer/render/html.h"
#include "analyzer/render/json_parts.h"

namespace wrackline::render {

// {base, timeline: {time, charge, ...}, parts: [{id, label, bytes}], collections, families}
Json PageSeriesJson(const report::Report& report);

// {strings, modules, frames, tree, groups, libraries, views}: every stack once, as a tree of frames from the thread's start to the
// allocation in depth-first order; and per view (a moment, or all that was ever allocated) the bytes of each stack, in units of `unit`
// bytes: 1, or 1024 where there are many.
Json PageProfileJson(const evidence::Evidence& evidence, const std::vector<PastProfile>& past,
                     const PageLimits& limits);

// Indexes of at most `most` ticks and some more: of each equal part of the time the tick with the largest charge, and all of the last
// minute as far as they are not too many. The first and the newest are always there.
std::vector<std::size_t> ThinnedTicks(const std::vector<evidence::TimelinePoint>& timeline,
                                      std::size_t most);

// Milliseconds from `base` to `time`.
inline std::int64_t Offset(evidence::Time time, evidence::Time base) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(time - base).count();
}

}  // namespace wrackline::render
