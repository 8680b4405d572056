#include "analyzer/cli/terminal.h"

#include <strings.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>

namespace wrackline::cli {

bool Utf8Locale() {
  for (const char* name : {"LC_ALL", "LC_CTYPE", "LANG"}) {
    const char* value = std::getenv(name);
    if (value == nullptr || *value == '\0') continue;
    return strcasestr(value, "utf-8") != nullptr || strcasestr(value, "utf8") != nullptr;
  }
  return false;
}

render::TextOptions TerminalOptions(bool want_colour, bool to_file) {
  render::TextOptions options;
  options.utf8 = Utf8Locale();
  const bool terminal = !to_file && isatty(STDOUT_FILENO) == 1;
  const char* no_color = std::getenv("NO_COLOR");
  options.colour = terminal && want_colour && (no_color == nullptr || *no_color == '\0');
  if (!terminal) return options;
  winsize size{};
  if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col != 0) options.width = size.ws_col;
  return options;
}

std::size_t HelpWidth() {
  winsize size{};
  if (isatty(STDOUT_FILENO) != 1 || ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 ||
      size.ws_col == 0)
    return 80;
  return std::min<std::size_t>(size.ws_col, 100);
}

}  // namespace wrackline::cli
