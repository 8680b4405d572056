// Bars and sparklines, in block characters or, where the terminal is not UTF-8, in ASCII.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace wrackline::render {

// A bar of `fraction` (cut to 0..1) of `columns`, in eighths of a column; padded with spaces to
// `columns`.
std::string Bar(double fraction, std::size_t columns, bool utf8);

// One character a value, 0..1; empty values are gaps.
std::string Sparkline(const std::vector<std::optional<double>>& values, bool utf8);

}  // namespace wrackline::render
