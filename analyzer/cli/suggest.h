// "Did you mean": the nearest of a few known words.
#pragma once

#include <span>
#include <string_view>

namespace wrackline::cli {

// The known word with the fewest edits (insert, delete, replace, swap of neighbours); empty when
// none is near: more than half of the typed word would have to change.
std::string_view Nearest(std::string_view typed, std::span<const std::string_view> known);

}  // namespace wrackline::cli
