#include "analyzer/cli/commands.h"

#include <algorithm>
#include <string_view>

#include "analyzer/cli/manual/page.h"
#include "analyzer/cli/suggest.h"
#include "analyzer/cli/terminal.h"

namespace wrackline::cli {
namespace {

class PageFormatter : public CLI::FormatterBase {
 public:
  std::string make_help(const CLI::App* app, std::string, CLI::AppFormatMode) const override {
    const CLI::App* parent = app->get_parent();
    return parent == nullptr ? HelpText(MakePage(*app, ""), HelpWidth())
                             : HelpText(MakePage(*parent, app->get_name()), HelpWidth());
  }
};

std::string Near(std::string_view typed, const std::vector<std::string>& words) {
  const std::vector<std::string_view> known(words.begin(), words.end());
  return std::string(Nearest(typed, known));
}

// The first word of `text` from `from` on, without what surrounds it.
std::string_view WordAt(std::string_view text, std::size_t from) {
  const std::size_t end = std::min(text.find_first_of(" ,:=", from), text.size());
  return text.substr(from, end - from);
}

}  // namespace

Commands DeclareCommands(const std::vector<std::string>& command) {
  Commands made;
  made.app = std::make_unique<CLI::App>(
      "Native memory profiler and OOM diagnostics: what a killed process leaves behind, explained",
      "wrackline");
  CLI::App& app = *made.app;
  app.formatter(std::make_shared<PageFormatter>());
  app.get_help_ptr()->description("Print this and end");
  app.set_version_flag("--version", std::string("wrackline ") + WRACKLINE_VERSION,
                       "Print the version and end");
  app.require_subcommand(1);
  const auto add = [&](const char* name, const char* summary, auto declare) {
    CLI::App* subcommand = app.add_subcommand(name, summary);
    made.actions.emplace_back(subcommand, declare(subcommand));
  };
  add("run", "Run a command and record its memory",
      [&](CLI::App* sub) { return AddRun(sub, command); });
  add("report", "Say who held the memory, and what to set instead", AddReport);
  add("export", "Write a report or its samples for other tools", AddExport);
  add("size", "Size a Flink TaskManager by recorded runs, or check a configuration on them",
      AddSize);
  add("diff", "Say what grew between two recordings or profiles", AddDiff);
  add("rocksdb", "Show what each RocksDB family holds, each byte once", AddRocksDb);
  add("model", "Show what Flink makes of a memory configuration, to the byte", AddModel);
  add("lint", "Name every mistake that a Flink configuration makes with memory", AddLint);
  add("collect", "Gather what says where a process's memory is, secrets masked", AddCollect);
  add("inspect", "Show what a recorder file holds, uninterpreted", AddInspect);
  add("pack", "Make a small portable dump of a recorder file", AddPack);
  add("completion", "Print a shell's completion of these commands",
      [&](CLI::App* sub) { return AddCompletion(sub, &app); });
  add("manual", "Write the manual pages and completions into a folder",
      [&](CLI::App* sub) { return AddManual(sub, &app); });
  made.actions.back().first->group("");  // for those who install it
  return made;
}

std::string UsageError(const CLI::App& app, const std::string& typed, std::string what) {
  std::replace(what.begin(), what.end(), '\n', ' ');
  const Page page = MakePage(app, typed);
  std::string meant;
  if (const std::size_t extras = what.find("not expected:"); extras != std::string::npos) {
    std::vector<std::string> names;
    for (const PageOption& option : page.options)
      names.insert(names.end(), option.names.begin(), option.names.end());
    const std::size_t at = what.find(" -", extras);
    if (at != std::string::npos) meant = Near(WordAt(what, at + 1), names);
  } else if (const std::size_t not_in = what.find(" not in {"); not_in != std::string::npos) {
    const std::size_t from = what.rfind(' ', not_in - 1) + 1;
    for (const PageOption& option : page.options)
      if (std::any_of(option.names.begin(), option.names.end(),
                      [&](const std::string& name) { return what.starts_with(name + ":"); }))
        meant = Near(std::string_view(what).substr(from, not_in - from), option.choices);
  }
  std::string help = "see wrackline " + (typed.empty() ? std::string() : typed + " ") + "--help";
  return what + " (" + (meant.empty() ? "" : "did you mean '" + meant + "'? ") + help + ")";
}

}  // namespace wrackline::cli
