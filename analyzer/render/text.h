// The report for a terminal. docs/report.md explains how to read it.
#pragma once

#include <string>

#include "analyzer/render/page.h"
#include "analyzer/report/report.h"

namespace wrackline::render {

std::string RenderText(const report::Report& report, const TextOptions& options);

}  // namespace wrackline::render
