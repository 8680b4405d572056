// Live samples -> groups of threads. Whose thread allocated an object is not always who uses it: the
// table says who asked for the memory.
#pragma once

#include <cstdint>
#include <vector>

#include "analyzer/evidence/evidence.h"
#include "lib/recorder/reader.h"

namespace wrackline::evidence {

// The thread that had this id at that moment: the newest that began no later, else the first of the
// id; null: none is recorded.
const proto::Thread* ThreadAt(const recorder::Recording& recording, std::uint32_t thread_id,
                              std::uint64_t time_ms);

// Largest first. Empty when the recording has no threads (older recordings) or no live sample.
// `sites`: those of the same recording.
std::vector<ThreadGroup> ThreadGroupsFromRecording(const recorder::Recording& recording,
                                                   const std::vector<Site>& sites);

}  // namespace wrackline::evidence
