// Pieces that the parsers of the VM's own texts share. Those texts are for people, and differ between versions: what is not
// found is absent, and nothing outside of the text is read whatever is in it.
#pragma once

#include <cstdint>
#include <cstring>
#include <optional>

#include "lib/container/scan.h"

namespace wrackline::preload::vm_text {

using container::scan::Span;

inline Span TextOf(const char* text, std::size_t size) { return {text, size}; }

// The next line, the last one without a newline included: the VM's texts come whole.
inline bool NextLine(Span* text, Span* line) {
  if (text->size == 0) return false;
  *line = container::scan::TakeUntil(text, '\n');
  return true;
}

inline bool Skip(Span* text, const char* expected) {
  if (!text->StartsWith(expected)) return false;
  text->Skip(std::strlen(expected));
  return true;
}

// Moves `text` behind the first occurrence of `key`. False, with `text` as it was: there is none.
inline bool SkipPast(Span* text, const char* key) {
  const std::size_t length = std::strlen(key);
  for (std::size_t at = 0; at + length <= text->size; ++at) {
    if (std::memcmp(text->data + at, key, length) != 0) continue;
    text->Skip(at + length);
    return true;
  }
  return false;
}

// "144M", "320K", "120036Kb", "65536.00 KB", "3 bytes", "17": a number with the VM's units, which are binary. What does not
// fit 64 bits is absent.
inline std::optional<std::uint64_t> TakeSize(Span* text) {
  const auto whole = container::scan::TakeDecimal(text);
  if (!whole) return std::nullopt;
  std::uint64_t hundredths = 0;
  if (text->size >= 3 && text->data[0] == '.') {
    Span fraction{text->data + 1, 2};
    hundredths = container::scan::TakeDecimal(&fraction).value_or(0);
    if (fraction.size == 1) hundredths *= 10;
    text->Skip(3);
  }
  container::scan::SkipBlanks(text);
  int shift = 0;
  if (text->size > 0) {
    constexpr char kUnits[] = {'K', 'M', 'G', 'T'};
    for (int i = 0; i < 4; ++i) {
      if ((text->data[0] & ~0x20) == kUnits[i]) shift = 10 * (i + 1);
    }
  }
  std::uint64_t bytes = 0;
  const std::uint64_t scale = std::uint64_t{1} << shift;
  if (__builtin_mul_overflow(*whole, scale, &bytes) ||
      __builtin_add_overflow(bytes, scale / 100 * hundredths, &bytes)) {
    return std::nullopt;
  }
  return bytes;
}

// The size behind the first occurrence of `key` in `line`.
inline std::optional<std::uint64_t> SizeAfter(Span line, const char* key) {
  if (!SkipPast(&line, key)) return std::nullopt;
  container::scan::SkipBlanks(&line);
  return TakeSize(&line);
}

// "0x00007f3654ec7000"
inline std::optional<std::uint64_t> TakeAddress(Span* text) {
  container::scan::SkipBlanks(text);
  if (!Skip(text, "0x")) return std::nullopt;
  return container::scan::TakeHex(text);
}

// The addresses of "[0x.., 0x.., 0x..)" behind the first bracket: how many, `most` at the most.
inline int TakeAddresses(Span line, std::uint64_t* addresses, int most) {
  if (!SkipPast(&line, "[")) return 0;
  int count = 0;
  while (count < most) {
    const auto address = TakeAddress(&line);
    if (!address) break;
    addresses[count++] = *address;
    if (!Skip(&line, ",")) break;
  }
  return count;
}

inline Span Trimmed(Span text) {
  container::scan::SkipBlanks(&text);
  while (text.size > 0 && container::scan::IsBlank(text.data[text.size - 1])) --text.size;
  return text;
}

// Copies `text` with runs of blanks as one, cut where it does not fit, NUL-ended.
template <std::size_t kSize>
void CopyName(char (&to)[kSize], Span text) {
  text = Trimmed(text);
  std::size_t length = 0;
  for (std::size_t i = 0; i < text.size && length + 1 < kSize; ++i) {
    const bool blank = container::scan::IsBlank(text.data[i]);
    if (blank && length > 0 && to[length - 1] == ' ') continue;
    to[length++] = blank ? ' ' : text.data[i];
  }
  to[length] = '\0';
}

}  // namespace wrackline::preload::vm_text
