#include "preload/jvm/jni_names.h"

#include <cstring>

namespace wrackline::preload {
namespace {

struct Name {
  char* out;
  std::size_t room;  // without the NUL
  bool good = true;

  void Add(const char* text, std::size_t length) {
    if (!good || length > room) {
      good = false;
      return;
    }
    std::memcpy(out, text, length);
    out += length;
    room -= length;
    *out = '\0';
  }
  void AddEscaped(const char* text, std::size_t length) {
    for (std::size_t i = 0; i < length; ++i) {
      const char c = text[i];
      const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
      if (plain) {
        Add(&c, 1);
      } else if (c == '/') {
        Add("_", 1);
      } else if (c == '_') {
        Add("_1", 2);
      } else if (c == ';') {
        Add("_2", 2);
      } else if (c == '[') {
        Add("_3", 2);
      } else {
        good = false;
      }
    }
  }
};

}  // namespace

bool JniName(const char* class_signature, const char* method, const char* signature,
             bool overloaded, char* out, std::size_t size) {
  const std::size_t class_length = std::strlen(class_signature);
  const char* end = std::strchr(signature, ')');
  if (size == 0 || class_length < 3 || class_signature[0] != 'L' || signature[0] != '(' ||
      end == nullptr) {
    return false;
  }
  Name name{out, size - 1};
  name.Add("Java_", 5);
  name.AddEscaped(class_signature + 1, class_length - 2);
  name.Add("_", 1);
  name.AddEscaped(method, std::strlen(method));
  if (overloaded) {
    name.Add("__", 2);
    name.AddEscaped(signature + 1, static_cast<std::size_t>(end - signature - 1));
  }
  return name.good;
}

}  // namespace wrackline::preload
