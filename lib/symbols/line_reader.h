// Reading the bytes of DWARF sections in pieces: from a file through a buffer that the caller lends,
// or from memory. Used by line_table.cc; no allocation. Every read stays inside of its window, and
// one that cannot be done makes all later ones fail.
#pragma once

#include <cstddef>
#include <cstdint>

#include "lib/symbols/elf.h"

namespace wrackline::symbols {

// A section's content: a range of a file, or bytes in memory. The empty one has size 0.
struct SectionData {
  const ElfFile* file = nullptr;
  std::uint64_t offset = 0;  // in the file
  const std::uint8_t* bytes = nullptr;
  std::uint64_t size = 0;

  // False when `length` bytes from `at` are not all there.
  bool Read(std::uint64_t at, void* out, std::size_t length) const;
};

class SectionReader {
 public:
  SectionReader(const SectionData& data, std::uint8_t* buffer, std::size_t capacity)
      : data_(data), buffer_(buffer), capacity_(capacity) {}

  // The window from `at` to `end` of the section; clears an earlier failure.
  void Seek(std::uint64_t at, std::uint64_t end);
  std::uint64_t at() const { return base_ + next_; }
  bool ok() const { return ok_; }
  // False when the window is used up, or something failed.
  bool More() { return next_ < stop_ || Refill(); }
  std::uint64_t bytes_read() const { return bytes_read_; }

  // 0 when it fails.
  std::uint8_t U8() {
    if (next_ == stop_ && !Refill()) return Fail();
    return buffer_[next_++];
  }
  // An integer of `size` bytes, 1 to 8, in this machine's byte order.
  std::uint64_t Fixed(std::size_t size);
  std::uint64_t Uleb();
  std::int64_t Sleb();
  void Skip(std::uint64_t count);
  // Past a NUL-ended string; returns its length.
  std::uint64_t SkipString();

 private:
  bool Refill();
  std::uint8_t Fail() {
    ok_ = false;
    next_ = stop_ = 0;
    end_ = base_;
    return 0;
  }

  const SectionData& data_;
  std::uint8_t* const buffer_;
  const std::size_t capacity_;
  std::uint64_t base_ = 0;  // section offset of buffer_[0]
  std::size_t filled_ = 0;  // bytes of the section in the buffer
  std::size_t next_ = 0;    // in the buffer
  std::size_t stop_ = 0;    // in the buffer: the end of it or of the window
  std::uint64_t end_ = 0;   // of the window
  std::uint64_t bytes_read_ = 0;
  bool ok_ = true;
};

}  // namespace wrackline::symbols
