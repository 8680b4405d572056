// Whether a call comes from wrackline itself, whose memory and threads are not the program's.
#pragma once

#include <cstdint>

// Made by the linker: where this library lies.
extern "C" {
extern const char __ehdr_start[] __attribute__((visibility("hidden")));
extern const char _end[] __attribute__((visibility("hidden")));
}

namespace wrackline::preload {

inline bool IsOwnCode(const void* caller) {
  const auto pc = reinterpret_cast<std::uintptr_t>(caller);
  return pc >= reinterpret_cast<std::uintptr_t>(__ehdr_start) &&
         pc < reinterpret_cast<std::uintptr_t>(_end);
}

}  // namespace wrackline::preload
