// A recorded demand as one line of JSON, for evidence/run_file.h to read again. The fields: docs/run-files.md. Pure; any thread.
#pragma once

#include <string>
#include <vector>

#include "analyzer/sizing/run.h"

namespace wrackline::render {

// With its line end. Pure ASCII: names are escaped, bytes that are no text are replaced. A figure that was not observed is left out,
// or null among others that were.
std::string RenderRun(const sizing::Run& run);

// One line each.
std::string RenderRunFile(const std::vector<sizing::Run>& runs);

}  // namespace wrackline::render
