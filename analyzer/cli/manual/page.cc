#include "analyzer/cli/manual/page.h"

#include <algorithm>
#include <cctype>

namespace wrackline::cli {
namespace {

std::vector<std::string> Choices(const std::string& type) {
  const std::size_t open = type.find('{'), close = type.find('}', open);
  std::vector<std::string> choices;
  if (open == std::string::npos || close == std::string::npos) return choices;
  std::string rest = type.substr(open + 1, close - open - 1);
  while (!rest.empty()) {
    const std::size_t comma = std::min(rest.find(','), rest.size());
    choices.push_back(rest.substr(0, comma));
    rest.erase(0, comma + 1);
  }
  return choices;
}

// The parser's "TEXT:SIZE", "INT:INT in [1 - 255]" as readers know it.
std::string ValueName(const std::string& type, bool* file) {
  const std::size_t colon = type.find(':');
  std::string name = type.substr(0, colon);
  if (name == "INT" || name == "UINT" || name == "FLOAT") return "N";
  if (name == "TEXT" && colon != std::string::npos) name = type.substr(colon + 1);
  if (name == "DIR") name = "FOLDER";
  if (name == "TEXT") name = "FILE";
  *file = name == "FILE" || name == "FOLDER";
  return name;
}

PageOption MakeOption(const CLI::Option& from) {
  PageOption option;
  for (const std::string& name : from.get_snames()) option.names.push_back("-" + name);
  for (const std::string& name : from.get_lnames()) option.names.push_back("--" + name);
  option.description = from.get_description();
  option.required = from.get_required();
  option.repeated = from.get_items_expected_max() > 1;
  if (option.positional() || from.get_items_expected_max() > 0) {
    const std::string type = from.get_type_name();
    option.choices = Choices(type);
    constexpr std::size_t kLongest = 44;  // of a list beside the option
    if (!option.choices.empty()) {
      option.value = Joined(option.choices, "|");
      if (option.value.size() > kLongest) {
        option.value = Upper(from.get_lnames().empty() ? "VALUE" : from.get_lnames().back());
        option.description += "; one of " + Joined(option.choices, ", ");
      }
    } else if (option.positional() && type == "TEXT") {
      option.value = Upper(from.get_single_name());
      option.file = true;
    } else {
      option.value = ValueName(type, &option.file);
    }
    option.standard = from.get_default_str();
  }
  return option;
}

}  // namespace

std::string Upper(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  return text;
}

std::string Joined(const std::vector<std::string>& words, const char* between) {
  std::string joined;
  for (const std::string& word : words) joined += (joined.empty() ? "" : between) + word;
  return joined;
}

std::string Reference(std::string_view name) {
  return name.find('(') == std::string_view::npos ? "wrackline-" + std::string(name) + "(1)"
                                                  : std::string(name);
}

std::string PageOption::Means() const {
  std::string means = description;
  if (!standard.empty() && means.find("(default") == std::string::npos)
    means += " (default " + standard + ")";
  if (required && !positional()) means += " (required)";
  return means;
}

std::string Page::Command() const {
  const std::size_t blank = name.find(' ');
  return blank == std::string::npos ? "" : name.substr(blank + 1);
}

std::string Page::Manual() const {
  std::string manual = name;
  std::replace(manual.begin(), manual.end(), ' ', '-');
  return manual;
}

Page MakePage(const CLI::App& app, const std::string& command) {
  const CLI::App& of = command.empty() ? app : *app.get_subcommand(command);
  Page page;
  page.name = command.empty() ? app.get_name() : app.get_name() + " " + command;
  page.summary = of.get_description();
  page.texts = TextsOf(command);
  for (const bool positional : {true, false}) {
    for (const CLI::Option* option : of.get_options()) {
      // An empty group is hidden.
      if (option->get_group().empty()) continue;
      if ((option->get_lnames().empty() && option->get_snames().empty()) == positional)
        page.options.push_back(MakeOption(*option));
    }
  }
  if (command.empty()) {
    for (const CLI::App* one :
         of.get_subcommands([](const CLI::App* sub) { return !sub->get_group().empty(); }))
      page.commands.emplace_back(one->get_name(), one->get_description());
  }
  return page;
}

std::vector<Page> MakePages(const CLI::App& app) {
  std::vector<Page> pages = {MakePage(app, "")};
  const std::vector<std::pair<std::string, std::string>> commands = pages.front().commands;
  for (const auto& [name, summary] : commands) pages.push_back(MakePage(app, name));
  return pages;
}

std::vector<std::string> Wrap(std::string_view text, std::size_t width) {
  std::vector<std::string> lines;
  std::string line;
  while (!text.empty()) {
    const std::size_t blank = std::min(text.find(' '), text.size());
    const std::string_view word = text.substr(0, blank);
    text.remove_prefix(std::min(blank + 1, text.size()));
    if (word.empty()) continue;
    if (!line.empty() && line.size() + 1 + word.size() > width) {
      lines.push_back(std::move(line));
      line.clear();
    }
    if (!line.empty()) line += ' ';
    line += word;
  }
  if (!line.empty()) lines.push_back(std::move(line));
  return lines;
}

}  // namespace wrackline::cli
