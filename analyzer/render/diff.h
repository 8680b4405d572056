// A diff as text and as JSON (docs/diff.md has the schema).
#pragma once

#include <cstddef>
#include <string>

#include "analyzer/diff/diff.h"
#include "analyzer/render/page.h"

namespace wrackline::render {

// At most `limit` rows a section, 0: all; those within the noise are counted, and shown only with `limit` 0.
std::string RenderDiffText(const diff::Diff& diff, std::size_t limit, const TextOptions& options);

// All rows.
std::string RenderDiffJson(const diff::Diff& diff);

}  // namespace wrackline::render
