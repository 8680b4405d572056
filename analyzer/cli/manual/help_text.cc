#include <algorithm>

#include "analyzer/cli/manual/page.h"

namespace wrackline::cli {
namespace {

constexpr std::size_t kIndent = 2, kColumn = 26;

class Writer {
 public:
  explicit Writer(std::size_t width) : width_(std::max<std::size_t>(width, 40)) {}

  void Paragraph(std::string_view text, std::size_t indent = 0) {
    for (const std::string& line : Wrap(text, width_ - indent))
      out_ += std::string(indent, ' ') + line + "\n";
  }
  void Blank() { out_ += "\n"; }
  void Heading(const char* text) { out_ += std::string("\n") + text + ":\n"; }
  // A name, and beside or below it what it means.
  void Entry(const std::string& name, std::string_view means, std::size_t column) {
    // Where that leaves no room for words, below each other.
    if (column + 20 > width_) column = kIndent + 4;
    std::string line = std::string(kIndent, ' ') + name;
    if (line.size() + 2 > column) {
      out_ += line + "\n";
      line.clear();
    }
    for (const std::string& words : Wrap(means, width_ - column)) {
      line.resize(column, ' ');
      out_ += line + words + "\n";
      line.clear();
    }
    if (!line.empty()) out_ += line + "\n";
  }
  // To be copied: never broken.
  void Command(std::string_view text) {
    out_ += std::string(kIndent, ' ') + std::string(text) + "\n";
  }
  std::string Take() { return std::move(out_); }

 private:
  std::size_t width_;
  std::string out_;
};

std::string Label(const PageOption& option) {
  std::string label = Joined(option.names, ", ");
  if (option.names.size() == 1 && option.names[0].starts_with("--")) label = "    " + label;
  if (!option.value.empty()) label += (label.empty() ? "" : " ") + option.value;
  return label + (option.repeated && !option.value.empty() ? " ..." : "");
}

std::size_t ColumnOf(const std::vector<std::pair<std::string, std::string>>& names) {
  std::size_t widest = 0;
  for (const auto& [name, means] : names) widest = std::max(widest, name.size());
  return kIndent + widest + 2;
}

}  // namespace

std::string HelpText(const Page& page, std::size_t width) {
  Writer out(width);
  out.Paragraph(page.summary + (page.summary.ends_with('.') ? "" : "."));
  out.Heading("Usage");
  out.Command(page.name + " " + std::string(page.texts->usage));
  for (const std::string_view about : page.texts->about) {
    out.Blank();
    out.Paragraph(about);
  }
  if (!page.commands.empty()) {
    out.Heading("Commands");
    for (const auto& [name, summary] : page.commands)
      out.Entry(name, summary, ColumnOf(page.commands));
  }
  for (const bool positional : {true, false}) {
    bool any = false;
    for (const PageOption& option : page.options) {
      if (option.positional() != positional) continue;
      if (!any) out.Heading(positional ? "Arguments" : "Options");
      any = true;
      out.Entry(Label(option), option.Means(), kColumn);
    }
  }
  if (!page.texts->examples.empty()) {
    out.Heading("Examples");
    for (const Example& example : page.texts->examples) {
      out.Paragraph("# " + std::string(example.says), kIndent);
      out.Command(example.command);
    }
  }
  out.Heading("Exit status");
  for (const ExitStatus& exit : page.texts->exits)
    out.Entry(std::string(exit.status), exit.means, kIndent + 16);
  out.Blank();
  std::vector<std::string> more;
  for (const std::string_view other : page.texts->see_also) more.push_back(Reference(other));
  if (page.commands.empty()) {
    out.Paragraph("More: man " + page.Manual() +
                  (more.empty() ? "" : "; see also " + Joined(more, ", ")) + "; docs/cli.md.");
  } else {
    out.Paragraph(
        "wrackline COMMAND --help tells more of a command, and so does man wrackline-COMMAND; " +
        Joined(more, ", ") + " is of the library's settings. docs/ has the rest.");
  }
  return out.Take();
}

}  // namespace wrackline::cli
