// wrackline: see docs/cli.md.
#include <algorithm>
#include <cstdio>
#include <exception>
#include <string>
#include <string_view>
#include <vector>

#include "analyzer/cli/command.h"
#include "analyzer/cli/commands.h"
#include "analyzer/cli/suggest.h"

namespace wrackline::cli {
namespace {

int Main(int argc, char** argv) {
  // What follows `run`'s -- is the command's own, its options included: the parser never sees it.
  char** const end = argv + argc;
  char** const dashes = argc > 1 && std::string_view(argv[1]) == "run"
                            ? std::find(argv, end, std::string_view("--"))
                            : end;
  const std::vector<std::string> command(dashes == end ? end : dashes + 1, end);
  argc = static_cast<int>(dashes - argv);

  Commands commands = DeclareCommands(command);
  CLI::App& app = *commands.app;
  const std::string first = argc > 1 ? argv[1] : "";
  std::vector<std::string_view> names;
  bool known = false;
  for (const auto& [subcommand, action] : commands.actions) {
    known |= subcommand->get_name() == first;
    if (!subcommand->get_group().empty()) names.push_back(subcommand->get_name());
  }
  if (!first.empty() && first.front() != '-' && !known) {
    const std::string_view nearest = Nearest(first, names);
    return Fail("no command '" + first + "' (" +
                (nearest.empty() ? std::string("wrackline --help lists them")
                                 : "did you mean '" + std::string(nearest) + "'?") +
                ")");
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& done) {  // --help, --version
    return app.exit(done);
  } catch (const CLI::ParseError& error) {
    return Fail(UsageError(app, known ? first : "", error.what()),
                first == "run" ? kRunFailed : kBadInput);
  }
  for (const auto& [subcommand, action] : commands.actions) {
    if (subcommand->parsed()) return action();
  }
  return kBadInput;
}

}  // namespace

}  // namespace wrackline::cli

int main(int argc, char** argv) {
  try {
    return wrackline::cli::Main(argc, argv);
  } catch (const std::exception& failure) {
    std::fprintf(stderr, "wrackline: internal error: %s (please report this)\n", failure.what());
    return wrackline::cli::kRunFailed;
  }
}
