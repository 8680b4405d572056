#include "analyzer/render/inert.h"

#include <algorithm>
#include <cstdint>
#include <iterator>

namespace wrackline::render {
namespace {

struct Range {
  std::uint32_t first, last;
};

// The code point that begins `text`, and its length; length 0: not valid UTF-8 (overlong forms and
// surrogates included).
struct CodePoint {
  std::uint32_t value = 0;
  std::size_t length = 0;
};

CodePoint Decode(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<std::uint8_t>(text[i]); };
  const std::uint8_t lead = byte(0);
  if (lead < 0x80) return {lead, 1};
  std::size_t length = 0;
  std::uint32_t value = 0, least = 0;
  if ((lead & 0xe0) == 0xc0) {
    length = 2, value = lead & 0x1f, least = 0x80;
  } else if ((lead & 0xf0) == 0xe0) {
    length = 3, value = lead & 0x0f, least = 0x800;
  } else if ((lead & 0xf8) == 0xf0) {
    length = 4, value = lead & 0x07, least = 0x10000;
  } else {
    return {};
  }
  if (text.size() < length) return {};
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return {};
    value = value << 6 | (byte(i) & 0x3f);
  }
  if (value < least || value > 0x10ffff || (value >= 0xd800 && value <= 0xdfff)) return {};
  return {value, length};
}

template <std::size_t N>
bool Within(std::uint32_t value, const Range (&ranges)[N]) {
  return std::any_of(std::begin(ranges), std::end(ranges), [value](const Range& range) {
    return value >= range.first && value <= range.last;
  });
}

bool Harmless(std::uint32_t value) {
  // C0, DEL and C1; soft hyphen; zero-width, bidirectional and other format characters; line and
  // paragraph separators; private use; variation selectors and tags.
  static constexpr Range kBad[] = {
      {0x00, 0x1f},     {0x7f, 0x9f},     {0xad, 0xad},     {0x34f, 0x34f},     {0x61c, 0x61c},
      {0x180b, 0x180f}, {0x200b, 0x200f}, {0x2028, 0x202e}, {0x2060, 0x206f},   {0xe000, 0xf8ff},
      {0xfe00, 0xfe0f}, {0xfeff, 0xfeff}, {0xfff0, 0xffff}, {0xe0000, 0x10ffff}};
  return !Within(value, kBad);
}

std::size_t ColumnsOf(std::uint32_t value) {
  // Unicode's East Asian Width W and F in coarse blocks, and combining marks.
  static constexpr Range kWide[] = {{0x1100, 0x115f}, {0x2e80, 0xa4cf},   {0xac00, 0xd7a3},
                                    {0xf900, 0xfaff}, {0xfe30, 0xfe6f},   {0xff00, 0xff60},
                                    {0xffe0, 0xffe6}, {0x1f300, 0x1faff}, {0x20000, 0x3fffd}};
  static constexpr Range kNone[] = {{0x300, 0x36f},   {0x483, 0x489},   {0x591, 0x5bd},
                                    {0x1ab0, 0x1aff}, {0x1dc0, 0x1dff}, {0x20d0, 0x20ff},
                                    {0xfe20, 0xfe2f}};
  if (value < 0x300) return 1;
  if (Within(value, kNone)) return 0;
  return Within(value, kWide) ? 2 : 1;
}

}  // namespace

std::string Inert(std::string_view text, bool utf8) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string safe;
  safe.reserve(text.size());
  const auto escape = [&safe](char c) {
    const auto byte = static_cast<std::uint8_t>(c);
    safe += "\\x";
    safe += kDigits[byte >> 4];
    safe += kDigits[byte & 15];
  };
  while (!text.empty()) {
    const CodePoint point = Decode(text);
    const std::size_t length = std::max<std::size_t>(point.length, 1);
    if (point.length != 0 && Harmless(point.value) && (utf8 || point.value < 0x80)) {
      safe.append(text.substr(0, length));
    } else {
      std::for_each(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(length), escape);
    }
    text.remove_prefix(length);
  }
  return safe;
}

std::size_t Columns(std::string_view text) {
  std::size_t columns = 0;
  while (!text.empty()) {
    const CodePoint point = Decode(text);
    columns += point.length == 0 ? 1 : ColumnsOf(point.value);
    text.remove_prefix(std::max<std::size_t>(point.length, 1));
  }
  return columns;
}

std::string Fit(std::string_view text, std::size_t columns, bool utf8) {
  if (Columns(text) <= columns) return std::string(text);
  const std::string_view mark = utf8 ? "…" : (columns >= 3 ? "..." : "");
  const std::size_t room = columns - std::min(columns, Columns(mark));
  std::string cut;
  std::size_t used = 0;
  while (!text.empty()) {
    const CodePoint point = Decode(text);
    const std::size_t length = std::max<std::size_t>(point.length, 1);
    const std::size_t width = point.length == 0 ? 1 : ColumnsOf(point.value);
    if (used + width > room) break;
    used += width;
    cut.append(text.substr(0, length));
    text.remove_prefix(length);
  }
  return columns == 0 ? std::string() : cut.append(mark);
}

std::string Left(std::string_view text, std::size_t columns, bool utf8) {
  std::string fitted = Fit(text, columns, utf8);
  fitted.append(columns - std::min(columns, Columns(fitted)), ' ');
  return fitted;
}

std::string Right(std::string_view text, std::size_t columns, bool utf8) {
  std::string fitted = Fit(text, columns, utf8);
  fitted.insert(0, columns - std::min(columns, Columns(fitted)), ' ');
  return fitted;
}

}  // namespace wrackline::render
