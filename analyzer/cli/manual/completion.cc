#include <algorithm>

#include "analyzer/cli/manual/page.h"

namespace wrackline::cli {
namespace {

// In single quotes, for every shell of the three.
std::string Quoted(const std::string& text) {
  std::string out = "'";
  for (const char c : text) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return out + "'";
}

const PageOption* Positional(const Page& page) {
  for (const PageOption& option : page.options)
    if (option.positional()) return &option;
  return nullptr;
}

// --- bash

std::string Bash(const std::vector<Page>& pages) {
  std::string commands, values, options, rest;
  for (const Page& page : pages) {
    const std::string command = page.Command();
    if (!command.empty()) commands += (commands.empty() ? "" : " ") + command;
    std::vector<std::string> names;
    for (const PageOption& option : page.options) {
      if (option.positional()) continue;
      names.insert(names.end(), option.names.begin(), option.names.end());
      if (option.value.empty()) continue;
      std::string pattern;
      for (const std::string& name : option.names) {
        if (!pattern.empty()) pattern += " | ";
        pattern.append(command).append(":").append(name);
      }
      values += "    " + pattern + ") ";
      if (!option.choices.empty()) {
        values += "_wrackline_words " + Quoted(Joined(option.choices, " "));
      } else {
        values += option.file ? "_wrackline_files" : ":";
      }
      values += "; return ;;\n";
    }
    options += "    " + (command.empty() ? "''" : command) + ") _wrackline_words " +
               Quoted(Joined(names, " ")) + " ;;\n";
    const PageOption* positional = Positional(page);
    if (command.empty()) {
      rest += "    '') _wrackline_words \"$commands\" ;;\n";
    } else if (positional && !positional->choices.empty()) {
      rest += "    " + command + ") _wrackline_words " + Quoted(Joined(positional->choices, " ")) +
              " ;;\n";
    } else if (positional) {
      rest += "    " + command + ") _wrackline_files ;;\n";
    }
  }
  return "# bash completion for wrackline; made by: wrackline completion bash\n"
         "_wrackline_words() { mapfile -t COMPREPLY < <(compgen -W \"$1\" -- \"$cur\"); }\n"
         "_wrackline_files() {\n"
         "  compopt -o filenames 2>/dev/null\n"
         "  mapfile -t COMPREPLY < <(compgen -f -- \"$cur\")\n"
         "}\n"
         "_wrackline() {\n"
         "  local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]} command= i\n"
         "  local commands=" +
         Quoted(commands) +
         "\n"
         "  COMPREPLY=()\n"
         "  # --format=json comes in three words.\n"
         "  if [[ $cur == '=' ]]; then\n"
         "    cur=\n"
         "  elif [[ $prev == '=' ]]; then\n"
         "    prev=${COMP_WORDS[COMP_CWORD - 2]}\n"
         "  fi\n"
         "  for ((i = 1; i < COMP_CWORD; i++)); do\n"
         "    if [[ -z $command && \" $commands \" == *\" ${COMP_WORDS[i]} \"* ]]; then\n"
         "      command=${COMP_WORDS[i]}\n"
         "    elif [[ $command == run && ${COMP_WORDS[i]} == -- ]]; then\n"
         "      # What is run: a command, and then its files.\n"
         "      if ((i == COMP_CWORD - 1)); then\n"
         "        mapfile -t COMPREPLY < <(compgen -c -- \"$cur\" | sort -u)\n"
         "      else\n"
         "        _wrackline_files\n"
         "      fi\n"
         "      return\n"
         "    fi\n"
         "  done\n"
         "  case $command:$prev in\n" +
         values +
         "  esac\n"
         "  if [[ $cur == -* ]]; then\n"
         "    case $command in\n" +
         options +
         "    esac\n"
         "    return\n"
         "  fi\n"
         "  case $command in\n" +
         rest +
         "  esac\n"
         "}\n"
         "complete -F _wrackline wrackline\n";
}

// --- zsh

// In a specification of _arguments, inside single quotes.
std::string Spec(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (c == '\'') {
      out += "'\\''";
    } else if (c == '[' || c == ']' || c == ':' || c == '\\') {
      out += std::string("\\") + c;
    } else {
      out += c;
    }
  }
  return out;
}

std::string ZshValue(const PageOption& option) {
  if (option.value.empty()) return "";
  std::string out = ":" + Spec(option.choices.empty() ? option.value : std::string("value")) + ":";
  if (!option.choices.empty()) return out + "(" + Joined(option.choices, " ") + ")";
  return out + (option.file ? "_files" : " ");
}

std::string Zsh(const std::vector<Page>& pages) {
  std::string commands, cases;
  for (const Page& page : pages) {
    const std::string command = page.Command();
    if (command.empty()) continue;
    commands += "    '" + Spec(command) + ":" + Spec(page.summary) + "'\n";
    cases += "    " + command + ")\n      _arguments -s \\\n";
    for (const PageOption& option : page.options) {
      if (option.positional()) continue;
      const std::string several = option.repeated ? "*" : "";
      const std::string tail = "[" + Spec(option.description) + "]" + ZshValue(option) + "'";
      for (const std::string& name : option.names) {
        const std::string except = option.repeated ? "" : "(" + Joined(option.names, " ") + ")";
        cases.append("        '")
            .append(except)
            .append(several)
            .append(name)
            .append(tail)
            .append(" \\\n");
      }
    }
    if (command == "run") {
      cases += "        '*:: :_normal'\n      ;;\n";
      continue;
    }
    const PageOption* positional = Positional(page);
    cases +=
        "        '*" + (positional ? ZshValue(*positional) : std::string(": :")) + "'\n      ;;\n";
  }
  return "#compdef wrackline\n# zsh completion for wrackline; made by: wrackline completion zsh\n"
         "_wrackline() {\n"
         "  local curcontext=$curcontext state line\n"
         "  local -a commands\n"
         "  commands=(\n" +
         commands +
         "  )\n"
         "  _arguments -C '(- *)'{-h,--help}'[help]' '(- *)--version[version]' '1: :->command' "
         "'*:: "
         ":->rest'\n"
         "  case $state in\n"
         "    command) _describe -t commands command commands; return ;;\n"
         "    rest) ;;\n"
         "    *) return ;;\n"
         "  esac\n"
         "  case $words[1] in\n" +
         cases +
         "  esac\n"
         "}\n"
         "if [[ $funcstack[1] == _wrackline ]]; then _wrackline \"$@\"; else compdef _wrackline "
         "wrackline; fi\n";
}

// --- fish

std::string Fish(const std::vector<Page>& pages) {
  std::string out =
      "# fish completion for wrackline; made by: wrackline completion fish\n"
      "complete -c wrackline -f\n"
      "complete -c wrackline -n __fish_use_subcommand -s h -l help -d Help\n"
      "complete -c wrackline -n __fish_use_subcommand -l version -d Version\n";
  for (const Page& page : pages) {
    const std::string command = page.Command();
    if (command.empty()) continue;
    out += "complete -c wrackline -n __fish_use_subcommand -a " + command + " -d " +
           Quoted(page.summary) + "\n";
    const std::string seen =
        "complete -c wrackline -n " + Quoted("__fish_seen_subcommand_from " + command);
    for (const PageOption& option : page.options) {
      if (option.positional()) {
        out += seen;
        out +=
            option.choices.empty() ? " -F\n" : " -a " + Quoted(Joined(option.choices, " ")) + "\n";
        continue;
      }
      out += seen;
      for (const std::string& name : option.names)
        out += name.starts_with("--") ? " -l " + name.substr(2) : " -s " + name.substr(1);
      if (!option.choices.empty()) {
        out += " -x -a " + Quoted(Joined(option.choices, " "));
      } else if (!option.value.empty()) {
        out += option.file ? " -r -F" : " -x";
      }
      out += " -d " + Quoted(option.description) + "\n";
    }
  }
  return out;
}

}  // namespace

std::string Completion(const std::vector<Page>& pages, const std::string& shell) {
  if (shell == "bash") return Bash(pages);
  if (shell == "zsh") return Zsh(pages);
  if (shell == "fish") return Fish(pages);
  return "";
}

}  // namespace wrackline::cli
