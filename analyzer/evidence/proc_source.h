// What the kernel shows of the process in /proc/PID, as files: status, smaps, smaps_rollup, maps.
//
// They give a point of the timeline (resident, what of it is files and shared memory, threads), the VM's resident memory by kind and
// glibc's arenas (smaps_layout.h). Of a process that was recorded nothing is taken: its recording has all of that at
// every tick. Pure.
#pragma once

#include "analyzer/evidence/source.h"

namespace wrackline::evidence {

bool IsProcStatus(const SourceFile& file);
Result<std::string> AddProcStatus(const SourceFile& file, Evidence* evidence);

bool IsSmapsRollup(const SourceFile& file);
Result<std::string> AddSmapsRollup(const SourceFile& file, Evidence* evidence);

bool IsSmaps(const SourceFile& file);
Result<std::string> AddSmaps(const SourceFile& file, Evidence* evidence);

// Without amounts: what is mapped, and how many arenas and stacks there are.
bool IsMaps(const SourceFile& file);
Result<std::string> AddMaps(const SourceFile& file, Evidence* evidence);

}  // namespace wrackline::evidence
