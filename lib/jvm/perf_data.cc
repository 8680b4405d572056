#include "lib/jvm/perf_data.h"

#include <cstring>

namespace wrackline::jvm {
namespace {

// Offsets in the prologue and in an entry, as perfMemory.hpp of the VM lays them out.
constexpr std::size_t kByteOrder = 4, kMajor = 5, kAccessible = 7, kUsed = 8, kEntryOffset = 24,
                      kPrologue = 32;
constexpr std::size_t kEntryLength = 0, kNameOffset = 4, kVectorLength = 8, kType = 12,
                      kDataOffset = 16, kEntryHeader = 20;
constexpr unsigned char kMagic[4] = {0xca, 0xfe, 0xc0, 0xc0};
constexpr bool kHostIsLittle = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__;

}  // namespace

template <typename T>
T PerfData::Read(std::size_t offset) const {
  T value;
  std::memcpy(&value, bytes_ + offset, sizeof(value));
  if (!swapped_) return value;
  if constexpr (sizeof(T) == 8) return static_cast<T>(__builtin_bswap64(value));
  return static_cast<T>(__builtin_bswap32(static_cast<std::uint32_t>(value)));
}

PerfData::PerfData(const void* bytes, std::size_t size)
    : bytes_(static_cast<const unsigned char*>(bytes)), size_(size) {
  if (size < kPrologue || std::memcmp(bytes_, kMagic, sizeof(kMagic)) != 0) return;
  if (bytes_[kByteOrder] > 1 || bytes_[kMajor] != 2 || bytes_[kAccessible] == 0) return;
  swapped_ = (bytes_[kByteOrder] == 1) != kHostIsLittle;
  const auto used = Read<std::uint32_t>(kUsed);
  if (used < size_) size_ = used;
  first_ = Read<std::uint32_t>(kEntryOffset);
  ok_ = first_ >= kPrologue && first_ <= size_;
}

bool PerfData::Next(std::size_t* at, Entry* entry) const {
  if (*at > size_ || size_ - *at < kEntryHeader) return false;
  const std::size_t length = Read<std::uint32_t>(*at + kEntryLength);
  if (length < kEntryHeader || length > size_ - *at) return false;
  const std::size_t name = Read<std::uint32_t>(*at + kNameOffset);
  entry->start = *at;
  entry->length = length;
  entry->vector_length = Read<std::uint32_t>(*at + kVectorLength);
  entry->type = static_cast<char>(bytes_[*at + kType]);
  entry->value_offset = Read<std::uint32_t>(*at + kDataOffset);
  if (name >= length) return false;
  entry->name = reinterpret_cast<const char*>(bytes_ + *at + name);
  entry->name_size = strnlen(entry->name, length - name);
  *at += length;
  return true;
}

bool PerfData::Find(const char* name, Entry* entry) const {
  if (!ok_) return false;
  const std::size_t size = std::strlen(name);
  for (std::size_t at = first_; Next(&at, entry);) {
    if (entry->name_size == size && std::memcmp(entry->name, name, size) == 0) return true;
  }
  return false;
}

std::optional<std::int64_t> PerfData::Number(const char* name) const {
  Entry entry;
  if (!Find(name, &entry) || entry.type != 'J' || entry.vector_length != 0) return std::nullopt;
  if (entry.value_offset > entry.length || entry.length - entry.value_offset < 8) {
    return std::nullopt;
  }
  return Read<std::int64_t>(entry.start + entry.value_offset);
}

std::optional<PerfText> PerfData::Text(const char* name) const {
  Entry entry;
  if (!Find(name, &entry) || entry.type != 'B' || entry.vector_length == 0) return std::nullopt;
  if (entry.value_offset > entry.length ||
      entry.length - entry.value_offset < entry.vector_length) {
    return std::nullopt;
  }
  const char* text = reinterpret_cast<const char*>(bytes_ + entry.start + entry.value_offset);
  return PerfText{text, strnlen(text, entry.vector_length)};
}

}  // namespace wrackline::jvm
