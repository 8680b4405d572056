#include "lib/symbols/line_reader.h"

#include <cstring>

namespace wrackline::symbols {

bool SectionData::Read(std::uint64_t at, void* out, std::size_t length) const {
  if (at > size || length > size - at) return false;
  if (file != nullptr) return file->ReadAt(offset + at, out, length);
  if (length > 0) std::memcpy(out, bytes + at, length);
  return true;
}

void SectionReader::Seek(std::uint64_t at, std::uint64_t end) {
  ok_ = true;
  end_ = end < data_.size ? end : data_.size;
  if (at > end_) at = end_;
  if (at < base_ || at - base_ > filled_) {
    base_ = at;
    filled_ = 0;
  }
  next_ = static_cast<std::size_t>(at - base_);
  stop_ = end_ - base_ < filled_ ? static_cast<std::size_t>(end_ - base_) : filled_;
}

bool SectionReader::Refill() {
  const std::uint64_t at = base_ + next_;
  if (!ok_ || at >= end_) return false;
  // The whole buffer, not just the window: the next window mostly begins where this one ends.
  const std::uint64_t left = data_.size - at;
  const std::size_t count = left < capacity_ ? static_cast<std::size_t>(left) : capacity_;
  base_ = at;
  next_ = 0;
  if (!data_.Read(at, buffer_, count)) {
    filled_ = 0;
    Fail();
    return false;
  }
  bytes_read_ += count;
  filled_ = count;
  stop_ = end_ - base_ < filled_ ? static_cast<std::size_t>(end_ - base_) : filled_;
  return true;
}

std::uint64_t SectionReader::Fixed(std::size_t size) {
  std::uint8_t bytes[8] = {};
  for (std::size_t i = 0; i < size; ++i) bytes[i] = U8();
  if (!ok_) return 0;
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
  std::uint64_t value = 0;
  std::memcpy(&value, bytes, sizeof(value));
  return value;
#else
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < size; ++i) value = value << 8 | bytes[i];
  return value;
#endif
}

std::uint64_t SectionReader::Uleb() {
  std::uint64_t value = 0;
  for (unsigned shift = 0;; shift += 7) {
    const std::uint8_t byte = U8();
    if (shift < 64) value |= static_cast<std::uint64_t>(byte & 0x7f) << shift;
    if ((byte & 0x80) == 0) return value;  // also when it failed
  }
}

std::int64_t SectionReader::Sleb() {
  std::uint64_t value = 0;
  for (unsigned shift = 0;;) {
    const std::uint8_t byte = U8();
    if (shift < 64) value |= static_cast<std::uint64_t>(byte & 0x7f) << shift;
    shift += 7;
    if ((byte & 0x80) != 0) continue;
    if (shift < 64 && (byte & 0x40) != 0) value |= ~std::uint64_t{0} << shift;
    return static_cast<std::int64_t>(value);
  }
}

void SectionReader::Skip(std::uint64_t count) {
  if (!ok_) return;
  if (count > end_ - at()) {
    Fail();
    return;
  }
  Seek(at() + count, end_);
}

std::uint64_t SectionReader::SkipString() {
  std::uint64_t length = 0;
  while (More()) {
    const void* const end = std::memchr(buffer_ + next_, '\0', stop_ - next_);
    if (end != nullptr) {
      const auto place = static_cast<std::size_t>(static_cast<const std::uint8_t*>(end) - buffer_);
      length += place - next_;
      next_ = place + 1;
      return length;
    }
    length += stop_ - next_;
    next_ = stop_;
  }
  Fail();
  return 0;
}

}  // namespace wrackline::symbols
