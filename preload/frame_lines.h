// Source lines for named frames: what the recorder thread hands to the assistant after the names.
//
// A line table is read from end to end for all addresses of one object together, a slice at a time:
// between two slices the assistant does what is more urgent, and the recorder thread keeps the work
// below one part in a hundred of a core. A name never waits for a line.
#pragma once

#include <cstddef>
#include <cstdint>

#include "lib/symbols/debug_file.h"
#include "lib/symbols/line_table.h"
#include "preload/modules.h"

namespace wrackline::preload {

struct LineJob {
  static constexpr std::uint32_t kMaxAddresses = 2048;
  static constexpr std::size_t kPathBytes = 1 << 18;
  // About 4 ms of processor time.
  static constexpr std::uint64_t kSliceBytes = 1 << 20;

  ModuleInfo module;
  std::uint32_t count;
  std::uint32_t entries[kMaxAddresses];       // of FrameNames, one for each query
  symbols::LineQuery queries[kMaxAddresses];  // sorted by address
  std::uint64_t at;                           // in the table
  bool done;                                  // out: queries are answered
  std::size_t paths_used;
  bool paths_full;
  char paths[kPathBytes];
  symbols::CheckedFile checked;  // kept from one job to the next
};

// Does one slice of the job. A file that is not the loaded one any more ends it.
void ResolveLines(LineJob* job);

}  // namespace wrackline::preload
