#include "analyzer/evidence/manifest/operator_memory.h"

#include <algorithm>
#include <cctype>

#include "analyzer/evidence/manifest/digits.h"
#include "analyzer/flink/memory_size.h"

namespace wrackline::evidence {
namespace {

constexpr std::size_t kMaxText = 256;

// MemorySize.toString(): the highest unit that divides the amount; bytes where all do.
std::string FlinkText(std::int64_t bytes) {
  constexpr std::string_view kUnits[] = {" bytes", " kb", " mb", " gb"};
  for (std::size_t unit = 0; unit < std::size(kUnits); ++unit) {
    const std::int64_t next = std::int64_t{1} << (10 * (unit + 1));
    if (bytes % next != 0) return std::to_string(bytes >> (10 * unit)) + std::string(kUnits[unit]);
  }
  return std::to_string(bytes) + " bytes";
}

struct Factor {
  int base = 1;
  int power = 0;
};

// Of the suffix in capital letters; power -1: none that the operator knows.
Factor FactorOf(std::string_view suffix) {
  if (suffix.empty()) return {};
  constexpr std::string_view kBinary[] = {"Ki", "Mi", "Gi", "Ti", "Pi"};
  constexpr std::string_view kDecimal[] = {"M", "G", "T", "P"};  // "K" is none: Kubernetes has "k"
  for (int i = 0; i < 5; ++i) {
    if (suffix == kBinary[i]) return {1024, i + 1};
  }
  for (int i = 0; i < 4; ++i) {
    if (suffix == kDecimal[i]) return {1000, i + 2};
  }
  if (suffix[0] != 'E' || suffix.size() < 2) return {1, -1};
  suffix.remove_prefix(suffix[1] == '+' ? 2 : 1);
  int power = 0;
  for (const char digit : suffix) {
    if (digit < '0' || digit > '9') return {1, -1};
    power = std::min(100, power * 10 + (digit - '0'));
  }
  return suffix.empty() || power > 17 ? Factor{1, -1} : Factor{10, power};
}

}  // namespace

Result<std::string> OperatorMemoryText(std::string_view memory) {
  const Error refused{"Flink's operator refuses '" + std::string(memory.substr(0, kMaxText)) +
                          "' as an amount of memory",
                      "write 2g or 2048m, for example: both are binary"};
  if (memory.size() > kMaxText) return refused;
  if (const Result<flink::MemorySize> size = flink::ParseMemorySize(memory); size.ok())
    return FlinkText(size.value().bytes);

  std::string text;
  for (const unsigned char c : memory) {
    if (std::isspace(c) == 0) text += static_cast<char>(std::toupper(c));
  }
  if (text.ends_with('B')) text.pop_back();
  if (text.ends_with('I')) text.back() = 'i';

  std::size_t position = 0;
  const bool negative = text.starts_with('-');
  if (negative || text.starts_with('+')) ++position;
  std::string digits;
  std::size_t fraction = 0;
  bool point = false;
  for (; position < text.size(); ++position) {
    const char c = text[position];
    if (c == '.' && !point) {
      point = true;
    } else if (c >= '0' && c <= '9') {
      digits += c;
      if (point) ++fraction;
    } else {
      break;
    }
  }
  const Factor factor = FactorOf(std::string_view(text).substr(position));
  if (digits.empty() || factor.power < 0) return refused;
  for (int i = 0; i < factor.power; ++i) MultiplyDigits(digits, factor.base);
  // BigDecimal keeps the fraction's digits: 1.5Gi is 1610612736.0.
  if (digits.size() <= fraction) digits.insert(0, fraction + 1 - digits.size(), '0');
  const std::size_t leading = digits.find_first_not_of('0');
  digits.erase(0, std::min(leading, digits.size() - fraction - 1));
  if (digits.size() - fraction > 19) return refused;
  if (fraction > 0) digits.insert(digits.size() - fraction, ".");
  return (negative ? "-" : "") + digits;
}

}  // namespace wrackline::evidence
