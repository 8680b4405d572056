#include "analyzer/collect/mask_text.h"

#include <algorithm>

namespace wrackline::collect {
namespace {

bool IsBase64(std::string_view line) {
  while (!line.empty() && IsBlank(line.back())) line.remove_suffix(1);
  return !line.empty() && std::all_of(line.begin(), line.end(), [](char c) {
    return IsKeyCharacter(c) || c == '+' || c == '/' || c == '=';
  });
}

}  // namespace

std::size_t Indent(std::string_view line) {
  std::size_t at = SkipBlanks(line, 0);
  while (at + 1 < line.size() && line[at] == '-' && IsBlank(line[at + 1]))
    at = SkipBlanks(line, at + 1);
  return at;
}

bool IsHarmless(std::string_view value) {
  while (!value.empty() && IsBlank(value.back())) value.remove_suffix(1);
  for (const std::string_view word : {"true", "false", "null", "~", "\"\"", "''", "{}", "[]"})
    if (value == word) return true;
  return value.empty();
}

std::size_t CutKey(std::string_view text, std::size_t* end) {
  constexpr std::string_view kEnd = "-----END ", kKey = "PRIVATE KEY-----";
  *end = text.find(kEnd);
  if (*end == kNone || text.substr(*end, 64).find(kKey) == kNone ||
      text.substr(0, *end).find("-----BEGIN ") != kNone)
    return text.size();
  const std::size_t line = text.rfind('\n', *end);
  if (line == kNone || line == 0) return text.size();
  std::size_t begin = line + 1;
  while (begin > 0) {
    const std::size_t before = begin < 2 ? kNone : text.rfind('\n', begin - 2);
    const std::size_t start = before == kNone ? 0 : before + 1;
    if (!IsBase64(text.substr(start, begin - 1 - start))) break;
    begin = start;
  }
  return begin == line + 1 ? text.size() : begin;
}

bool OpensPrivateKey(std::string_view value) {
  const std::size_t begin = value.find("-----BEGIN ");
  return begin != kNone && value.substr(begin, 64).find("PRIVATE KEY-----") != kNone &&
         value.find("-----END", begin) == kNone;
}

bool IsNoValue(std::string_view value) {
  while (!value.empty() && (value.front() == '&' || value.front() == '!')) {
    const std::size_t end = std::min(value.find_first_of(" \t\r"), value.size());
    value.remove_prefix(SkipBlanks(value, end));
  }
  return value.empty() || value.front() == '#';
}

bool OpensBelow(std::string_view value) {
  while (!value.empty() && IsBlank(value.back())) value.remove_suffix(1);
  return value == "{" || value == "[" || value == "|" || value == ">" || value == "|-" ||
         value == ">-";
}

}  // namespace wrackline::collect
