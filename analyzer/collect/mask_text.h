// What a value, a line or a text looks like to the masker (mask.h): no words, but form alone. Pure; any thread; linear in time.
#pragma once

#include <cstddef>
#include <string_view>

namespace wrackline::collect {

inline constexpr auto kNone = std::string_view::npos;

inline bool IsKeyCharacter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         c == '-' || c == '.';
}
inline bool IsBlank(char c) { return c == ' ' || c == '\t' || c == '\r'; }

inline std::size_t SkipBlanks(std::string_view text, std::size_t at) {
  while (at < text.size() && IsBlank(text[at])) ++at;
  return at;
}

// Blanks, and the dashes of list items: where a line's own text begins.
std::size_t Indent(std::string_view line);

// Words that are no secret however they are used.
bool IsHarmless(std::string_view value);

// Where a private key's text begins whose own beginning was cut away: of a log's end. The text's size when there is none, and `end` the
// place of its end mark.
std::size_t CutKey(std::string_view text, std::size_t* end);

// A private key begins in it and does not end.
bool OpensPrivateKey(std::string_view value);

// Of a YAML line: no value yet, but a comment, an anchor or a tag.
bool IsNoValue(std::string_view value);

// A mapping or a list that goes on below, in the middle of a line too.
bool OpensBelow(std::string_view value);

}  // namespace wrackline::collect
