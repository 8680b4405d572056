// Waiting without pthread: usable between any two threads, whatever the program does to its C
// library.
#pragma once

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <ctime>

namespace wrackline::preload {

static_assert(sizeof(std::atomic<std::uint32_t>) == 4);

// Sleeps while `*word` is `expected`, until a wake or `until_ns` (CLOCK_MONOTONIC; 0: for ever).
// May return early.
inline void FutexWait(std::atomic<std::uint32_t>* word, std::uint32_t expected,
                      std::uint64_t until_ns) {
  timespec until{static_cast<time_t>(until_ns / 1'000'000'000),
                 static_cast<long>(until_ns % 1'000'000'000)};
  syscall(SYS_futex, word, FUTEX_WAIT_BITSET | FUTEX_PRIVATE_FLAG, expected,
          until_ns == 0 ? nullptr : &until, nullptr, FUTEX_BITSET_MATCH_ANY);
}

inline void FutexWake(std::atomic<std::uint32_t>* word) {
  syscall(SYS_futex, word, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, INT32_MAX, nullptr, nullptr, 0);
}

}  // namespace wrackline::preload
