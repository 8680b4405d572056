// What the stack pointer and rbp were to a hook's caller: where the walk of a sample begins (Caller).
//
//   WRACKLINE_STACK, CallersRbp()      in a function that the program has called, or jumped to
//
// Such functions keep no frame (preload/CMakeLists.txt), leave rbp alone (a test looks) and call nothing before they ask. Without
// optimization the walk starts from inside.
#pragma once

#include <cstdint>

#if defined(__OPTIMIZE__) && defined(__x86_64__)
#define WRACKLINE_STACK static_cast<const void*>(__builtin_dwarf_cfa())
#else
#define WRACKLINE_STACK static_cast<const void*>(nullptr)
#endif

namespace wrackline::preload {

// Whether rbp is left alone also by a function that keeps something in a register over a call: tried with g++ only.
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
