// Reading memory that may not be there: the kernel copies it, and says so where it cannot.
#pragma once

#include <cstddef>
#include <cstdint>

namespace wrackline::rocksdb_jni {

// False: not all of it is readable. errno is kept.
bool GuardedRead(const void* from, void* to, std::size_t bytes);

// The word at `from`; 0: unreadable, or no address of a word.
inline std::uintptr_t GuardedWord(const void* from) {
  std::uintptr_t word = 0;
  if (from == nullptr || reinterpret_cast<std::uintptr_t>(from) % sizeof word != 0) return 0;
  return GuardedRead(from, &word, sizeof word) ? word : 0;
}

}  // namespace wrackline::rocksdb_jni
