// What allocator_target.cc holds, for it and for those who look at it.
#pragma once

#include <cstddef>

namespace wrackline::test {

inline constexpr int kCount = 40'000, kFreed = 30'000, kThreads = 12;
inline constexpr std::size_t kBlock = 1000, kLarge = 8 << 20;
inline constexpr int kHears = 100, kSays = 101;  // descriptors

}  // namespace wrackline::test
