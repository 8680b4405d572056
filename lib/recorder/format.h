// The on-disk layout of a recorder file (.wrack). docs/recorder-format.md explains it with a worked
// hexdump.
//
//   offset 0      FileHeader, in a page of its own (kHeaderBytes)
//   kHeaderBytes  segment 0: SegmentHeader, then frames
//   + segment     segment 1: the same
//
// One segment is active: the valid one with the higher generation. Frames are appended to it. When
// it fills, the whole state is written to the other segment as frames (the snapshot), while new
// frames go to both; then that segment's header is written, which makes it the active one. At every
// instant one segment is whole.
//
// A frame is FrameHeader, then `length` bytes: one serialized wrackline.proto.Record, then zero
// bytes up to a multiple of 8. `sequence` grows by one from frame to frame inside a segment and
// starts at SegmentHeader.first_sequence, so that what an earlier use of the segment left behind is
// never read as new.
//
// All integers little-endian.
#pragma once

#include <cstddef>
#include <cstdint>

namespace wrackline::recorder {

inline constexpr char kFileMagic[8] = {'W', 'R', 'A', 'C', 'K', 'L', 'N', '\n'};
inline constexpr char kSegmentMagic[8] = {'W', 'R', 'A', 'C', 'K', 'S', 'E', 'G'};
inline constexpr std::uint32_t kFormatVersion = 1;
inline constexpr std::size_t kHeaderBytes = 4096;
inline constexpr std::uint64_t kMinFileBytes = 1 << 20;
inline constexpr std::uint64_t kDefaultFileBytes = 64 << 20;
inline constexpr std::uint32_t kMaxRecordBytes = 1 << 20;
inline constexpr std::uint64_t kMaxFileBytes = std::uint64_t{4} << 30;

struct FileHeader {
  char magic[8];
  std::uint32_t version;
  std::uint32_t header_bytes;     // kHeaderBytes
  std::uint64_t file_bytes;       // preallocated size of the file
  std::uint64_t segment_bytes;    // of each of the two segments, its header included
  std::uint64_t created_time_ns;  // CLOCK_REALTIME
  std::uint32_t pid;
  std::uint32_t crc32c;  // of the bytes before it
};
static_assert(sizeof(FileHeader) == 48);
static_assert(offsetof(FileHeader, crc32c) == 44);

struct SegmentHeader {
  char magic[8];
  std::uint64_t generation;         // 1, 2, 3, ...: the higher one is active
  std::uint64_t first_sequence;     // of the frame right behind this header
  std::uint64_t committed_time_ns;  // CLOCK_REALTIME
  std::uint32_t reserved;           // 0
  std::uint32_t crc32c;             // of the bytes before it
};
static_assert(sizeof(SegmentHeader) == 40);
static_assert(offsetof(SegmentHeader, crc32c) == 36);

struct FrameHeader {
  std::uint32_t length;  // of the Record; 1 to kMaxRecordBytes
  std::uint32_t crc32c;  // of sequence and the Record
  std::uint64_t sequence;
};
static_assert(sizeof(FrameHeader) == 16);

}  // namespace wrackline::recorder
