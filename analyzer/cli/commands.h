// The command line as it is declared: every subcommand on one parser.
#pragma once

#include <CLI/CLI.hpp>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "analyzer/cli/command.h"

namespace wrackline::cli {

struct Commands {
  std::unique_ptr<CLI::App> app;
  std::vector<std::pair<CLI::App*, Action>> actions;  // in the order of the help
};

// `command`: what followed run's --.
Commands DeclareCommands(const std::vector<std::string>& command);

// What is wrong with the arguments and what was meant: `what` is the parser's message, `typed` the subcommand's name or "".
std::string UsageError(const CLI::App& app, const std::string& typed, std::string what);

}  // namespace wrackline::cli
