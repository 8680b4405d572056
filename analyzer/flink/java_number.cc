#include "analyzer/flink/java_number.h"

#include <charconv>
#include <clocale>
#include <cmath>
#include <cstdlib>
#include <limits>

#include <locale.h>

#include "analyzer/flink/java_exception.h"

namespace wrackline::flink {
namespace {

__extension__ typedef unsigned __int128 Uint128;

// The decimal number digits * 10^exponent; digits has no trailing zero unless it is "0".
struct Decimal {
  std::string digits;
  int exponent = 0;
};

// Shortest decimal that reads back as value. Precondition: finite, >= 0.
Decimal ShortestDecimal(double value) {
  char buffer[64];
  const auto end =
      std::to_chars(buffer, buffer + sizeof buffer, value, std::chars_format::scientific).ptr;
  const std::string_view text(buffer, static_cast<std::size_t>(end - buffer));
  const std::size_t e = text.find('e');
  Decimal decimal;
  for (const char c : text.substr(0, e)) {
    if (c != '.') decimal.digits += c;
  }
  std::string_view exponent_text = text.substr(e + 1);
  if (exponent_text.front() == '+') exponent_text.remove_prefix(1);
  int exponent = 0;
  std::from_chars(exponent_text.data(), exponent_text.data() + exponent_text.size(), exponent);
  decimal.exponent = exponent - static_cast<int>(decimal.digits.size()) + 1;
  while (decimal.digits.size() > 1 && decimal.digits.back() == '0') {
    decimal.digits.pop_back();
    ++decimal.exponent;
  }
  return decimal;
}

bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsHexDigit(char c) { return IsDigit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }

template <typename Predicate>
std::size_t TakeWhile(std::string_view& text, Predicate predicate) {
  std::size_t n = 0;
  while (n < text.size() && predicate(text[n])) ++n;
  text.remove_prefix(n);
  return n;
}

bool TakeOneOf(std::string_view& text, std::string_view set) {
  if (text.empty() || set.find(text.front()) == std::string_view::npos) return false;
  text.remove_prefix(1);
  return true;
}

// Java's FloatValue after trimming. C's strtof reads the same values for these texts, but accepts
// more: "inf", "nan(x)", "0x1".
bool IsJavaFloat(std::string_view text) {
  TakeOneOf(text, "+-");
  if (text == "NaN" || text == "Infinity") return true;
  const bool hexadecimal = text.size() > 2 && text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
  if (hexadecimal) text.remove_prefix(2);
  const auto is_digit = hexadecimal ? IsHexDigit : IsDigit;
  std::size_t digits = TakeWhile(text, is_digit);
  if (TakeOneOf(text, ".")) digits += TakeWhile(text, is_digit);
  if (digits == 0) return false;
  if (TakeOneOf(text, hexadecimal ? "pP" : "eE")) {
    TakeOneOf(text, "+-");
    if (TakeWhile(text, IsDigit) == 0) return false;
  } else if (hexadecimal) {
    return false;
  }
  TakeOneOf(text, "fFdD");
  return text.empty();
}

// The text without spaces around it, known to be one that Java accepts. C's parsers stop at the
// suffix by themselves, and are correctly rounded, as Java's are.
std::string JavaFloatText(std::string_view text) {
  std::string trimmed(JavaTrim(text));
  if (trimmed.empty()) throw JavaException{kNumberFormat, "empty String", {}};
  if (!IsJavaFloat(trimmed)) {
    throw JavaException{kNumberFormat, "For input string: \"" + trimmed + "\"", {}};
  }
  return trimmed;
}

locale_t CLocale() {
  static const locale_t locale = newlocale(LC_ALL_MASK, "C", nullptr);
  return locale;
}

}  // namespace

std::string_view JavaTrim(std::string_view text) {
  const auto is_space = [](char c) { return static_cast<unsigned char>(c) <= ' '; };
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  return text;
}

float ParseJavaFloat(std::string_view text) {
  return strtof_l(JavaFloatText(text).c_str(), nullptr, CLocale());
}

double ParseJavaDouble(std::string_view text) {
  return strtod_l(JavaFloatText(text).c_str(), nullptr, CLocale());
}

std::int32_t ParseJavaInt(std::string_view text) {
  std::string_view digits = text;
  if (!digits.empty() && digits.front() == '+') {
    digits.remove_prefix(1);
    if (!digits.empty() && digits.front() == '-') digits = {};
  }
  std::int32_t value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (digits.empty() || error != std::errc() || end != digits.data() + digits.size()) {
    throw JavaException{kNumberFormat, "For input string: \"" + std::string(text) + "\"", {}};
  }
  return value;
}

std::string JavaDoubleToString(double value) {
  if (std::isnan(value)) return "NaN";
  const std::string sign = std::signbit(value) ? "-" : "";
  value = std::fabs(value);
  if (std::isinf(value)) return sign + "Infinity";
  if (value == 0) return sign + "0.0";
  const Decimal decimal = ShortestDecimal(value);
  const int count = static_cast<int>(decimal.digits.size());
  if (value >= 1e-3 && value < 1e7) {
    const int point = count + decimal.exponent;  // digits before the point
    if (point <= 0)
      return sign + "0." + std::string(static_cast<std::size_t>(-point), '0') + decimal.digits;
    if (point >= count) {
      return sign + decimal.digits + std::string(static_cast<std::size_t>(point - count), '0') +
             ".0";
    }
    const auto at = static_cast<std::size_t>(point);
    return sign + decimal.digits.substr(0, at) + "." + decimal.digits.substr(at);
  }
  const std::string fraction = count > 1 ? decimal.digits.substr(1) : "0";
  return sign + decimal.digits.substr(0, 1) + "." + fraction + "E" +
         std::to_string(decimal.exponent + count - 1);
}

std::string JavaFixed3(double value) {
  const Decimal decimal = ShortestDecimal(value);
  // value in thousandths, half up: at most 17 digits before the cut, so a 64-bit number holds it.
  std::uint64_t thousandths = 0;
  const int kept = static_cast<int>(decimal.digits.size()) + decimal.exponent + 3;
  for (int i = 0; i < kept; ++i) {
    const auto at = static_cast<std::size_t>(i);
    const char digit = at < decimal.digits.size() ? decimal.digits[at] : '0';
    thousandths = thousandths * 10 + static_cast<std::uint64_t>(digit - '0');
  }
  if (kept >= 0 && static_cast<std::size_t>(kept) < decimal.digits.size() &&
      decimal.digits[static_cast<std::size_t>(kept)] >= '5') {
    ++thousandths;
  }
  std::string fraction = std::to_string(thousandths % 1000);
  fraction.insert(0, 3 - fraction.size(), '0');
  return std::to_string(thousandths / 1000) + "." + fraction;
}

std::int64_t JavaLong(double value) {
  constexpr double kBeyond = 9223372036854775808.0;  // 2^63
  if (std::isnan(value)) return 0;
  if (value >= kBeyond) return std::numeric_limits<std::int64_t>::max();
  if (value <= -kBeyond) return std::numeric_limits<std::int64_t>::min();
  return static_cast<std::int64_t>(value);
}

std::int64_t MultiplyTruncated(std::int64_t amount, double factor) {
  if (amount == 0 || factor == 0) return 0;
  const Decimal decimal = ShortestDecimal(factor);
  std::uint64_t digits = 0;  // at most 17 of them
  std::from_chars(decimal.digits.data(), decimal.digits.data() + decimal.digits.size(), digits);
  // Below 2^63 * 10^17 < 2^120: no overflow.
  Uint128 product = static_cast<Uint128>(amount) * digits;
  constexpr Uint128 kMax = std::numeric_limits<std::int64_t>::max();
  int exponent = decimal.exponent;
  Uint128 dropped = 0;  // whether anything but zeros was cut off: 2^63 - 1 and a fraction is more
                        // than Long.MAX_VALUE
  for (; exponent < 0 && product != 0; ++exponent) {
    dropped |= product % 10;
    product /= 10;
  }
  for (; exponent > 0 && product <= kMax; --exponent) product *= 10;
  if (product > kMax || (product == kMax && dropped != 0)) {
    throw JavaException{kArithmetic, "long overflow", {}};
  }
  return static_cast<std::int64_t>(product);
}

}  // namespace wrackline::flink
