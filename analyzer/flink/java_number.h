// Numbers as Java reads, prints and multiplies them; Flink's sizes depend on each of these to the
// byte.
//
// Thread-safe; no locale.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace wrackline::flink {

// Without characters up to U+0020 at both ends, as String.trim().
std::string_view JavaTrim(std::string_view text);

// Float.parseFloat: surrounding spaces, decimal or hexadecimal (0x1p-1), suffix f F d D, NaN,
// Infinity. Throws JavaException (NumberFormatException) with Java's message.
float ParseJavaFloat(std::string_view text);
// Double.parseDouble: the same texts.
double ParseJavaDouble(std::string_view text);

// Integer.parseInt: sign and ASCII digits, nothing else. Throws JavaException
// (NumberFormatException).
std::int32_t ParseJavaInt(std::string_view text);

// Double.toString: "0.5", "1.0E-5", "NaN", "-Infinity". Shortest digits that read back as the same
// value. (Java before 19 prints a digit too many for a few values; the difference is below 1e-16 of
// the value and is not reproduced.)
std::string JavaDoubleToString(double value);

// String.format("%.3f"): rounds the digits of Double.toString half up, where C rounds the binary
// value half to even. Precondition: 0 <= value < 1e7.
std::string JavaFixed3(double value);

// (long) value: truncated; NaN is 0, what is beyond a long is the nearest one.
std::int64_t JavaLong(double value);

// BigDecimal.valueOf(amount).multiply(BigDecimal.valueOf(factor)).longValue(), exactly, truncated.
// Preconditions: amount >= 0, factor finite and >= 0. Throws JavaException (ArithmeticException
// "long overflow").
std::int64_t MultiplyTruncated(std::int64_t amount, double factor);

}  // namespace wrackline::flink
