// The verdict for log collectors: one JSON object on one line, "schema": 1. docs/report.md lists the fields.
#pragma once

#include <cstddef>
#include <string>

#include "analyzer/report/report.h"

namespace wrackline::render {

inline constexpr int kEventSchema = 1;
// With its newline. Collectors cut what is longer: 16 KiB is the least that is known (the container runtimes' own logs).
inline constexpr std::size_t kEventBytes = 8192;

// One line, ended by a newline, pure ASCII: what is no printable ASCII is escaped, bytes that are no text are replaced. Long texts are cut,
// with "..." at their end, until the line fits. `time`: seconds since 1970, of the report itself. Pure; any thread.
std::string RenderEvent(const report::Report& report, double time);

}  // namespace wrackline::render
