// What exit hooks, wrackline_submit and the recorder thread agree on beside ProfileState. Static
// memory: it exists before StartRecording and after a fork; a child is told by `pid`.
#pragma once

#include <atomic>
#include <cstdint>

namespace wrackline::preload {

struct RecordingControl {
  std::atomic<std::int32_t> pid;          // of the process that records; 0: none
  std::atomic<std::uint32_t> stop;        // futex: 1 once StopRecording asked
  std::atomic<std::uint32_t> stopped;     // futex: 1 once the file is finished
  std::atomic<std::int32_t> exit_status;  // valid with status_known
  std::atomic<std::uint32_t> status_known;
  std::atomic<std::uint32_t> no_file;  // 1 while no output file can be made
  std::atomic<std::uint64_t> forks;
  // Of the time that the shim may take at the process's end: what the VM's end took already.
  std::atomic<std::uint64_t> exit_wait_ns;
};
inline constinit RecordingControl g_control{};

}  // namespace wrackline::preload
