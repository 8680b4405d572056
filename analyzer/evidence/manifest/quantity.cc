#include "analyzer/evidence/manifest/quantity.h"

#include <algorithm>
#include <cctype>
#include <limits>
#include <string>

#include "analyzer/evidence/manifest/digits.h"

namespace wrackline::evidence {
namespace {

constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();
// No amount that fits has an exponent beyond these; they bound the work below.
constexpr int kMaxExponent = 1000;
constexpr std::size_t kMaxText = 512;

struct Suffix {
  std::string_view text;
  int binary;   // power of 1024
  int decimal;  // power of 10
};
constexpr Suffix kSuffixes[] = {{"", 0, 0},   {"Ki", 1, 0}, {"Mi", 2, 0}, {"Gi", 3, 0},
                                {"Ti", 4, 0}, {"Pi", 5, 0}, {"Ei", 6, 0}, {"n", 0, -9},
                                {"u", 0, -6}, {"m", 0, -3}, {"k", 0, 3},  {"M", 0, 6},
                                {"G", 0, 9},  {"T", 0, 12}, {"P", 0, 15}, {"E", 0, 18}};

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

std::string Lower(std::string_view text) {
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return lower;
}

// "2gb" was meant as "2G" or "2Gi"; only a guess that is one quantity is named.
Error WrongSuffix(std::string_view text, std::string_view number, std::string_view suffix) {
  std::string wanted = Lower(suffix);
  if (!wanted.empty() && wanted.front() == ' ') wanted.erase(0, wanted.find_first_not_of(' '));
  if (wanted.size() > 1 && wanted.back() == 'b') wanted.pop_back();
  for (const Suffix& known : kSuffixes) {
    if (!known.text.empty() && Lower(known.text) == wanted) {
      return {"'" + std::string(text) + "' is no quantity of Kubernetes",
              "write " + std::string(number) + std::string(known.text)};
    }
  }
  return {"'" + std::string(text) + "' is no quantity of Kubernetes",
          "write a number and one of Ki, Mi, Gi, Ti (1024) or k, M, G, T (1000), such as 2Gi"};
}

// digits * 10^decimal * 1024^binary, rounded up, at most kMost.
std::int64_t Amount(std::string digits, int decimal, int binary) {
  digits.erase(0, std::min(digits.find_first_not_of('0'), digits.size()));
  if (digits.empty()) return 0;
  for (; binary > 0; --binary) MultiplyDigits(digits, 1024);
  bool fraction = false;
  if (decimal >= 0) {
    if (digits.size() + static_cast<std::size_t>(decimal) > 19) return kMost;
    digits.append(static_cast<std::size_t>(decimal), '0');
  } else {
    const std::size_t dropped = std::min(digits.size(), static_cast<std::size_t>(-decimal));
    fraction = digits.find_first_not_of('0', digits.size() - dropped) != std::string::npos;
    digits.resize(digits.size() - dropped);
  }
  if (digits.size() > 19) return kMost;
  std::uint64_t amount = 0;
  for (const char digit : digits) amount = amount * 10 + static_cast<std::uint64_t>(digit - '0');
  if (amount >= static_cast<std::uint64_t>(kMost)) return kMost;
  return static_cast<std::int64_t>(amount) + (fraction ? 1 : 0);
}

}  // namespace

Result<std::int64_t> ParseQuantity(std::string_view text) {
  if (text.empty()) return Error{"an empty text is no quantity", "write 2Gi, for example"};
  if (text.size() > kMaxText) return Error{"a quantity of more than 512 characters", ""};
  std::size_t position = text[0] == '+' || text[0] == '-' ? 1 : 0;
  const bool negative = text[0] == '-';
  std::string digits;
  int decimal = 0;
  bool point = false;
  for (; position < text.size(); ++position) {
    if (IsDigit(text[position])) {
      digits += text[position];
      if (point) --decimal;
    } else if (text[position] == '.' && !point) {
      point = true;
    } else {
      break;
    }
  }
  const std::string_view number = text.substr(0, position);
  const std::string_view suffix = text.substr(position);
  if (digits.empty())
    return Error{"'" + std::string(text) + "' is no quantity of Kubernetes", "it has no number"};
  int binary = 0;
  const auto* known = std::find_if(std::begin(kSuffixes), std::end(kSuffixes),
                                   [&](const Suffix& one) { return one.text == suffix; });
  if (known != std::end(kSuffixes)) {
    binary = known->binary;
    decimal += known->decimal;
  } else if ((suffix[0] == 'e' || suffix[0] == 'E') && suffix.size() > 1) {
    std::string_view exponent = suffix.substr(1);
    const bool down = exponent[0] == '-';
    if (exponent[0] == '-' || exponent[0] == '+') exponent.remove_prefix(1);
    if (exponent.empty() || !std::all_of(exponent.begin(), exponent.end(), IsDigit))
      return WrongSuffix(text, number, suffix);
    int power = 0;
    for (const char digit : exponent) power = std::min(kMaxExponent, power * 10 + (digit - '0'));
    decimal += down ? -power : power;
  } else {
    return WrongSuffix(text, number, suffix);
  }
  const std::int64_t amount = Amount(std::move(digits), decimal, binary);
  if (negative && amount > 0)
    return Error{"'" + std::string(text) + "' is negative", "an amount of memory is not"};
  return amount;
}

}  // namespace wrackline::evidence
