// The hooks' code lies in a section of its own, so that the unwinder can tell their frames by
// address.
#pragma once

#include <cstdint>

#define WRACKLINE_HOOK_CODE __attribute__((section("wrackline_hooks")))

// Made by the linker for a section with such a name.
extern "C" {
extern const char __start_wrackline_hooks[] __attribute__((visibility("hidden"), weak));
extern const char __stop_wrackline_hooks[] __attribute__((visibility("hidden"), weak));
}

namespace wrackline::preload {

inline bool IsHookCode(const void* pc) {
  const auto address = reinterpret_cast<std::uintptr_t>(pc);
  return address > reinterpret_cast<std::uintptr_t>(__start_wrackline_hooks) &&
         address <= reinterpret_cast<std::uintptr_t>(__stop_wrackline_hooks);
}

}  // namespace wrackline::preload
