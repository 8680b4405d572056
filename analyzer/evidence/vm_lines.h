// Pieces that the readers of the VM's and of Flink's texts share: lines, sizes, addresses. The texts are from outside; nothing here
// allocates, and no piece looks at a line more often than its number of keys.
#pragma once

#include <charconv>
#include <cstdint>
#include <optional>
#include <string_view>

#include "analyzer/evidence/scan.h"
#include "lib/units/bytes.h"

namespace wrackline::evidence::vm_lines {

using evidence::Contains;
using evidence::EndsWith;
using evidence::IsDigit;
using evidence::IsLetter;
using evidence::StartsWith;

inline std::string_view Trimmed(std::string_view text) {
  constexpr std::string_view kBlanks = " \t\r";
  const std::size_t begin = text.find_first_not_of(kBlanks);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kBlanks) - begin + 1);
}

// The next line without its end; the last one needs none. False at the end of the text.
inline bool NextLine(std::string_view* text, std::string_view* line) {
  if (text->empty()) return false;
  const std::size_t end = text->find('\n');
  *line = text->substr(0, end);
  text->remove_prefix(end == std::string_view::npos ? text->size() : end + 1);
  if (!line->empty() && line->back() == '\r') line->remove_suffix(1);
  return true;
}

inline bool Skip(std::string_view* text, std::string_view expected) {
  if (!StartsWith(*text, expected)) return false;
  text->remove_prefix(expected.size());
  return true;
}

inline void SkipBlanks(std::string_view* text) {
  while (!text->empty() && (text->front() == ' ' || text->front() == '\t')) text->remove_prefix(1);
}

// Moves `text` behind the first `key`. False, with `text` as it was: there is none.
inline bool SkipPast(std::string_view* text, std::string_view key) {
  const std::size_t at = text->find(key);
  if (at == std::string_view::npos) return false;
  text->remove_prefix(at + key.size());
  return true;
}

// What stands before `end`, else all of it.
inline std::string_view Before(std::string_view text, std::string_view end) {
  return text.substr(0, text.find(end));
}

template <typename T = std::uint64_t>
std::optional<T> TakeNumber(std::string_view* text, int base = 10) {
  T number = 0;
  const auto parsed = std::from_chars(text->data(), text->data() + text->size(), number, base);
  if (parsed.ec != std::errc{} || parsed.ptr == text->data()) return std::nullopt;
  text->remove_prefix(static_cast<std::size_t>(parsed.ptr - text->data()));
  return number;
}

// "0x00007f6584539ebb"
inline std::optional<std::uint64_t> TakeAddress(std::string_view* text) {
  SkipBlanks(text);
  if (!Skip(text, "0x")) return std::nullopt;
  return TakeNumber(text, 16);
}

// The scale of "K", "KB", " kB", "MiB", "MiBytes", ...: 1, and nothing taken, where there is none ("17 threads").
inline std::uint64_t TakeUnit(std::string_view* text) {
  constexpr std::string_view kUnits = "KMGT";
  std::string_view rest = *text;
  SkipBlanks(&rest);
  if (rest.empty()) return 1;
  const std::size_t unit = kUnits.find(static_cast<char>(rest.front() & ~0x20));
  if (unit == std::string_view::npos) return 1;
  rest.remove_prefix(1);
  Skip(&rest, "i");
  if (Skip(&rest, "B") || Skip(&rest, "b")) Skip(&rest, "ytes");
  if (!rest.empty() && IsLetter(rest.front())) return 1;
  *text = rest;
  return std::uint64_t{1} << 10 * (unit + 1);
}

// "144M", "320K", "120036KB", "65536.00 KB", "3 bytes", "17", "1.5G", "64 MiB": a number with binary units, which the VM writes with or
// without their B. Absent: no number, or more than 2^56 bytes, of which a hundred can be added up.
inline std::optional<Bytes> TakeAmount(std::string_view* text) {
  constexpr std::int64_t kMost = std::int64_t{1} << 56;
  SkipBlanks(text);
  const auto whole = TakeNumber<std::uint64_t>(text);
  if (!whole) return std::nullopt;
  std::uint64_t thousandths = 0;
  if (text->size() >= 2 && text->front() == '.' && IsDigit((*text)[1])) {
    text->remove_prefix(1);
    std::uint64_t place = 100;
    while (!text->empty() && IsDigit(text->front())) {
      thousandths += place * static_cast<std::uint64_t>(text->front() - '0');
      place /= 10;
      text->remove_prefix(1);
    }
  }
  const std::uint64_t scale = TakeUnit(text);
  if (*whole > static_cast<std::uint64_t>(kMost) / scale) return std::nullopt;
  return Bytes{static_cast<std::int64_t>(*whole * scale + scale * thousandths / 1000)};
}

inline std::optional<Bytes> AmountAfter(std::string_view line, std::string_view key) {
  if (!SkipPast(&line, key)) return std::nullopt;
  return TakeAmount(&line);
}

// " +5150KB", " -3KB"
inline std::optional<Bytes> TakeChange(std::string_view* text) {
  SkipBlanks(text);
  if (text->empty() || (text->front() != '+' && text->front() != '-')) return std::nullopt;
  const bool less = text->front() == '-';
  std::string_view rest = text->substr(1);
  if (rest.empty() || !IsDigit(rest.front())) return std::nullopt;
  const auto amount = TakeAmount(&rest);
  if (!amount) return std::nullopt;
  *text = rest;
  return less ? -*amount : *amount;
}

}  // namespace wrackline::evidence::vm_lines
