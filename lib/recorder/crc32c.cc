#include "lib/recorder/crc32c.h"

#include <array>
#include <atomic>
#include <cstring>

#if defined(__x86_64__)
#include <cpuid.h>
#include <nmmintrin.h>
#endif

namespace wrackline::recorder {
namespace {

// 0x1EDC6F41 with its bits reversed: the checksum is defined on bits that arrive lowest first.
constexpr std::uint32_t kReversedPolynomial = 0x82F63B78;

// kTables[0] advances the checksum by one byte; kTables[n] by that byte followed by n zero bytes,
// so that eight look-ups advance it by eight bytes ("slicing by 8", Kounavis and Berry 2005).
using Tables = std::array<std::array<std::uint32_t, 256>, 8>;

constexpr Tables MakeTables() {
  Tables tables{};
  for (std::uint32_t byte = 0; byte < 256; ++byte) {
    std::uint32_t crc = byte;
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) != 0 ? kReversedPolynomial : 0);
    tables[0][byte] = crc;
  }
  for (std::size_t n = 1; n < tables.size(); ++n) {
    for (std::size_t byte = 0; byte < 256; ++byte) {
      const std::uint32_t before = tables[n - 1][byte];
      tables[n][byte] = (before >> 8) ^ tables[0][before & 0xff];
    }
  }
  return tables;
}

constexpr Tables kTables = MakeTables();

#if defined(__x86_64__)

bool AskProcessor() {
  unsigned a = 0;
  unsigned b = 0;
  unsigned c = 0;
  unsigned d = 0;
  return __get_cpuid(1, &a, &b, &c, &d) != 0 && (c & bit_SSE4_2) != 0;
}

__attribute__((target("sse4.2"))) std::uint32_t WithInstruction(std::uint32_t crc, const void* data,
                                                                std::size_t length) {
  const auto* byte = static_cast<const std::uint8_t*>(data);
  std::uint64_t state = crc ^ 0xffffffffU;
  for (; length >= 8; length -= 8, byte += 8) {
    std::uint64_t word;
    std::memcpy(&word, byte, sizeof word);
    state = _mm_crc32_u64(state, word);
  }
  auto state32 = static_cast<std::uint32_t>(state);
  for (; length > 0; --length, ++byte) state32 = _mm_crc32_u8(state32, *byte);
  return state32 ^ 0xffffffffU;
}

#endif

}  // namespace

namespace internal {

bool HasCrc32cInstruction() {
#if defined(__x86_64__)
  // Constant-initialised and idempotent, so that the first call may come from any thread at any
  // time.
  enum : int { kUnknown, kAbsent, kPresent };
  static std::atomic<int> known{kUnknown};
  int answer = known.load(std::memory_order_relaxed);
  if (answer == kUnknown) {
    answer = AskProcessor() ? kPresent : kAbsent;
    known.store(answer, std::memory_order_relaxed);
  }
  return answer == kPresent;
#else
  return false;
#endif
}

std::uint32_t Crc32cPortable(std::uint32_t crc, const void* data, std::size_t length) {
  const auto* byte = static_cast<const std::uint8_t*>(data);
  std::uint32_t state = crc ^ 0xffffffffU;
  for (; length >= 8; length -= 8, byte += 8) {
    // Byte by byte, so that the result does not depend on the machine's byte order.
    state ^= static_cast<std::uint32_t>(byte[0]) | static_cast<std::uint32_t>(byte[1]) << 8 |
             static_cast<std::uint32_t>(byte[2]) << 16 | static_cast<std::uint32_t>(byte[3]) << 24;
    state = kTables[7][state & 0xff] ^ kTables[6][(state >> 8) & 0xff] ^
            kTables[5][(state >> 16) & 0xff] ^ kTables[4][state >> 24] ^ kTables[3][byte[4]] ^
            kTables[2][byte[5]] ^ kTables[1][byte[6]] ^ kTables[0][byte[7]];
  }
  for (; length > 0; --length, ++byte) state = (state >> 8) ^ kTables[0][(state ^ *byte) & 0xff];
  return state ^ 0xffffffffU;
}

}  // namespace internal

std::uint32_t Crc32c(std::uint32_t crc, const void* data, std::size_t length) {
#if defined(__x86_64__)
  if (internal::HasCrc32cInstruction()) return WithInstruction(crc, data, length);
#endif
  return internal::Crc32cPortable(crc, data, length);
}

}  // namespace wrackline::recorder
