// Options of the bench programs: "--name value" and "--name" (a flag). Anything else ends the program with status 2.
#pragma once

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace wrackline::bench {

class Arguments {
 public:
  Arguments(int count, char** values) : count_(count), values_(values) {}

  // The value behind --name as a number with an optional k, m or g (binary units).
  std::uint64_t Number(const char* name, std::uint64_t otherwise) {
    const char* text = Text(name, nullptr);
    if (text == nullptr) return otherwise;
    char* end = nullptr;
    std::uint64_t number = std::strtoull(text, &end, 10);
    if (*end == 'k') number <<= 10, ++end;
    if (*end == 'm') number <<= 20, ++end;
    if (*end == 'g') number <<= 30, ++end;
    if (end == text || *end != '\0') Fail(name, "is not a number: ", text);
    return number;
  }

  const char* Text(const char* name, const char* otherwise) {
    const int at = Find(name);
    if (at == 0) return otherwise;
    if (at + 1 >= count_) Fail(name, "needs a value", "");
    used_ += 2;
    return values_[at + 1];
  }

  bool Flag(const char* name) {
    if (Find(name) == 0) return false;
    ++used_;
    return true;
  }

  // To be called when every option has been asked for: a misspelt one must not go unnoticed.
  void Done() const {
    if (used_ != count_) Fail("arguments", "hold something this program does not know", "");
  }

 private:
  int Find(const char* name) const {
    for (int i = 1; i < count_; ++i) {
      if (std::strcmp(values_[i], name) == 0) return i;
    }
    return 0;
  }

  [[noreturn]] void Fail(const char* name, const char* what, const char* text) const {
    std::fprintf(stderr, "%s: %s %s%s\n", values_[0], name, what, text);
    std::exit(2);
  }

  int count_;
  char** values_;
  int used_ = 1;
};

}  // namespace wrackline::bench
