// The report for programs: one JSON object, "schema": 1. docs/report.md lists the fields.
#pragma once

#include <string>

#include "analyzer/report/report.h"

namespace wrackline::render {

inline constexpr int kJsonSchema = 1;

// Pretty-printed and pure ASCII: names from the recording are escaped, bytes that are no text are
// replaced. Amounts are integers in bytes, times are seconds; a figure that was not observed is
// left out, never 0.
std::string RenderJson(const report::Report& report);

}  // namespace wrackline::render
