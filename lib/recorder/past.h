// A recorder file as it stood at an earlier moment.
//
//   Result<Past> past = ReadPast(path, time_ns);
//   if (past.ok() && past.value().state_known) ... past.value().recording.live_objects
//
// State records carry absolute values and stand in the order of time, so those up to a moment give the state at it: also what has been freed
// since. How far back that goes is the file's: a snapshot begins it anew, and what was before is gone but for the history.
#pragma once

#include <cstdint>
#include <string>

#include "lib/base/result.h"
#include "lib/recorder/reader.h"

namespace wrackline::recorder {

struct Past {
  // Of the records up to the moment. Names, modules and threads are those of the whole file: they were written when there was time.
  Recording recording;
  // False: the moment is before the file's snapshot was complete, or it cannot be told; stacks, live objects and mappings are then not all there.
  bool state_known = false;
};

// Errors as in ReadRecording. `time_ns`: CLOCK_REALTIME.
Result<Past> ReadPast(const std::string& path, std::uint64_t time_ns);

}  // namespace wrackline::recorder
