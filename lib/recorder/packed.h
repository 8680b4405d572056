// The packed dump: a proto::Dump compressed with zstd. Reads it in a stream, record by record,
// within bounds.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "lib/base/result.h"
#include "lib/recorder/frame_scan.h"

namespace wrackline::recorder {

// A dump holds no more than this; one that would is not made.
inline constexpr std::uint64_t kMostUnpackedBytes = std::uint64_t{1} << 30;

struct PackedInfo {
  std::uint32_t format_version = 0;
  std::string damage;  // what the reader said of the source, and what is missing of the dump itself
};

// Begins with zstd's magic number.
bool IsPacked(std::string_view bytes);

// Calls `visit` for each record in order; offset is that in the decompressed dump, sequence counts
// from 1. Errors: not zstd, damaged, cut short, no Dump, or larger than its size allows (256 times
// the compressed size, at least 128 MiB, at most 1 GiB).
Result<PackedInfo> ScanPacked(std::string_view bytes, const std::string& name,
                              const std::function<void(const Frame&)>& visit);

}  // namespace wrackline::recorder
