// Flink's MemorySize: its grammar, its printing and its checked arithmetic, to the letter.
//
//   ParseMemorySize("1568m")                     -> 1644167168
//   FormatMemorySize(MemorySize{1879048192})     -> "1.750gb (1879048192 bytes)"
//
// Grammar: digits, optional spaces, then nothing (bytes) or b|bytes k|kb|kibibytes m|mb|mebibytes
// g|gb|gibibytes t|tb|tebibytes in any case. "1.5g", "1gib", "-1", quotes and the empty text are
// refused, as by Flink. (The command line's sizes are lib/units/bytes.h.)
//
// Functions that throw, throw JavaException with the class and the message that Flink would throw.
#pragma once

#include <compare>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>

#include "lib/base/result.h"

namespace wrackline::flink {

struct MemorySize {
  std::int64_t bytes = 0;  // never negative

  constexpr auto operator<=>(const MemorySize&) const = default;
};

inline constexpr MemorySize kMaxMemorySize{std::numeric_limits<std::int64_t>::max()};

// Throws IllegalArgumentException or NumberFormatException.
MemorySize ParseMemorySizeOrThrow(std::string_view text);
// The same as a value; the error's message is Flink's.
Result<MemorySize> ParseMemorySize(std::string_view text);

// MemorySize.toHumanReadableString(): a unit is used only when strictly exceeded, so 1 GiB is
// "1024.000mb (1073741824 bytes)".
std::string FormatMemorySize(MemorySize size);

// The shortest text of the configuration grammar that means exactly this size: "64m", "1g",
// "1879048193b".
std::string WriteMemorySize(MemorySize size);

// Throw: ArithmeticException on overflow, IllegalArgumentException on a negative result.
MemorySize Add(MemorySize a, MemorySize b);
MemorySize Subtract(MemorySize a, MemorySize b);
// Precondition: factor is finite and not negative.
MemorySize Multiply(MemorySize size, double factor);
// new MemorySize(bytes): throws on a negative amount.
MemorySize MakeMemorySize(std::int64_t bytes);

}  // namespace wrackline::flink
