// Text from a recording, made safe to print: symbol, family and file names are the profiled
// program's and may hold control characters, terminal escape sequences, or bytes that are no text
// at all.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace wrackline::render {

// Valid UTF-8 that is neither a control, a bidirectional override nor another invisible format
// character stays; every other byte becomes \xNN. Where the terminal is not UTF-8 (`utf8` false)
// all non-ASCII becomes \xNN.
std::string Inert(std::string_view text, bool utf8);

// Columns on a terminal: wide East Asian characters and emoji count two, combining marks none.
// `text` is inert.
std::size_t Columns(std::string_view text);

// At most `columns` columns: what is cut off the end is marked ("..." or its one-column form).
std::string Fit(std::string_view text, std::size_t columns, bool utf8);

// Fit, then filled with spaces to exactly `columns`.
std::string Left(std::string_view text, std::size_t columns, bool utf8);
std::string Right(std::string_view text, std::size_t columns, bool utf8);

}  // namespace wrackline::render
