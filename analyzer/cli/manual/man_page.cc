#include <algorithm>

#include "analyzer/cli/manual/page.h"

namespace wrackline::cli {
namespace {

// Text as troff takes it literally: no line is a request, - is a minus sign.
std::string Troff(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '\\':
        out += "\\e";
        break;
      case '-':
        out += "\\-";
        break;
      case '\'':
        out += out.empty() ? "\\&\\(aq" : "\\(aq";
        break;
      case '^':
        out += "\\(ha";
        break;
      case '~':
        out += "\\(ti";
        break;
      case '`':
        out += "\\(ga";
        break;
      case '.':
        out += out.empty() ? "\\&." : ".";
        break;
      default:
        out += c;
    }
  }
  return out;
}

// A paragraph, in short lines.
std::string Filled(std::string_view text) {
  std::string out;
  for (const std::string& line : Wrap(text, 72)) out += Troff(line) + "\n";
  return out;
}

// An argument of a macro.
std::string Quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : Troff(text)) out += c == '"' ? std::string("\\(dq") : std::string(1, c);
  return out + "\"";
}

std::string Head(const std::string& name, const char* section, const std::string& version,
                 std::string_view summary) {
  return ".TH " + Quoted(Upper(name)) + " " + section + " \"\" " + Quoted("wrackline " + version) +
         " " + Quoted("wrackline's manual") + "\n.SH NAME\n" + Troff(name) + " \\- " +
         Troff(summary) + "\n";
}

std::string Option(const PageOption& option) {
  std::string out = ".TP\n";
  std::string label;
  for (const std::string& name : option.names)
    label += (label.empty() ? "" : ", ") + ("\\fB" + Troff(name) + "\\fR");
  if (!option.value.empty())
    label += (label.empty() ? "" : " ") + ("\\fI" + Troff(option.value) + "\\fR");
  if (option.repeated && !option.value.empty()) label += " ...";
  return out + label + "\n" + Filled(option.Means());
}

std::string References(const std::vector<std::string>& names) {
  std::string out = ".SH SEE ALSO\n";
  for (std::size_t i = 0; i < names.size(); ++i) {
    const std::size_t open = names[i].find('(');
    out += ".BR " + Troff(names[i].substr(0, open)) + " " + names[i].substr(open) +
           (i + 1 < names.size() ? " ,\n" : "\n");
  }
  return out;
}

}  // namespace

std::string ManPage(const Page& page, const std::string& version) {
  std::string summary = page.summary;
  if (!summary.empty() && summary.back() == '.') summary.pop_back();
  std::string out = Head(page.Manual(), "1", version, summary);
  out += ".SH SYNOPSIS\n\\fB" + Troff(page.name) + "\\fR " + Troff(page.texts->usage) + "\n";
  out += ".SH DESCRIPTION\n";
  for (std::size_t i = 0; i < page.texts->about.size(); ++i)
    out += (i == 0 ? "" : ".PP\n") + Filled(page.texts->about[i]);
  if (!page.commands.empty()) {
    out += ".SH COMMANDS\n";
    for (const auto& [name, about] : page.commands)
      out += ".TP\n.BR wrackline\\-" + Troff(name) + " (1)\n" + Troff(about) + ".\n";
  }
  for (const bool positional : {true, false}) {
    bool any = false;
    for (const PageOption& option : page.options) {
      if (option.positional() != positional) continue;
      if (!any) out += positional ? ".SH ARGUMENTS\n" : ".SH OPTIONS\n";
      any = true;
      out += Option(option);
    }
  }
  out += ".SH EXIT STATUS\n";
  for (const ExitStatus& exit : page.texts->exits)
    out += ".TP\n\\fB" + Troff(exit.status) + "\\fR\n" + Filled(exit.means);
  out += ".SH EXAMPLES\n";
  for (const Example& example : page.texts->examples)
    out += ".TP\n" + Troff(example.says) + "\n.nf\n" + Troff(example.command) + "\n.fi\n";
  std::vector<std::string> references;
  if (!page.commands.empty()) {
    for (const auto& [name, about] : page.commands) references.push_back(Reference(name));
  } else {
    references.emplace_back("wrackline(1)");
  }
  for (const std::string_view other : page.texts->see_also) references.push_back(Reference(other));
  return out + References(references);
}

std::string PreloadManPage(const std::string& version) {
  std::string out = Head("wrackline-preload", "7", version,
                         "settings of the library that records a process's memory");
  out += ".SH SYNOPSIS\n\\fBLD_PRELOAD=libwrackline_preload.so\\fR \\fIprogram\\fR\n";
  out += ".SH DESCRIPTION\n" +
         Filled(
             "The library samples the program's allocations with their stacks and writes them to a "
             "file that survives the program's death, read by wrackline report. It is set by "
             "variables of the environment. A value that cannot be used is said on stderr and the "
             "standard one is taken; the program runs in any case.") +
         ".SH ENVIRONMENT\n";
  for (const EnvironmentVariable& variable : PreloadEnvironment())
    out += ".TP\n\\fB" + Troff(variable.name) + "\\fR (default " + Troff(variable.standard) +
           ")\n" +
           Filled(std::string(variable.means) + ". Example: " + std::string(variable.example));
  return out + References({"wrackline-run(1)", "wrackline-report(1)", "ld.so(8)"});
}

}  // namespace wrackline::cli
