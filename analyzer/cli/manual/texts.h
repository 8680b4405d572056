// What the parser does not know of a subcommand and its reader wants to: what for, examples, exit status. With the declared options
// it makes the help, the man pages and the completions (page.h).
#pragma once

#include <string_view>
#include <vector>

namespace wrackline::cli {

struct Example {
  std::string_view command, says;
};

struct ExitStatus {
  std::string_view status, means;
};

struct Texts {
  std::string_view command;  // of the subcommand; "" of wrackline itself
  std::string_view usage;    // what follows its name, in the field's form
  std::vector<std::string_view> about;
  std::vector<Example> examples;
  std::vector<ExitStatus> exits;
  std::vector<std::string_view> see_also;  // other subcommands and manual pages
};

// Of wrackline itself first. Every subcommand has one, with an example (a test says so).
const std::vector<Texts>& AllTexts();
// Null: there is none of this name.
const Texts* TextsOf(std::string_view command);

// The preload's environment, as in docs/preload.md (a test compares them).
struct EnvironmentVariable {
  std::string_view name, standard, means, example;
};
const std::vector<EnvironmentVariable>& PreloadEnvironment();

}  // namespace wrackline::cli
