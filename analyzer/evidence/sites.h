// Stacks and live samples -> sites, with the names that the recording has (no binaries are opened
// here: improve_names.h does that before).
#pragma once

#include <vector>

#include "analyzer/evidence/evidence.h"
#include "lib/recorder/reader.h"

namespace wrackline::evidence {

// Largest first. Empty when the recording has no sampled stack. `window`: what counts as recent,
// before the last record.
std::vector<Site> SitesFromRecording(const recorder::Recording& recording, Duration window);

// True for frames that say how memory was allocated, not why: malloc and its kin, operator new,
// std:: containers.
bool IsPlumbing(const SiteFrame& frame);

}  // namespace wrackline::evidence
