// Small conversions from the wire's integers to typed values. Hostile input: absurd amounts are
// cut.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>

#include "analyzer/evidence/evidence.h"

namespace wrackline::evidence {

inline Bytes ToBytes(std::uint64_t count) {
  // 2^51: more than any machine has, and sums of a thousand such figures stay far from overflow.
  constexpr std::uint64_t kMost = std::numeric_limits<std::int64_t>::max() / 4096;
  return Bytes{static_cast<std::int64_t>(std::min(count, kMost))};
}

inline Time ToTime(std::uint64_t nanoseconds) {
  constexpr std::uint64_t kMost = std::numeric_limits<std::int64_t>::max() / 2;
  return Time{Duration{static_cast<std::int64_t>(std::min(nanoseconds, kMost))}};
}

}  // namespace wrackline::evidence

// Sets a std::optional<Bytes> member from an optional field of a protobuf message.
#define WRACKLINE_COPY_BYTES(target, message, field)                          \
  do {                                                                        \
    if ((message).has_##field()) (target).field = ToBytes((message).field()); \
  } while (false)
