// What the standard output is: its width, its character set, whether it wants colour.
#pragma once

#include <cstddef>

#include "analyzer/render/page.h"

namespace wrackline::cli {

// True when LC_ALL, LC_CTYPE or LANG (the first that is set) names UTF-8.
bool Utf8Locale();

// For descriptor 1. NO_COLOR is honoured; a file or pipe gets 80 columns and no colour.
render::TextOptions TerminalOptions(bool want_colour, bool to_file);

// Columns of the help: the terminal's, 100 at most; 80 into a file or pipe.
std::size_t HelpWidth();

}  // namespace wrackline::cli
