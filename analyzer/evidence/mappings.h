// Anonymous mappings -> sites by kind and stack. Address space, not resident memory: no line of the
// ledger comes from here.
#pragma once

#include <vector>

#include "analyzer/evidence/evidence.h"
#include "lib/recorder/reader.h"

namespace wrackline::evidence {

// Largest first. Empty when nothing was recorded of mappings.
std::vector<MappingSite> MappingsFromRecording(const recorder::Recording& recording);

// "program", "allocator", "jvm", "thread_stack".
const char* Name(MappingKind kind);

}  // namespace wrackline::evidence
