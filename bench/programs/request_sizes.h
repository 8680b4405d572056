// The sizes that the bench programs request: always the same ones, in the same order.
//
// Log-uniform between 16 and 4,176 bytes, which gives the mean of 739 bytes that the field's comparisons use: at an interval of 512 KiB
// one pair in 710 is sampled. Three quarters of them are small enough for glibc's per-thread cache (up to 1,032 bytes).
#pragma once

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>

namespace wrackline::bench {

constexpr std::size_t kRequestSizes = 4096;  // 8 KiB: stays in the first-level cache

inline std::array<std::uint16_t, kRequestSizes> RequestSizes() {
  std::array<std::uint16_t, kRequestSizes> sizes{};
  std::uint64_t random = 20240229;
  for (std::uint16_t& size : sizes) {
    random = random * 6364136223846793005u + 1442695040888963407u;
    const double uniform = static_cast<double>(random >> 11) * 0x1p-53;
    size = static_cast<std::uint16_t>(16.0 * std::exp(uniform * std::log(4176.0 / 16.0)));
  }
  return sizes;
}

}  // namespace wrackline::bench
