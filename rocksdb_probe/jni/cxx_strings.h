// std::string of both kinds, read, given and taken, without either's header.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "rocksdb_probe/jni/image.h"

namespace wrackline::rocksdb_jni {

// Characters of a string that lives; not ended by a NUL.
struct StringView {
  const char* data = nullptr;
  std::size_t size = 0;
};

// Copies `text`, cut where it does not fit, always NUL-ended.
void CopyText(StringView text, char* to, std::size_t size);

// The characters of `string`, a std::string that lives; empty where it is unreadable or its length
// is absurd (beyond 64 MiB).
StringView ViewOf(StringAbi abi, const void* string);

// A std::string to be read: its object is at address(), for its own lifetime. At most 63 characters.
// Nobody copies it by counting: its count says that it must not be shared.
class InputString {
 public:
  InputString(StringAbi abi, const char* text);
  InputString(const InputString&) = delete;
  InputString& operator=(const InputString&) = delete;
  const void* address() const { return &object_; }

 private:
  // libstdc++'s layouts: old, the object is a pointer behind {length, capacity, count}; new, it is
  // {pointer, length, capacity}.
  struct Counted {
    std::size_t length;
    std::size_t capacity;
    std::int32_t references;  // -1: not to be shared
    std::int32_t padding;
    char text[64];
  };
  static_assert(offsetof(Counted, text) == 24);
  Counted counted_{};
  struct {
    const char* data;
    std::size_t length;
    std::size_t capacity;
    std::size_t rest;
  } object_{};
};

// libstdc++'s own functions for a string, as the library would call them.
struct StringFunctions {
  void (*construct)(void* string) = nullptr;
  void (*destroy)(void* string) = nullptr;
  bool Find(const Image& image);
};

// A std::string for RocksDB to write into.
class OutputString {
 public:
  OutputString(StringAbi abi, const StringFunctions& functions) : abi_(abi), functions_(functions) {
    functions_.construct(storage_);
  }
  ~OutputString() { functions_.destroy(storage_); }
  OutputString(const OutputString&) = delete;
  OutputString& operator=(const OutputString&) = delete;
  void* address() { return storage_; }
  StringView view() const { return ViewOf(abi_, storage_); }

 private:
  StringAbi abi_;
  const StringFunctions& functions_;
  alignas(8) unsigned char storage_[32] = {};
};

}  // namespace wrackline::rocksdb_jni
