// What texts of a VM say, put beside what is known of it already.
//
// A folder holds what several commands said within a minute or two, each a part: Native Memory Tracking without the heap, the heap
// without metaspace. Parts of one moment become one set of figures; what was known before is not replaced.
#pragma once

#include <string_view>

#include "analyzer/evidence/evidence.h"

namespace wrackline::evidence {

// Figures this near to each other are of one moment.
inline constexpr Duration kOneMoment = std::chrono::minutes(1);

// The VM of `evidence`; a new one, whose figures are of `origin`, where there is none.
Jvm& VmOf(std::string_view origin, Evidence* evidence);

// Each figure of `from` that `to` has not; whether there was one. The time stays that of `to`.
bool FillFigures(const JvmFigures& from, JvmFigures* to);

// Puts `figures` into the nearest set of the VM that is within kOneMoment, where it says nothing of them; else among the others, in
// order of time. Figures without a time are taken for those of the newest moment. A newest set that is of a text is completed by the
// newest known values of what it does not say (JvmFigures::oldest).
void AddFigures(JvmFigures figures, Jvm* vm);

// Adds a long series in order of time, which is kept as it is.
void AddSeries(std::vector<JvmFigures> series, Jvm* vm);

// 2026-11-28 20:15:01 UTC has a time; the epoch stands for none.
inline bool Known(Time time) { return time != Time{}; }

}  // namespace wrackline::evidence
