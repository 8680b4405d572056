// Text without allocation or stdio: what the recorder thread needs for paths, file names and one
// line on stderr.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace wrackline::preload {

// A NUL-ended string of at most kSize - 1 bytes. What does not fit is cut, and `cut()` says so.
template <std::size_t kSize>
class Text {
 public:
  Text& Append(const char* text) { return Append(text, std::strlen(text)); }
  Text& Append(const char* text, std::size_t length) {
    if (length > kSize - 1 - used_) {
      length = kSize - 1 - used_;
      cut_ = true;
    }
    std::memcpy(bytes_ + used_, text, length);
    used_ += length;
    bytes_[used_] = '\0';
    return *this;
  }
  Text& AppendNumber(std::uint64_t number) {
    char digits[20];
    std::size_t at = sizeof(digits);
    do {
      digits[--at] = static_cast<char>('0' + number % 10);
      number /= 10;
    } while (number != 0);
    return Append(digits + at, sizeof(digits) - at);
  }
  void Clear() {
    used_ = 0;
    cut_ = false;
    bytes_[0] = '\0';
  }

  const char* c_str() const { return bytes_; }
  std::size_t size() const { return used_; }
  bool cut() const { return cut_; }

 private:
  char bytes_[kSize] = {};
  std::size_t used_ = 0;
  bool cut_ = false;
};

// Copies `source` into `destination` of `size` bytes, cut where it does not fit, always NUL-ended.
inline void CopyText(char* destination, std::size_t size, const char* source) {
  const std::size_t length = strnlen(source, size - 1);
  std::memcpy(destination, source, length);
  destination[length] = '\0';
}

// Reads decimal digits at `*text` and moves it behind them. False: no digit, or more than 2^64 - 1.
inline bool TakeNumber(const char** text, std::uint64_t* number) {
  const char* at = *text;
  std::uint64_t value = 0;
  if (*at < '0' || *at > '9') return false;
  for (; *at >= '0' && *at <= '9'; ++at) {
    if (__builtin_mul_overflow(value, std::uint64_t{10}, &value) ||
        __builtin_add_overflow(value, static_cast<std::uint64_t>(*at - '0'), &value)) {
      return false;
    }
  }
  *text = at;
  *number = value;
  return true;
}

// One line on stderr, in one write: "wrackline: <text>\n". Never on stdout, which belongs to the
// program. errno is kept.
void Say(const char* text);

}  // namespace wrackline::preload
