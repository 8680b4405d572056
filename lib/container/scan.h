// Scanning of small text files: the kernel's in lib/container, the VM's in preload/jvm; no interface for others.
//
// Header-only, because it runs in the profiled process: no allocation, no locale (so no strtoull,
// no sscanf), no exceptions. Every function takes the bounds of its text and reads nothing outside
// of them.
#pragma once

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>

namespace wrackline::container::scan {

// A piece of text that belongs to somebody else.
struct Span {
  const char* data = nullptr;
  std::size_t size = 0;

  bool Is(const char* text) const {
    const std::size_t length = std::strlen(text);
    return size == length && std::memcmp(data, text, length) == 0;
  }
  bool StartsWith(const char* text) const {
    const std::size_t length = std::strlen(text);
    return size >= length && std::memcmp(data, text, length) == 0;
  }
  bool EndsWith(const char* text) const {
    const std::size_t length = std::strlen(text);
    return size >= length && std::memcmp(data + size - length, text, length) == 0;
  }
  void Skip(std::size_t count) {
    data += count;
    size -= count;
  }
};

inline bool IsBlank(char c) { return c == ' ' || c == '\t'; }

inline void SkipBlanks(Span* text) {
  while (text->size > 0 && IsBlank(*text->data)) text->Skip(1);
}

// Takes what precedes the next `separator`, and the separator; all of it when there is none.
inline Span TakeUntil(Span* text, char separator) {
  const void* found = text->size > 0 ? std::memchr(text->data, separator, text->size) : nullptr;
  if (found == nullptr) {
    const Span all = *text;
    text->Skip(text->size);
    return all;
  }
  const Span taken{text->data,
                   static_cast<std::size_t>(static_cast<const char*>(found) - text->data)};
  text->Skip(taken.size + 1);
  return taken;
}

// The next word between blanks; empty at the end.
inline Span TakeWord(Span* text) {
  SkipBlanks(text);
  Span word{text->data, 0};
  while (text->size > 0 && !IsBlank(*text->data)) {
    ++word.size;
    text->Skip(1);
  }
  return word;
}

// Takes a complete line and its newline. False at the end, and for a last line that has no newline:
// such a line is torn, and half a number is worse than none.
inline bool TakeLine(Span* text, Span* line) {
  if (text->size == 0 || std::memchr(text->data, '\n', text->size) == nullptr) return false;
  *line = TakeUntil(text, '\n');
  return true;
}

// Takes decimal digits. Empty, with nothing taken, when there is no digit or the number does not
// fit 64 bits.
inline std::optional<std::uint64_t> TakeDecimal(Span* text) {
  std::size_t length = 0;
  std::uint64_t value = 0;
  while (length < text->size && text->data[length] >= '0' && text->data[length] <= '9') {
    if (__builtin_mul_overflow(value, std::uint64_t{10}, &value)) return std::nullopt;
    const auto digit = static_cast<std::uint64_t>(text->data[length] - '0');
    if (__builtin_add_overflow(value, digit, &value)) return std::nullopt;
    ++length;
  }
  if (length == 0) return std::nullopt;
  text->Skip(length);
  return value;
}

// The same for hexadecimal digits.
inline std::optional<std::uint64_t> TakeHex(Span* text) {
  std::size_t length = 0;
  std::uint64_t value = 0;
  for (; length < text->size; ++length) {
    const char c = text->data[length];
    std::uint64_t digit = 0;
    if (c >= '0' && c <= '9') {
      digit = static_cast<std::uint64_t>(c - '0');
    } else if (c >= 'a' && c <= 'f') {
      digit = static_cast<std::uint64_t>(c - 'a') + 10;
    } else if (c >= 'A' && c <= 'F') {
      digit = static_cast<std::uint64_t>(c - 'A') + 10;
    } else {
      break;
    }
    if (value >> 60 != 0) return std::nullopt;
    value = value << 4 | digit;
  }
  if (length == 0) return std::nullopt;
  text->Skip(length);
  return value;
}

// A whole text that is one decimal number; blanks and newlines around it do not matter.
inline std::optional<std::uint64_t> WholeDecimal(Span text) {
  SkipBlanks(&text);
  const auto value = TakeDecimal(&text);
  while (text.size > 0 && (IsBlank(*text.data) || *text.data == '\n')) text.Skip(1);
  return text.size == 0 ? value : std::nullopt;
}

inline int OpenForReading(int folder, const char* path) {
  for (;;) {
    const int file = openat(folder, path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (file >= 0 || errno != EINTR) return file;
  }
}

// For openat() of the files in it; it cannot be read itself.
inline int OpenFolder(const char* path) {
  for (;;) {
    const int folder = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (folder >= 0 || errno != EINTR) return folder;
  }
}

// read() until `size` bytes are there, or the end, or an error (-1). A signal does not shorten it.
inline long ReadFully(int file, char* buffer, std::size_t size) {
  std::size_t length = 0;
  while (length < size) {
    const ssize_t count = read(file, buffer + length, size - length);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return -1;
    if (count == 0) break;
    length += static_cast<std::size_t>(count);
  }
  return static_cast<long>(length);
}

// `path` below the folder descriptor `folder` (or AT_FDCWD), NUL-ended. -1 on error.
inline long ReadFileAt(int folder, const char* path, char* buffer, std::size_t size) {
  if (size == 0) return -1;
  buffer[0] = '\0';
  const int file = OpenForReading(folder, path);
  if (file < 0) return -1;
  const long length = ReadFully(file, buffer, size - 1);
  close(file);
  if (length >= 0) buffer[length] = '\0';
  return length;
}

// Text put together in a fixed array. Once something did not fit, `ok` stays false: a cut path
// names another file.
template <std::size_t kSize>
struct FixedText {
  char text[kSize] = {};
  std::size_t length = 0;
  bool ok = true;

  void Clear() {
    length = 0;
    ok = true;
    text[0] = '\0';
  }
  void Add(Span piece) {
    if (!ok || piece.size >= kSize - length) {
      ok = false;
      return;
    }
    if (piece.size > 0) std::memcpy(text + length, piece.data, piece.size);
    length += piece.size;
    text[length] = '\0';
  }
  void Add(const char* piece) { Add(Span{piece, std::strlen(piece)}); }
  Span AsSpan() const { return {text, length}; }
};

// A pod's cgroup is at most a few levels above its container's; this only ends the walk up in a
// strange tree.
inline constexpr int kMaxParents = 32;

// "../../NAME", for the folder `level` levels up.
using RelativePath = FixedText<3 * kMaxParents + 32>;
inline RelativePath Above(int level, const char* name) {
  RelativePath path;
  for (int i = 0; i < level; ++i) path.Add("../");
  path.Add(name);
  return path;
}

// The lines of a file of any size through a buffer of fixed size. A line that does not fit is left
// out as a whole (in mountinfo an overlay mount with many layers; in /proc/stat the interrupt
// counters).
class LineReader {
 public:
  explicit LineReader(const char* path) : file_(OpenForReading(AT_FDCWD, path)) {}
  LineReader(const LineReader&) = delete;
  LineReader& operator=(const LineReader&) = delete;
  ~LineReader() {
    if (file_ >= 0) close(file_);
  }

  // False: the file could not be opened.
  bool ok() const { return file_ >= 0; }

  // Valid until the next call. A last line without a newline counts.
  bool Next(Span* line) {
    while (file_ >= 0) {
      Span rest{buffer_ + start_, end_ - start_};
      const bool complete = rest.size > 0 && std::memchr(rest.data, '\n', rest.size) != nullptr;
      if (complete || (at_end_ && rest.size > 0)) {
        const Span taken = TakeUntil(&rest, '\n');
        start_ = end_ - rest.size;
        const bool skip = skipping_;
        skipping_ = false;
        if (skip) continue;
        *line = taken;
        return true;
      }
      if (at_end_ || !Fill()) return false;
    }
    return false;
  }

 private:
  // Makes room and reads more. False on a read error.
  bool Fill() {
    if (start_ > 0) {
      std::memmove(buffer_, buffer_ + start_, end_ - start_);
      end_ -= start_;
      start_ = 0;
    }
    if (end_ == sizeof(buffer_)) {
      skipping_ = true;
      end_ = 0;
    }
    const long count = ReadFully(file_, buffer_ + end_, sizeof(buffer_) - end_);
    if (count < 0) return false;
    at_end_ = static_cast<std::size_t>(count) < sizeof(buffer_) - end_;
    end_ += static_cast<std::size_t>(count);
    return true;
  }

  int file_;
  bool at_end_ = false;
  bool skipping_ = false;
  std::size_t start_ = 0;
  std::size_t end_ = 0;
  char buffer_[2048];  // a line of /proc/PID/cgroup has at most Cgroup::path and a few words
};

}  // namespace wrackline::container::scan
