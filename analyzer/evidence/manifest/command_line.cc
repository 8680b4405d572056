#include "analyzer/evidence/manifest/command_line.h"

#include <algorithm>

namespace wrackline::evidence {
namespace {

// What starts Flink. The image's words count as whole arguments only: "taskmanager" in a path or a
// job's argument is none.
struct Start {
  std::string_view name;
  FlinkRole role;
  bool native;
};
constexpr Start kScripts[] = {{"taskmanager.sh", FlinkRole::kTaskManager, false},
                              {"kubernetes-taskmanager.sh", FlinkRole::kTaskManager, true},
                              {"jobmanager.sh", FlinkRole::kJobManager, false},
                              {"standalone-job.sh", FlinkRole::kJobManager, false},
                              {"kubernetes-jobmanager.sh", FlinkRole::kJobManager, true},
                              {"kubernetes-session.sh", FlinkRole::kJobManager, true}};
constexpr Start kWords[] = {{"taskmanager", FlinkRole::kTaskManager, false},
                            {"jobmanager", FlinkRole::kJobManager, false},
                            {"standalone-job", FlinkRole::kJobManager, false}};

std::optional<Start> StartOf(std::string_view word) {
  if (word.starts_with("org.apache.flink.")) {
    const bool native = word.find(".kubernetes.") != std::string_view::npos;
    const std::string_view simple = word.substr(word.rfind('.') + 1);
    if (simple.find("TaskExecutorRunner") != std::string_view::npos ||
        simple.find("TaskManagerRunner") != std::string_view::npos)
      return Start{word, FlinkRole::kTaskManager, native};
    if (simple.find("ClusterEntrypoint") != std::string_view::npos ||
        simple.find("ClusterEntryPoint") != std::string_view::npos)
      return Start{word, FlinkRole::kJobManager, native};
    return std::nullopt;
  }
  const std::string_view base =
      word.substr(word.rfind('/') == std::string_view::npos ? 0 : word.rfind('/') + 1);
  for (const Start& start : kScripts) {
    if (base == start.name) return start;
  }
  for (const Start& start : kWords) {
    if (word == start.name) return start;
  }
  return std::nullopt;
}

bool IsOtherPart(std::string_view word) {
  const std::string_view base = word.substr(word.rfind('/') + 1);  // npos + 1: all of it
  for (const std::string_view name :
       {"history-server", "historyserver.sh", "sql-gateway.sh", "sql-client.sh"}) {
    if (base == name) return true;
  }
  return false;
}

struct PlacedWord {
  std::string text;
  Spot at;
};

std::vector<PlacedWord> AllWords(const std::vector<CommandWord>& words) {
  std::vector<PlacedWord> all;
  bool shell_text = false;
  for (const CommandWord& word : words) {
    if (shell_text) {
      for (std::string& part : SplitShellWords(word.text))
        all.push_back({std::move(part), word.at});
    } else {
      all.push_back({word.text, word.at});
    }
    // -c, -ec, -xc: the next one is a script.
    shell_text = word.text.size() > 1 && word.text[0] == '-' && word.text[1] != '-' &&
                 word.text[1] != 'D' && word.text.back() == 'c' &&
                 word.text.find_first_not_of("abcefhiklmnprtuvxBCEHPT", 1) == std::string::npos;
  }
  return all;
}

}  // namespace

std::vector<std::string> SplitShellWords(std::string_view text) {
  std::vector<std::string> words;
  std::string word;
  bool inside = false;
  char quote = '\0';
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (quote != '\0') {
      if (c == quote) {
        quote = '\0';
      } else if (c == '\\' && quote == '"' && i + 1 < text.size()) {
        word += text[++i];
      } else {
        word += c;
      }
    } else if (c == '\'' || c == '"') {
      quote = c;
      inside = true;
    } else if (c == '\\' && i + 1 < text.size()) {
      if (text[++i] != '\n') word += text[i];
      inside = true;
    } else if (c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == ';') {
      if (inside || !word.empty()) words.push_back(std::move(word));
      word.clear();
      inside = false;
    } else {
      word += c;
    }
  }
  if (inside || !word.empty()) words.push_back(std::move(word));
  return words;
}

CommandLine ReadCommandLine(const std::vector<CommandWord>& words) {
  CommandLine line;
  const std::vector<PlacedWord> all = AllWords(words);
  for (std::size_t i = 0; i < all.size(); ++i) {
    const std::string& word = all[i].text;
    if (const std::optional<Start> start = StartOf(word)) {
      line.role = start->role;
      line.native = line.native || start->native;
      continue;
    }
    line.other_part = line.other_part || IsOtherPart(word);
    if (word.starts_with("-X")) line.jvm_options.push_back(word);
    if (!line.role || !word.starts_with("-D")) continue;
    std::string_view property = std::string_view(word).substr(2);
    Spot at = all[i].at;
    if (property.empty() && i + 1 < all.size()) {
      property = all[++i].text;
      at = all[i].at;
    }
    const std::size_t equals = property.find('=');
    if (equals == 0 || equals == std::string_view::npos) continue;
    line.properties.push_back(
        {std::string(property.substr(0, equals)), std::string(property.substr(equals + 1)), at});
  }
  return line;
}

}  // namespace wrackline::evidence
