#include "rocksdb_probe/jni/cxx_strings.h"

#include "rocksdb_probe/jni/guarded_read.h"

namespace wrackline::rocksdb_jni {

namespace {
constexpr std::size_t kLongest = std::size_t{64} << 20;
}

void CopyText(StringView text, char* to, std::size_t size) {
  const std::size_t length = text.size < size - 1 ? text.size : size - 1;
  if (length != 0) std::memcpy(to, text.data, length);
  to[length] = '\0';
}

StringView ViewOf(StringAbi abi, const void* string) {
  std::uintptr_t words[2] = {};
  if (string == nullptr) return {};
  if (abi == StringAbi::kNew) {
    if (!GuardedRead(string, words, sizeof words)) return {};
  } else {
    words[0] = GuardedWord(string);
    if (words[0] == 0) return {};
    words[1] = GuardedWord(reinterpret_cast<const void*>(words[0] - 24));
  }
  if (words[1] == 0 || words[1] > kLongest) return {};
  return {reinterpret_cast<const char*>(words[0]), words[1]};
}

InputString::InputString(StringAbi abi, const char* text) {
  const std::size_t length = strnlen(text, sizeof counted_.text - 1);
  counted_.length = counted_.capacity = length;
  counted_.references = -1;
  std::memcpy(counted_.text, text, length);
  object_.data = counted_.text;
  if (abi == StringAbi::kNew) object_.length = object_.capacity = length;
}

bool StringFunctions::Find(const Image& image) {
  construct = reinterpret_cast<void (*)(void*)>(
      image.Find({"_ZNSsC1Ev", "_ZNSt7__cxx1112basic_stringIcSt11char_traitsIcESaIcEEC1Ev"}));
  destroy = reinterpret_cast<void (*)(void*)>(
      image.Find({"_ZNSsD1Ev", "_ZNSt7__cxx1112basic_stringIcSt11char_traitsIcESaIcEED1Ev"}));
  return construct != nullptr && destroy != nullptr;
}

}  // namespace wrackline::rocksdb_jni
