// The kernel's report of a kill as the last point of a timeline that has no nearer one.
#pragma once

#include "analyzer/evidence/evidence.h"

namespace wrackline::evidence {

// The charge, its split and the process's resident set as the kernel printed them when it killed. `taken`: when the
// newest other evidence was, as the report's own clock counts from the machine's start. Nothing without a kill, or where the
// process was recorded: the recording's last tick is at most a second older, and has more. Pure.
void AddKernelMoment(Time taken, Evidence* evidence);

}  // namespace wrackline::evidence
