// How the process ended, from what was seen of the end.
#pragma once

#include <string>
#include <vector>

#include "analyzer/diagnosis/diagnosis.h"

namespace wrackline::diagnosis {

// `reasons` gets the facts that decided.
Outcome DecideOutcome(const evidence::Evidence& evidence, std::vector<std::string>* reasons);

// The evidence has a recording of the process, and not only what others say of it.
bool HasRecording(const evidence::Evidence& evidence);

// The lack of memory that ended a VM; of several the rarest kind, the same for verdict and cause. Null: none. A crash is none, and
// a full code cache only makes a VM slow.
const evidence::JavaError* WorstJavaError(const evidence::Evidence& evidence);

}  // namespace wrackline::diagnosis
