// Stacks and live samples -> sites, with the names that the recording has (no binaries are opened
// here: improve_names.h does that before).
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "analyzer/evidence/evidence.h"
#include "lib/recorder/reader.h"

namespace wrackline::evidence {

// The recorded time, in the milliseconds of LiveObject.time_ms; 0: not known.
std::int64_t RecordedMs(const recorder::Recording& recording);

// In which of kAgeParts equal parts of it an object was allocated. `end_ms` > 0.
std::size_t AgePart(std::uint64_t time_ms, std::int64_t end_ms);

// Largest first. Empty when the recording has no sampled stack. `window`: what counts as recent,
// before the last record.
std::vector<Site> SitesFromRecording(const recorder::Recording& recording, Duration window);

// True for frames that say how memory was allocated, not why: malloc and its kin, operator new,
// std:: containers.
bool IsPlumbing(const SiteFrame& frame);

}  // namespace wrackline::evidence
