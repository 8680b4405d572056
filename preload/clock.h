// The three clocks the recorder thread reads, in nanoseconds.
#pragma once

#include <ctime>

#include <cstdint>

namespace wrackline::preload {

inline std::uint64_t ReadClock(clockid_t clock) {
  timespec now{};
  clock_gettime(clock, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000u +
         static_cast<std::uint64_t>(now.tv_nsec);
}
inline std::uint64_t MonotonicNs() { return ReadClock(CLOCK_MONOTONIC); }
inline std::uint64_t RealtimeNs() { return ReadClock(CLOCK_REALTIME); }
// CPU time of the calling thread.
inline std::uint64_t ThreadCpuNs() { return ReadClock(CLOCK_THREAD_CPUTIME_ID); }

inline constexpr std::uint64_t kMillisecond = 1'000'000;
inline constexpr std::uint64_t kSecond = 1'000'000'000;

}  // namespace wrackline::preload
