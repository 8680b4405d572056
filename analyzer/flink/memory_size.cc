#include "analyzer/flink/memory_size.h"

#include <array>
#include <charconv>

#include "analyzer/flink/java_exception.h"
#include "analyzer/flink/java_number.h"

namespace wrackline::flink {
namespace {

struct Unit {
  std::string_view letter;  // "m"
  std::string_view pair;    // "mb": also what Flink prints
  std::string_view word;    // "mebibytes"
  int shift;
};

// Bytes have two names only.
constexpr std::array<Unit, 5> kUnits{{{"b", "bytes", "bytes", 0},
                                      {"k", "kb", "kibibytes", 10},
                                      {"m", "mb", "mebibytes", 20},
                                      {"g", "gb", "gibibytes", 30},
                                      {"t", "tb", "tebibytes", 40}}};

constexpr const char* kAllUnits =
    "(b | bytes) / (k | kb | kibibytes) / (m | mb | mebibytes) / (g | gb | gibibytes) / (t | tb | "
    "tebibytes)";

// String.toLowerCase(Locale.US) where it matters: ASCII, and the Kelvin sign (U+212A), whose lower
// case is "k".
std::string LowerCase(std::string_view text) {
  constexpr std::string_view kKelvin = "\xE2\x84\xAA";
  std::string lower;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text.substr(i).starts_with(kKelvin)) {
      lower += 'k';
      i += kKelvin.size() - 1;
    } else {
      const char c = text[i];
      lower += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    }
  }
  return lower;
}

int ShiftOfUnit(const std::string& unit) {
  if (unit.empty()) return 0;
  for (const Unit& known : kUnits) {
    if (unit == known.letter || unit == known.pair || unit == known.word) return known.shift;
  }
  throw JavaException{
      kIllegalArgument,
      "Memory size unit '" + unit + "' does not match any of the recognized units: " + kAllUnits,
      {}};
}

}  // namespace

MemorySize ParseMemorySizeOrThrow(std::string_view text) {
  const std::string_view trimmed = JavaTrim(text);
  if (trimmed.empty()) {
    throw JavaException{kIllegalArgument, "argument is an empty- or whitespace-only string", {}};
  }
  std::size_t digits = 0;
  while (digits < trimmed.size() && trimmed[digits] >= '0' && trimmed[digits] <= '9') ++digits;
  if (digits == 0) throw JavaException{kNumberFormat, "text does not start with a number", {}};
  const std::string_view number = trimmed.substr(0, digits);
  const std::string unit = LowerCase(JavaTrim(trimmed.substr(digits)));

  std::int64_t value = 0;
  if (std::from_chars(number.data(), number.data() + number.size(), value).ec != std::errc()) {
    throw JavaException{kIllegalArgument,
                        "The value '" + std::string(number) +
                            "' cannot be re represented as 64bit number (numeric overflow).",
                        {}};
  }
  const int shift = ShiftOfUnit(unit);
  if (value > (kMaxMemorySize.bytes >> shift)) {
    throw JavaException{
        kIllegalArgument,
        "The value '" + std::string(text) +
            "' cannot be re represented as 64bit number of bytes (numeric overflow).",
        {}};
  }
  return {value << shift};
}

Result<MemorySize> ParseMemorySize(std::string_view text) {
  try {
    return ParseMemorySizeOrThrow(text);
  } catch (const JavaException& exception) {
    return Error{exception.message, "Flink sizes are whole numbers with b, k, m, g or t: 1536m"};
  }
}

std::string FormatMemorySize(MemorySize size) {
  const Unit* unit = &kUnits[0];
  for (const Unit& candidate : kUnits) {
    if (size.bytes > std::int64_t{1} << candidate.shift) unit = &candidate;
  }
  std::string exact = std::to_string(size.bytes) + " bytes";
  if (unit->shift == 0) return exact;
  const double amount =
      1.0 * static_cast<double>(size.bytes) / static_cast<double>(std::int64_t{1} << unit->shift);
  return JavaFixed3(amount) + std::string(unit->pair) + " (" + exact + ")";
}

std::string WriteMemorySize(MemorySize size) {
  for (auto unit = kUnits.rbegin(); unit != kUnits.rend(); ++unit) {
    const std::int64_t one = std::int64_t{1} << unit->shift;
    if (size.bytes >= one && size.bytes % one == 0) {
      return std::to_string(size.bytes / one) + std::string(unit->letter);
    }
  }
  return std::to_string(size.bytes) + "b";
}

MemorySize MakeMemorySize(std::int64_t bytes) {
  if (bytes < 0) throw JavaException{kIllegalArgument, "bytes must be >= 0", {}};
  return {bytes};
}

MemorySize Add(MemorySize a, MemorySize b) {
  if (a.bytes > kMaxMemorySize.bytes - b.bytes)
    throw JavaException{kArithmetic, "long overflow", {}};
  return {a.bytes + b.bytes};
}

// Both are not negative, so the difference cannot overflow.
MemorySize Subtract(MemorySize a, MemorySize b) { return MakeMemorySize(a.bytes - b.bytes); }

MemorySize Multiply(MemorySize size, double factor) {
  return {MultiplyTruncated(size.bytes, factor)};
}

}  // namespace wrackline::flink
