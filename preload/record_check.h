// Whether bytes from wrackline_submit can be a wrackline.proto.Record: they come from other code in
// the process, and one malformed record in a file would cost the reader everything behind it in a
// snapshot.
#pragma once

#include <cstddef>
#include <cstdint>

namespace wrackline::preload {

namespace internal {

inline bool TakeVarint(const unsigned char** at, const unsigned char* end, std::uint64_t* value) {
  *value = 0;
  for (int shift = 0; shift < 64; shift += 7) {
    if (*at == end) return false;
    const unsigned char byte = *(*at)++;
    *value |= static_cast<std::uint64_t>(byte & 0x7f) << shift;
    if ((byte & 0x80) == 0) return true;
  }
  return false;
}

}  // namespace internal

// True when the outermost fields parse to the end: tags with a field number, lengths inside the
// bytes. What is inside the body is its reader's to check.
inline bool IsRecord(const unsigned char* bytes, std::size_t size) {
  const unsigned char* at = bytes;
  const unsigned char* end = bytes + size;
  while (at != end) {
    std::uint64_t tag = 0;
    std::uint64_t value = 0;
    if (!internal::TakeVarint(&at, end, &tag) || tag >> 3 == 0) return false;
    switch (tag & 7) {
      case 0:
        if (!internal::TakeVarint(&at, end, &value)) return false;
        break;
      case 1:
        if (end - at < 8) return false;
        at += 8;
        break;
      case 2:
        if (!internal::TakeVarint(&at, end, &value)) return false;
        if (value > static_cast<std::uint64_t>(end - at)) return false;
        at += value;
        break;
      case 5:
        if (end - at < 4) return false;
        at += 4;
        break;
      default:
        return false;
    }
  }
  return true;
}

}  // namespace wrackline::preload
