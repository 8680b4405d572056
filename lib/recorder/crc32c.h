// CRC-32C (Castagnoli, polynomial 0x1EDC6F41), the checksum of RFC 3720 section 12.1 and of
// LevelDB. Uses SSE4.2 where the processor has it. Never allocates; any thread.
#pragma once

#include <cstddef>
#include <cstdint>

namespace wrackline::recorder {

// The CRC of `data`, continuing from `crc` (0 to begin): Crc32c(Crc32c(0, a), b) is the CRC of a
// then b.
std::uint32_t Crc32c(std::uint32_t crc, const void* data, std::size_t length);

namespace internal {

// For tests: the two ways must agree.
bool HasCrc32cInstruction();
std::uint32_t Crc32cPortable(std::uint32_t crc, const void* data, std::size_t length);

}  // namespace internal
}  // namespace wrackline::recorder
