// What the standard output is: its width, its character set, whether it wants colour; and what the command line says of it.
#pragma once

#include <CLI/CLI.hpp>
#include <cstddef>
#include <string>

#include "analyzer/render/page.h"

namespace wrackline::cli {

// True when LC_ALL, LC_CTYPE or LANG (the first that is set) names UTF-8.
bool Utf8Locale();

struct TextChoice {
  std::string colour = "auto";  // auto, always, never
  bool no_colour = false;
  bool ascii = false;
  std::size_t width = 0;  // 0: the terminal's
};
// --color, --no-color, --ascii, --width.
void AddTextOptions(CLI::App* app, TextChoice* choice);

// For descriptor 1. A file or pipe gets 80 columns and no colour, unless it was chosen. NO_COLOR and TERM=dumb are honoured where the
// choice is auto. At least 60 columns, at most 200.
render::TextOptions TerminalOptions(const TextChoice& choice, bool to_file);

// Columns of the help: the terminal's, 100 at most; 80 into a file or pipe.
std::size_t HelpWidth();

}  // namespace wrackline::cli
