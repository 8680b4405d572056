// Walking over hostile text: lines, tokens, numbers. Nothing here allocates or throws; views point into the text that was given.
#pragma once

#include <charconv>
#include <cstdint>
#include <optional>
#include <string_view>

namespace wrackline::evidence {

// Takes the first line off `text`, without its end ("\n" or "\r\n"). Nothing when the text is used up.
inline std::optional<std::string_view> TakeLine(std::string_view* text) {
  if (text->empty()) return std::nullopt;
  const std::size_t end = text->find('\n');
  std::string_view line = text->substr(0, end);
  text->remove_prefix(end == std::string_view::npos ? text->size() : end + 1);
  if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
  return line;
}

inline bool IsBlank(char c) { return c == ' ' || c == '\t'; }
inline bool IsDigit(char c) { return c >= '0' && c <= '9'; }
inline bool IsLetter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

inline bool StartsWith(std::string_view text, std::string_view start) {
  return text.substr(0, start.size()) == start;
}
inline bool EndsWith(std::string_view text, std::string_view end) {
  return text.size() >= end.size() && text.substr(text.size() - end.size()) == end;
}
inline bool Contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

inline std::string_view TrimLeft(std::string_view text) {
  while (!text.empty() && IsBlank(text.front())) text.remove_prefix(1);
  return text;
}
inline std::string_view Trim(std::string_view text) {
  text = TrimLeft(text);
  while (!text.empty() && IsBlank(text.back())) text.remove_suffix(1);
  return text;
}

// Takes the next token of non-blanks off `text`; empty at its end.
inline std::string_view TakeToken(std::string_view* text) {
  *text = TrimLeft(*text);
  std::size_t end = 0;
  while (end < text->size() && !IsBlank((*text)[end])) ++end;
  const std::string_view token = text->substr(0, end);
  text->remove_prefix(end);
  return token;
}

// The number that `text` begins with.
inline std::optional<std::uint64_t> NumberAt(std::string_view text) {
  std::uint64_t value = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), value);
  if (parsed.ec != std::errc{}) return std::nullopt;
  return value;
}

// The number that is the whole of `text`; signed in the second.
inline std::optional<std::uint64_t> WholeNumber(std::string_view text) {
  std::uint64_t value = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), value);
  if (parsed.ec != std::errc{} || parsed.ptr != text.data() + text.size()) return std::nullopt;
  return value;
}
inline std::optional<int> WholeInteger(std::string_view text) {
  int value = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), value);
  if (parsed.ec != std::errc{} || parsed.ptr != text.data() + text.size()) return std::nullopt;
  return value;
}

// The number behind the first `key`.
inline std::optional<std::uint64_t> NumberAfter(std::string_view text, std::string_view key) {
  const std::size_t at = text.find(key);
  if (at == std::string_view::npos) return std::nullopt;
  return NumberAt(text.substr(at + key.size()));
}

}  // namespace wrackline::evidence
