#include "analyzer/flink/lint/document.h"

#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <charconv>
#include <utility>

#include "analyzer/flink/java_number.h"

namespace wrackline::flink::lint {
namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

// Code points: bytes that do not continue one.
int Characters(std::string_view text) {
  return static_cast<int>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0) != 0x80;
  }));
}

// BufferedReader's lines: they end at \n, \r or \r\n.
std::vector<std::string_view> FlatLines(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const std::size_t end = text.find_first_of("\r\n");
    lines.push_back(text.substr(0, end));
    if (end == std::string_view::npos) break;
    text.remove_prefix(text.substr(end).starts_with("\r\n") ? end + 2 : end + 1);
  }
  return lines;
}

// The last entry of a key counts.
void Add(Document& document, Entry entry) {
  const auto [slot, is_new] = document.effective.try_emplace(entry.key, document.entries.size());
  if (!is_new) {
    document.entries[slot->second].effective = false;
    slot->second = document.entries.size();
  }
  document.entries.push_back(std::move(entry));
}

Document ReadFlat(std::string_view text, std::string_view file) {
  Document document;
  document.file = file;
  int number = 0;
  for (const std::string_view line : FlatLines(text)) {
    ++number;
    // `part` lies inside `line`.
    const auto at = [&](std::string_view part) {
      const auto before = static_cast<std::size_t>(part.data() - line.data());
      return Location{document.file, number, 1 + Characters(line.substr(0, before)),
                      Characters(part)};
    };
    const std::string_view content = JavaTrim(line.substr(0, line.find('#')));
    if (content.empty()) continue;
    const std::size_t separator = content.find(": ");
    const std::string_view key = JavaTrim(content.substr(0, separator));
    const std::string_view value = separator == std::string_view::npos
                                       ? std::string_view()
                                       : JavaTrim(content.substr(separator + 2));
    if (key.empty() || value.empty()) {
      document.skipped.push_back({std::string(content), at(content)});
      continue;
    }
    Add(document, {std::string(key), std::string(value), at(key), at(value), true});
  }
  return document;
}

// Walks a tree that ParseYamlConfig has accepted, and so bounded.
class PlaceFinder {
 public:
  PlaceFinder(Document& document, const Configuration& configuration, std::string_view text)
      : document_(document), configuration_(configuration) {
    while (true) {
      const std::size_t end = text.find('\n');
      lines_.push_back(text.substr(0, end));
      if (end == std::string_view::npos) break;
      text.remove_prefix(end + 1);
    }
  }

  void Mapping(const YAML::Node& map, const std::string& prefix) {
    for (const auto& member : map) {
      const std::string key = prefix + member.first.Scalar();
      if (member.second.IsMap()) {
        Mapping(member.second, key + ".");
        continue;
      }
      const auto value = configuration_.Get(key);
      if (!value) continue;
      // "a.b: 1" and "a: {b: 2}" are two spellings of one key, which Flink accepts: the later wins.
      Add(document_, {key, *value, At(member.first), At(member.second), true});
    }
  }

 private:
  // yaml-cpp counts columns in bytes.
  Location At(const YAML::Node& node) const {
    const YAML::Mark mark = node.Mark();
    Location location{document_.file, mark.line + 1, mark.column + 1, 0};
    if (mark.line >= 0 && static_cast<std::size_t>(mark.line) < lines_.size()) {
      const std::string_view line = lines_[static_cast<std::size_t>(mark.line)];
      const auto column = std::min(line.size(), static_cast<std::size_t>(std::max(mark.column, 0)));
      location.column = 1 + Characters(line.substr(0, column));
    }
    if (node.IsScalar()) location.length = Characters(node.Scalar());
    return location;
  }

  Document& document_;
  const Configuration& configuration_;
  std::vector<std::string_view> lines_;
};

// "FILE:LINE: what" -> the line and what.
std::pair<int, std::string> SplitMessage(const std::string& message, std::string_view file) {
  const std::string prefix = std::string(file) + ":";
  int line = 0;
  if (!message.starts_with(prefix)) return {line, message};
  const char* const end = message.data() + message.size();
  const auto [rest, error] = std::from_chars(message.data() + prefix.size(), end, line);
  if (error != std::errc() || !std::string_view(rest, end).starts_with(": ")) return {0, message};
  return {line, std::string(rest + 2, end)};
}

Document ReadYaml(std::string_view text, std::string_view file) {
  Document document;
  document.file = file;
  document.format = ConfigFormat::kYaml;
  // With a byte order mark yaml-cpp's marks are wrong on the first line; it means nothing here.
  if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  const Result<Configuration> parsed = ParseYamlConfig(text, file);
  if (!parsed.ok()) {
    auto [line, what] = SplitMessage(parsed.error().message, file);
    document.problem = Error{std::move(what), parsed.error().hint};
    document.problem_at = {document.file, line, line > 0 ? 1 : 0, 0};
    return document;
  }
  if (parsed.value().empty()) return document;
  try {
    PlaceFinder(document, parsed.value(), text).Mapping(YAML::Load(std::string(text)), "");
  } catch (const YAML::Exception& exception) {  // the same text has just been accepted
    document.problem = Error{exception.msg, ""};
    document.problem_at = document.Whole();
  }
  return document;
}

}  // namespace

std::string_view SeverityName(Severity severity) {
  switch (severity) {
    case Severity::kInfo:
      return "info";
    case Severity::kWarning:
      return "warning";
    case Severity::kError:
      return "error";
  }
  return "warning";
}

const Entry* Document::Find(std::string_view key) const {
  const auto found = effective.find(key);
  return found == effective.end() ? nullptr : &entries[found->second];
}

Configuration Document::Read() const {
  Configuration configuration;
  for (const Entry& entry : entries) {
    if (entry.effective) configuration.Set(entry.key, entry.value, {file, entry.key_at.line});
  }
  return configuration;
}

Document ReadDocument(std::string_view text, std::string_view file, ConfigFormat format) {
  return format == ConfigFormat::kYaml ? ReadYaml(text, file) : ReadFlat(text, file);
}

}  // namespace wrackline::flink::lint
