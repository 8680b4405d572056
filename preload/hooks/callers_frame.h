// What the stack pointer and rbp were to a hook's caller: where the walk of a sample begins (Caller).
//
//   WRACKLINE_STACK, CallersRbp()      in a function that the program has called, or jumped to
//
// Such functions keep no frame, use rbp for nothing (preload/CMakeLists.txt says so to the compiler) and call nothing before they
// ask. Without optimization the walk starts from inside.
#pragma once

#include <cstdint>

#if defined(__OPTIMIZE__) && defined(__x86_64__)
#define WRACKLINE_STACK static_cast<const void*>(__builtin_dwarf_cfa())
#else
#define WRACKLINE_STACK static_cast<const void*>(nullptr)
#endif

namespace wrackline::preload {

// Whether the compiler has been kept from using rbp also where a function saves registers: clang has no such option.
#if defined(__clang__)
constexpr bool kRbpIsLeft = false;
#else
constexpr bool kRbpIsLeft = true;
#endif

[[gnu::always_inline]] inline std::uint64_t CallersRbp() {
#if defined(__OPTIMIZE__) && defined(__x86_64__)
  std::uint64_t rbp;
  asm volatile("mov %%rbp, %0" : "=r"(rbp));
  return rbp;
#else
  return 0;
#endif
}

}  // namespace wrackline::preload
