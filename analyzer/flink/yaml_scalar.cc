#include "analyzer/flink/yaml_scalar.h"

#include <charconv>
#include <cmath>
#include <cstdlib>

#include <locale.h>

#include "analyzer/flink/java_number.h"

namespace wrackline::flink {
namespace {

constexpr std::string_view kDecimal = "0123456789";
constexpr std::string_view kHexadecimal = "0123456789abcdefABCDEF";

bool OnlyOf(std::string_view text, std::string_view set) {
  return !text.empty() && text.find_first_not_of(set) == std::string_view::npos;
}

std::string_view WithoutSign(std::string_view text) {
  if (!text.empty() && (text.front() == '+' || text.front() == '-')) text.remove_prefix(1);
  return text;
}

bool IsOneOf(std::string_view text, std::initializer_list<std::string_view> list) {
  for (const std::string_view word : list) {
    if (text == word) return true;
  }
  return false;
}

bool IsInfinity(std::string_view text) {
  return IsOneOf(WithoutSign(text), {".inf", ".Inf", ".INF"});
}
bool IsNotANumber(std::string_view text) { return IsOneOf(text, {".nan", ".NaN", ".NAN"}); }

bool IsInt(std::string_view text) {
  if (OnlyOf(WithoutSign(text), kDecimal)) return true;
  if (text.starts_with("0o")) return OnlyOf(text.substr(2), "01234567");
  return text.starts_with("0x") && OnlyOf(text.substr(2), kHexadecimal);
}

// [-+]? ( \. [0-9]+ | [0-9]+ ( \. [0-9]* )? ) ( [eE] [-+]? [0-9]+ )?
bool IsFloat(std::string_view text) {
  text = WithoutSign(text);
  const std::size_t e = text.find_first_of("eE");
  if (e != std::string_view::npos) {
    if (!OnlyOf(WithoutSign(text.substr(e + 1)), kDecimal)) return false;
    text = text.substr(0, e);
  }
  const std::size_t point = text.find('.');
  if (point == std::string_view::npos) return OnlyOf(text, kDecimal);
  const std::string_view whole = text.substr(0, point);
  const std::string_view fraction = text.substr(point + 1);
  if (whole.empty()) return OnlyOf(fraction, kDecimal);
  return OnlyOf(whole, kDecimal) && (fraction.empty() || OnlyOf(fraction, kDecimal));
}

// Integer, Long or BigInteger: the digits without sign "+" and leading zeros, of any length.
std::string IntText(std::string_view text) {
  int base = 10;
  if (text.starts_with("0o")) base = 8;
  if (text.starts_with("0x")) base = 16;
  if (base != 10) {
    const std::string_view digits = text.substr(2);
    unsigned long long value = 0;
    const auto error =
        std::from_chars(digits.data(), digits.data() + digits.size(), value, base).ec;
    // More than 64 bits: no memory size and no count; kept as written, and refused where it is
    // read.
    return error == std::errc() ? std::to_string(value) : std::string(text);
  }
  const bool negative = text.front() == '-';
  std::string_view digits = WithoutSign(text);
  const std::size_t first = digits.find_first_not_of('0');
  if (first == std::string_view::npos) return "0";
  return (negative ? "-" : "") + std::string(digits.substr(first));
}

std::string FloatText(std::string_view text) {
  // Flink writes a value back as YAML, which has its own names for these.
  if (IsNotANumber(text)) return ".nan";
  static const locale_t c_locale = newlocale(LC_ALL_MASK, "C", nullptr);
  const double value = IsInfinity(text) ? HUGE_VAL * (text.front() == '-' ? -1 : 1)
                                        : strtod_l(std::string(text).c_str(), nullptr, c_locale);
  if (std::isinf(value)) return value < 0 ? "-.inf" : ".inf";
  return JavaDoubleToString(value);
}

bool NeedsEscapes(std::string_view text) {
  for (const char c : text) {
    if (static_cast<unsigned char>(c) < ' ' || c == 0x7f) return true;
  }
  return false;
}

}  // namespace

ScalarKind ClassifyPlainScalar(std::string_view text) {
  if (text.empty() || IsOneOf(text, {"~", "null", "Null", "NULL"})) return ScalarKind::kNull;
  if (IsOneOf(text, {"true", "True", "TRUE", "false", "False", "FALSE"})) return ScalarKind::kBool;
  if (IsInt(text)) return ScalarKind::kInt;
  if (IsFloat(text) || IsInfinity(text) || IsNotANumber(text)) return ScalarKind::kFloat;
  return ScalarKind::kText;
}

std::optional<std::string> PlainScalarText(std::string_view text) {
  switch (ClassifyPlainScalar(text)) {
    case ScalarKind::kNull:
      return std::nullopt;
    case ScalarKind::kBool:
      return text.front() == 't' || text.front() == 'T' ? "true" : "false";
    case ScalarKind::kInt:
      return IntText(text);
    case ScalarKind::kFloat:
      return FloatText(text);
    case ScalarKind::kText:
      break;
  }
  return std::string(text);
}

std::optional<std::string> FloatScalarText(std::string_view text) {
  const ScalarKind kind = ClassifyPlainScalar(text);
  if (kind == ScalarKind::kFloat ||
      (kind == ScalarKind::kInt && OnlyOf(WithoutSign(text), kDecimal)))
    return FloatText(text);
  return std::nullopt;
}

std::string QuoteForFlow(std::string_view text) {
  if (NeedsEscapes(text)) {
    std::string quoted = "\"";
    for (const char c : text) {
      if (c == '"' || c == '\\') quoted += '\\';
      if (c == '\n') {
        quoted += "\\n";
      } else if (c == '\t') {
        quoted += "\\t";
      } else if (c == '\r') {
        quoted += "\\r";
      } else if (static_cast<unsigned char>(c) < ' ' || c == 0x7f) {
        constexpr char kHex[] = "0123456789ABCDEF";
        quoted += "\\x";
        quoted += kHex[static_cast<unsigned char>(c) >> 4];
        quoted += kHex[static_cast<unsigned char>(c) & 15];
      } else {
        quoted += c;
      }
    }
    return quoted + '"';
  }
  // Plain only where no indicator could change the meaning inside a flow list.
  const bool plain =
      ClassifyPlainScalar(text) == ScalarKind::kText && text.front() != ' ' && text.back() != ' ' &&
      text.find_first_of(",[]{}") == std::string_view::npos &&
      std::string_view("#&*!|>'\"%@`?-:").find(text.front()) == std::string_view::npos &&
      text.back() != ':' && text.find(": ") == std::string_view::npos &&
      text.find(" #") == std::string_view::npos;
  if (plain) return std::string(text);
  std::string quoted = "'";
  for (const char c : text) {
    if (c == '\'') quoted += '\'';
    quoted += c;
  }
  return quoted + '\'';
}

}  // namespace wrackline::flink
