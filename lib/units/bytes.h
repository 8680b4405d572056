// Bytes: an amount of memory, signed, so that a difference is one too.
//
//   Bytes limit = 2 * kGiB;
//   FormatBytes(limit)       -> "2.00 GiB"
//   ParseBytes("512m")       -> 536870912 bytes
//
// What would not fit is the largest or the least there is: figures of outside bytes are added up, and may be anything.
//
// Bytes itself never allocates and is used inside the profiled process too; the functions below are
// for the host side.
#pragma once

#include <compare>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>

#include "lib/base/result.h"

namespace wrackline {

struct Bytes {
  std::int64_t count = 0;

  constexpr auto operator<=>(const Bytes&) const = default;
  constexpr Bytes operator+(Bytes other) const {
    std::int64_t sum = 0;
    return {__builtin_add_overflow(count, other.count, &sum) ? Bound(count < 0) : sum};
  }
  constexpr Bytes operator-(Bytes other) const {
    std::int64_t difference = 0;
    return {__builtin_sub_overflow(count, other.count, &difference) ? Bound(count < 0)
                                                                    : difference};
  }
  constexpr Bytes operator-() const { return Bytes{} - *this; }
  constexpr Bytes& operator+=(Bytes other) { return *this = *this + other; }
  constexpr Bytes& operator-=(Bytes other) { return *this = *this - other; }
  friend constexpr Bytes operator*(std::int64_t n, Bytes unit) {
    std::int64_t product = 0;
    return {__builtin_mul_overflow(n, unit.count, &product) ? Bound((n < 0) != (unit.count < 0))
                                                            : product};
  }

 private:
  static constexpr std::int64_t Bound(bool negative) {
    return negative ? std::numeric_limits<std::int64_t>::min()
                    : std::numeric_limits<std::int64_t>::max();
  }
};

inline constexpr Bytes kKiB{1024};
inline constexpr Bytes kMiB{1024 * 1024};
inline constexpr Bytes kGiB{1024 * 1024 * 1024};

// "0 B", "512 B", "1.5 KiB", "136.0 MiB", "2.00 GiB", "-3.1 MiB": three to four digits, binary
// units.
std::string FormatBytes(Bytes amount);

// A size as people write it on a command line: an integer or decimal number, optional spaces, then
// one of b, k, kb, kib, m, mb, mib, g, gb, gib, t, tb, tib (any case; all binary), or nothing for
// bytes. Errors: empty, no number, negative, unknown unit, larger than 2^63 - 1 bytes. (Flink's own
// grammar is narrower and lives in analyzer/flink.)
Result<Bytes> ParseBytes(std::string_view text);

}  // namespace wrackline
