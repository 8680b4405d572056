#include "lib/units/bytes.h"

#include <array>
#include <charconv>
#include <limits>

namespace wrackline {
namespace {

struct Unit {
  std::string_view name;
  int shift;
};

constexpr std::array<Unit, 14> kUnits = {{{"", 0},
                                          {"b", 0},
                                          {"k", 10},
                                          {"kb", 10},
                                          {"kib", 10},
                                          {"m", 20},
                                          {"mb", 20},
                                          {"mib", 20},
                                          {"g", 30},
                                          {"gb", 30},
                                          {"gib", 30},
                                          {"t", 40},
                                          {"tb", 40},
                                          {"tib", 40}}};

constexpr std::int64_t kMax = std::numeric_limits<std::int64_t>::max();

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

std::string Lower(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return lower;
}

std::string_view Trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

Error Wrong(std::string_view text, std::string_view what) {
  // The text is the user's: long or unprintable input must not garble the message.
  std::string shown;
  for (const char c : text.substr(0, 40)) shown.push_back(c >= ' ' && c <= '~' ? c : '?');
  if (text.size() > 40) shown += "...";
  return {"\"" + shown + "\" is no size: " + std::string(what),
          "write for example 512m, 1.5g or 1073741824"};
}

// 0.DIGITS times 2^shift, rounded to the nearest integer, halves up. Exact: the digits are
// multiplied by two, shift times, in decimal, and what carries over the point is the result. Any
// number of digits.
std::int64_t FractionTimesPowerOfTwo(std::string_view digits, int shift) {
  std::string fraction(digits);
  std::int64_t whole = 0;
  for (int i = 0; i < shift; ++i) {
    int carry = 0;
    for (auto digit = fraction.rbegin(); digit != fraction.rend(); ++digit) {
      const int doubled = (*digit - '0') * 2 + carry;
      *digit = static_cast<char>('0' + doubled % 10);
      carry = doubled / 10;
    }
    whole = whole * 2 + carry;
  }
  return whole + (!fraction.empty() && fraction.front() >= '5' ? 1 : 0);
}

}  // namespace

std::string FormatBytes(Bytes amount) {
  // -2^63 has no positive counterpart among signed numbers.
  const bool negative = amount.count < 0;
  const std::uint64_t size = negative ? 0 - static_cast<std::uint64_t>(amount.count)
                                      : static_cast<std::uint64_t>(amount.count);
  struct Scale {
    const char* unit;
    int shift;
    int decimals;
  };
  // Gigabytes get two decimals: their tenth is 107 MB, which is what a diagnosis is about.
  static constexpr std::array<Scale, 4> kScales = {
      {{"KiB", 10, 1}, {"MiB", 20, 1}, {"GiB", 30, 2}, {"TiB", 40, 2}}};
  std::string text = negative ? "-" : "";
  if (size < 1024) return text + std::to_string(size) + " B";
  for (std::size_t i = 0; i < kScales.size(); ++i) {
    const auto& [unit, shift, decimals] = kScales[i];
    // In tenths or hundredths of the unit, halves up. The rest has at most 40 bits, so that nothing
    // overflows.
    const std::uint64_t parts = decimals == 1 ? 10 : 100;
    const std::uint64_t rest = size & ((std::uint64_t{1} << shift) - 1);
    const std::uint64_t half = std::uint64_t{1} << (shift - 1);
    const std::uint64_t scaled = (size >> shift) * parts + ((rest * parts + half) >> shift);
    // What would be printed as 1024.0 KiB is 1.0 MiB.
    if (scaled >= 1024 * parts && i + 1 < kScales.size()) continue;
    std::string fraction = std::to_string(scaled % parts);
    fraction.insert(0, static_cast<std::size_t>(decimals) - fraction.size(), '0');
    text.append(std::to_string(scaled / parts)).append(1, '.').append(fraction).append(1, ' ');
    return text.append(unit);
  }
  return text;  // not reached: the last scale takes everything
}

Result<Bytes> ParseBytes(std::string_view text) {
  const std::string_view trimmed = Trim(text);
  if (trimmed.empty()) return Wrong(text, "it is empty");
  if (trimmed.front() == '-') return Wrong(text, "it is negative");

  std::size_t at = 0;
  while (at < trimmed.size() && IsDigit(trimmed[at])) ++at;
  const std::string_view whole = trimmed.substr(0, at);
  std::string_view fraction;
  if (at < trimmed.size() && trimmed[at] == '.') {
    const std::size_t start = ++at;
    while (at < trimmed.size() && IsDigit(trimmed[at])) ++at;
    fraction = trimmed.substr(start, at - start);
    if (fraction.empty()) return Wrong(text, "a digit must follow the point");
  }
  if (whole.empty()) return Wrong(text, "it does not start with a number");

  const std::string unit_name = Lower(Trim(trimmed.substr(at)));
  const Unit* unit = nullptr;
  for (const Unit& known : kUnits) {
    if (known.name == unit_name) unit = &known;
  }
  if (unit == nullptr) return Wrong(text, "its unit is none of b, k, m, g, t (kb, kib, ...)");

  constexpr std::string_view kTooLarge = "it is larger than 2^63 - 1 bytes";
  std::int64_t count = 0;
  const auto [end, error] = std::from_chars(whole.data(), whole.data() + whole.size(), count);
  if (error != std::errc{} || count > kMax >> unit->shift) return Wrong(text, kTooLarge);
  count <<= unit->shift;
  std::int64_t sum = 0;
  // Nobody writes more digits than a name is long; beyond it they could only cost time.
  if (fraction.size() > 1000) return Wrong(text, "it has too many digits");
  if (__builtin_add_overflow(count, FractionTimesPowerOfTwo(fraction, unit->shift), &sum)) {
    return Wrong(text, kTooLarge);
  }
  return Bytes{sum};
}

}  // namespace wrackline
