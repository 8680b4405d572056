// Finds the frames of a recorder file in memory: headers, the active segment, damage. Knows nothing
// of what records say. Used by the reader, by packing and by AppendRecord; docs/recorder-format.md
// gives the rules in prose.
//
// Every length is checked against the bytes given; nothing is allocated but messages. Any thread.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "lib/base/result.h"
#include "lib/recorder/format.h"

namespace wrackline::recorder {

struct Frame {
  std::uint64_t offset = 0;  // of its FrameHeader in the file
  std::uint64_t sequence = 0;
  std::string_view record;
};

struct FrameScan {
  std::uint32_t version = 0;
  SegmentHeader segment{};  // the active one
  std::uint64_t segment_offset = 0;
  std::uint64_t segment_end = 0;  // one past its last byte, also where the file was cut before it
  std::uint64_t end = 0;          // where the next frame would stand
  std::uint64_t next_sequence = 0;
  // Empty, or one line: where records are missing or headers are broken, and how many records were
  // lost.
  std::string damage;
};

// Calls `visit` with each valid frame of the active segment in file order. Errors as in
// ReadRecording.
Result<FrameScan> ScanFrames(std::string_view bytes, const std::string& name,
                             const std::function<void(const Frame&)>& visit);

// Appends a sentence to a damage line.
void AddDamage(std::string& damage, const std::string& sentence);

}  // namespace wrackline::recorder
