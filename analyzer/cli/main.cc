// wrackline: see docs/cli.md.
#include <algorithm>
#include <array>
#include <cstdio>
#include <exception>
#include <string>
#include <string_view>
#include <vector>

#include "analyzer/cli/command.h"
#include "analyzer/cli/suggest.h"

namespace wrackline::cli {
namespace {

constexpr std::array<std::string_view, 10> kSubcommands = {
    "run", "report", "size", "diff", "rocksdb", "model", "lint", "collect", "inspect", "pack"};

int Main(int argc, char** argv) {
  // What follows `run`'s -- is the command's own, its options included: the parser never sees it.
  char** const end = argv + argc;
  char** const dashes = argc > 1 && std::string_view(argv[1]) == "run"
                            ? std::find(argv, end, std::string_view("--"))
                            : end;
  const std::vector<std::string> command(dashes == end ? end : dashes + 1, end);
  argc = static_cast<int>(dashes - argv);

  CLI::App app{
      "Native memory profiler and OOM diagnostics: what a killed process leaves behind, explained.",
      "wrackline"};
  app.set_version_flag("--version", std::string("wrackline ") + WRACKLINE_VERSION);
  app.require_subcommand(1);
  app.footer(
      "Exit status: 0 done; 2 bad input or usage; `model` 1 for a configuration that Flink would "
      "refuse, `size` 1 for one that does not hold, `lint` 1 with findings, `diff` 1 when "
      "something "
      "grew, `collect` 1 when it found nothing; `run` exits as its command does, 125 when "
      "wrackline itself failed,\n"
      "126 when the command cannot be executed, 127 when it is not found.\n"
      "Start with:  wrackline run -- PROGRAM ARGUMENTS   then   wrackline report wrackline.out");
  const std::array<std::pair<CLI::App*, Action>, kSubcommands.size()> commands = [&] {
    std::array<std::pair<CLI::App*, Action>, kSubcommands.size()> made;
    CLI::App* run = app.add_subcommand("run", "Run a command and record its memory");
    CLI::App* report =
        app.add_subcommand("report", "Say who held the memory, and what to set instead");
    CLI::App* size = app.add_subcommand(
        "size", "Size a Flink TaskManager by recorded runs, or check a configuration on them");
    CLI::App* diff = app.add_subcommand("diff", "Say what grew between two recordings or profiles");
    CLI::App* rocksdb =
        app.add_subcommand("rocksdb", "Show what each RocksDB family holds, each byte once");
    CLI::App* model =
        app.add_subcommand("model", "Show what Flink makes of a memory configuration, to the byte");
    CLI::App* lint = app.add_subcommand(
        "lint", "Name every mistake that a Flink configuration makes with memory");
    CLI::App* collect = app.add_subcommand(
        "collect", "Gather what says where a process's memory is, secrets masked");
    CLI::App* inspect =
        app.add_subcommand("inspect", "Show what a recorder file holds, uninterpreted");
    CLI::App* pack = app.add_subcommand("pack", "Make a small portable dump of a recorder file");
    made[0] = {run, AddRun(run, command)};
    made[1] = {report, AddReport(report)};
    made[2] = {diff, AddDiff(diff)};
    made[3] = {rocksdb, AddRocksDb(rocksdb)};
    made[4] = {model, AddModel(model)};
    made[5] = {lint, AddLint(lint)};
    made[6] = {collect, AddCollect(collect)};
    made[7] = {inspect, AddInspect(inspect)};
    made[8] = {pack, AddPack(pack)};
    made[9] = {size, AddSize(size)};
    return made;
  }();

  const std::string_view first = argc > 1 ? argv[1] : "";
  const bool known =
      std::find(kSubcommands.begin(), kSubcommands.end(), first) != kSubcommands.end();
  if (!first.empty() && first.front() != '-' && !known) {
    const std::string_view nearest = Nearest(first, kSubcommands);
    return Fail("no subcommand '" + std::string(first) + "' (" +
                (nearest.empty() ? std::string("wrackline --help lists them")
                                 : "did you mean '" + std::string(nearest) + "'?") +
                ")");
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& done) {  // --help, --version
    return app.exit(done);
  } catch (const CLI::ParseError& error) {
    const std::string which = known ? std::string(first) + " " : std::string();
    std::string what = error.what();
    std::replace(what.begin(), what.end(), '\n', ' ');
    return Fail(what + " (see wrackline " + which + "--help)",
                first == "run" ? kRunFailed : kBadInput);
  }
  for (const auto& [command, action] : commands) {
    if (command->parsed()) return action();
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
