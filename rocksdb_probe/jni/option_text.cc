#include "rocksdb_probe/jni/option_text.h"

namespace wrackline::rocksdb_jni {
namespace {

bool Separates(char c) { return c == ';' || c == '{' || c == ' ' || c == '\t' || c == '\n'; }
bool EndsValue(char c) { return Separates(c) || c == '}'; }
bool IsBlank(char c) { return c == ' ' || c == '\t'; }

int DigitOf(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return 16;
}

std::optional<std::uint64_t> Digits(StringView text, unsigned base) {
  if (text.size == 0) return {};
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < text.size; ++i) {
    const auto digit = static_cast<unsigned>(DigitOf(text.data[i]));
    if (digit >= base || __builtin_mul_overflow(value, std::uint64_t{base}, &value) ||
        __builtin_add_overflow(value, std::uint64_t{digit}, &value))
      return {};
  }
  return value;
}

}  // namespace

StringView FindOption(StringView text, const char* key, char sign) {
  const std::size_t length = std::strlen(key);
  for (std::size_t at = 0; at + length < text.size; ++at) {
    if (at != 0 && !Separates(text.data[at - 1])) continue;
    if (text.data[at + length] != sign || std::memcmp(text.data + at, key, length) != 0) continue;
    std::size_t begin = at + length + 1;
    while (begin < text.size && IsBlank(text.data[begin])) ++begin;
    std::size_t end = begin;
    while (end < text.size && !EndsValue(text.data[end])) ++end;
    return {text.data + begin, end - begin};
  }
  return {};
}

std::optional<std::int64_t> NumberOption(StringView text, const char* key, char sign) {
  StringView value = FindOption(text, key, sign);
  if (value.size > 2 && value.data[0] == '0' && value.data[1] == 'x') {
    const auto address = Digits({value.data + 2, value.size - 2}, 16);
    if (!address || *address > std::uint64_t{INT64_MAX}) return {};
    return static_cast<std::int64_t>(*address);
  }
  const bool negative = value.size > 1 && value.data[0] == '-';
  if (negative) value = {value.data + 1, value.size - 1};
  const auto number = Digits(value, 10);
  if (!number || *number > std::uint64_t{INT64_MAX}) return {};
  const auto whole = static_cast<std::int64_t>(*number);
  return negative ? -whole : whole;
}

}  // namespace wrackline::rocksdb_jni
