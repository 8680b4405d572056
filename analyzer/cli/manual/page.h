// A command's manual page as data: its declared options and its texts. Help, man pages and completions are made from it, so that
// nothing of them is written twice.
//
//   Page page = MakePage(app, "report");
//   std::cout << HelpText(page, 80);
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <utility>
#include <vector>

#include "analyzer/cli/manual/texts.h"

namespace wrackline::cli {

struct PageOption {
  std::vector<std::string> names;  // "-o", "--output"; of a positional argument none
  std::string value;               // "FILE", "text|json"; empty: a switch
  std::vector<std::string> choices;
  std::string description, standard;
  bool repeated = false, required = false;
  bool file = false;  // its value is a file or folder

  bool positional() const { return names.empty(); }
  // The description with the default, and whether it must be given.
  std::string Means() const;
};

struct Page {
  std::string name;     // "wrackline", "wrackline report"
  std::string summary;  // one line
  const Texts* texts = nullptr;
  std::vector<PageOption> options;  // positional ones first
  std::vector<std::pair<std::string, std::string>>
      commands;  // name and summary; of wrackline itself

  std::string Command() const;  // "report"; of wrackline itself ""
  std::string Manual() const;   // "wrackline-report"
};

// Of `app` itself (`command` "") or a subcommand of it. The subcommand must have texts.
Page MakePage(const CLI::App& app, const std::string& command);
// All, wrackline's own first.
std::vector<Page> MakePages(const CLI::App& app);

// `width` columns, at least 40.
std::string HelpText(const Page& page, std::size_t width);
// troff, macros of man(7).
std::string ManPage(const Page& page, const std::string& version);
// wrackline-preload(7).
std::string PreloadManPage(const std::string& version);
// What "bash", "zsh" or "fish" read; empty: none of these.
std::string Completion(const std::vector<Page>& pages, const std::string& shell);

// --- words, for those who write pages
std::string Upper(std::string text);
std::string Joined(const std::vector<std::string>& words, const char* between);
// A name of Texts::see_also as a page: "wrackline-report(1)".
std::string Reference(std::string_view name);
// Breaks at blanks so that no line with its indentation is wider; a longer word stays whole.
std::vector<std::string> Wrap(std::string_view text, std::size_t width);

}  // namespace wrackline::cli
