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

void AddTextOptions(CLI::App* app, TextChoice* choice) {
  app->add_option("--color", choice->colour,
                  "Colours: auto is on a terminal, unless NO_COLOR is set or TERM is dumb")
      ->check(CLI::IsMember({"auto", "always", "never"}))
      ->capture_default_str();
  app->add_flag("--no-color", choice->no_colour, "The same as --color never");
  app->add_option(
         "--width", choice->width,
         "Columns of the text, 60 to 200 (default: the terminal's; 80 into a file or pipe)")
      ->check(CLI::Range(60, 200));
  app->add_flag("--ascii", choice->ascii,
                "Bars and lines in ASCII (default where the locale is not UTF-8)");
}

render::TextOptions TerminalOptions(const TextChoice& choice, bool to_file) {
  constexpr std::size_t kNarrowest = 60, kWidest = 200;
  const auto set = [](const char* name) {
    const char* value = std::getenv(name);
    return value != nullptr && *value != '\0' ? value : nullptr;
  };
  render::TextOptions options;
  options.utf8 = Utf8Locale() && !choice.ascii;
  const bool terminal = !to_file && isatty(STDOUT_FILENO) == 1;
  const char* term = set("TERM");
  const bool wanted =
      terminal && set("NO_COLOR") == nullptr && (term == nullptr || std::strcmp(term, "dumb") != 0);
  options.colour =
      !choice.no_colour && (choice.colour == "always" || (choice.colour == "auto" && wanted));
  if (choice.width != 0) {
    options.width = choice.width;
    return options;
  }
  winsize size{};
  if (terminal && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col != 0)
    options.width = std::clamp<std::size_t>(size.ws_col, kNarrowest, kWidest);
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
