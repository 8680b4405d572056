// Do the live objects of a site look like a leak? Their ages tell, as no history of live bytes is kept per site.
//
// The recorded time is cut into eight equal parts; of each it is known how much of what was allocated in it is still alive. A leak keeps
// as much of an old part as of a new one. What is freed sooner or later leaves less of the old ones; what was allocated at the start,
// or until a pool was full, less of the new ones. The first part is start-up, the last one is what is still in use: neither counts. Of
// the six between, the older three are compared with the newer three:
//   old / new, with the error of both counts of samples (each sqrt(n)), must be surely above 0.5 and may not be surely above 2.
//
// Pure; any thread.
#pragma once

#include <vector>

#include "analyzer/evidence/evidence.h"
#include "analyzer/trend/trend.h"

namespace wrackline::diagnosis {

struct LeakTest {
  bool leaks = false;
  std::uint64_t samples = 0;  // in the six parts
  Bytes kept;                 // of the six parts, still alive
  double ratio = 0;           // old / new
  trend::Interval rate;       // bytes a second that are not freed again
  double freed_part = 0;      // of all that it ever allocated: freed
};

LeakTest TestForLeak(const std::vector<const evidence::Site*>& sites, evidence::Duration recorded);

}  // namespace wrackline::diagnosis
