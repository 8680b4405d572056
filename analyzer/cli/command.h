// A subcommand: declares its options on the CLI11 parser and gives the function that does it.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <string>
#include <vector>

namespace wrackline::cli {

// docs/cli.md
inline constexpr int kOk = 0;
inline constexpr int kFinding = 1;
inline constexpr int kBadInput = 2;
inline constexpr int kRunFailed = 125;
inline constexpr int kCannotExecute = 126;
inline constexpr int kNotFound = 127;

using Action = std::function<int()>;

// `command`: what followed the first --.
Action AddRun(CLI::App* app, std::vector<std::string> command);
Action AddReport(CLI::App* app);
Action AddExport(CLI::App* app);
Action AddSize(CLI::App* app);
Action AddRocksDb(CLI::App* app);
Action AddDiff(CLI::App* app);
Action AddModel(CLI::App* app);
Action AddLint(CLI::App* app);
Action AddInspect(CLI::App* app);
Action AddPack(CLI::App* app);
Action AddCollect(CLI::App* app);
// `root`: the parser with all of them.
Action AddCompletion(CLI::App* app, const CLI::App* root);
Action AddManual(CLI::App* app, const CLI::App* root);

// "wrackline: MESSAGE" on stderr, one line, inert. Returns `status`.
int Fail(const std::string& message, int status = kBadInput);
// A remark on stderr, the same form.
void Say(const std::string& message);

}  // namespace wrackline::cli
