// Where figures of one moment go that come from several files: a snapshot's point of the timeline.
//
// Pure; not thread-safe (it changes the evidence).
#pragma once

#include <chrono>
#include <optional>

#include "analyzer/evidence/evidence.h"

namespace wrackline::evidence {

// Files that were written within this are of one moment: one after the other by a person or a script, and a large
// process's smaps alone takes seconds.
inline constexpr Duration kSameSnapshot = std::chrono::minutes(1);

// The point of that moment, made where there is none. With `own`, a moment whose figure there is known already is another
// one: two readings of a cgroup are two points. nullptr: the process was recorded, and the recording's own points are nearer
// to everything.
TimelinePoint* SnapshotPoint(Time time, Evidence* evidence,
                             std::optional<Bytes> TimelinePoint::*own = nullptr);

}  // namespace wrackline::evidence
